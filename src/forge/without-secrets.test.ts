import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import type { FollowUpForge, OfPullRequest } from '../ports/pull-request-facts.ts'
import { createSanitizer } from '../redaction/sanitize-output.ts'
import { followUpWithoutSecrets } from './without-secrets.ts'

const SECRET = 'sk-canary-12345'
const sanitize = createSanitizer({
  secrets: { ANTHROPIC_API_KEY: SECRET, OPENAI_API_KEY: 'unavailable', OPENAI_COMPATIBLE_API_KEY: 'short' },
  githubSecrets: { token: null, enterpriseToken: null, webhook: null },
  databaseUrl: 'postgresql://localhost/x',
  managerUrl: null,
  proposerUrl: null,
  tracing: null,
  networkEnvironment: {},
})
const OF: OfPullRequest = JSON.parse('{"number":7}')
const unasked = (): never => assert.fail('it is not asked')
const { signal } = new AbortController()

test('what a forge says of a merge, and of what it could not read, is without secrets, and says the same otherwise', async () => {
  const forge: FollowUpForge = {
    failureOf: unasked,
    rerunFailed: unasked,
    replyTo: unasked,
    keepComment: unasked,
    withdrawMerge: unasked,
    revertsOf: unasked,
    async factsOf([of = OF], _signal, unread) {
      unread?.(of, new Fault('github_unreachable', `no: ${SECRET}`, { status: 502 }))
      return []
    },
    mergeWhenReady: async () => ({ outcome: 'unavailable', why: `GitHub says: ${SECRET}` }),
  }
  const shown = followUpWithoutSecrets(forge, sanitize)
  const told: [string, string, unknown][] = []
  await shown.factsOf([OF], signal, (_of, { code, message, details }) => told.push([code, message, details]))
  assert.deepEqual(told, [['github_unreachable', 'no: [redacted]', { status: 502 }]])
  assert.deepEqual(await shown.mergeWhenReady(OF, { headSha: 'a', mark: null }, signal), {
    outcome: 'unavailable',
    why: 'GitHub says: [redacted]',
  })
})
