import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { createPromptGuard } from './prompt-secrets.ts'
import { tokenOf } from './token-form.ts'

const KEY = 'sk-ant-canary+0123456789'
const refuse = createPromptGuard({
  secrets: { ANTHROPIC_API_KEY: KEY, OPENAI_API_KEY: 'short' },
  githubSecrets: { token: 'ghp_0123456789abcdef', enterpriseToken: null, webhook: null },
  databaseUrl: 'postgresql://ada:postgres@localhost/x',
  managerUrl: null,
  proposerUrl: null,
  tracing: null,
  networkEnvironment: {},
})

/** Where a text is refused, and for what; null: it is told. */
function refusalOf(text: string): unknown {
  try {
    refuse([
      { place: 'before', text: 'nothing' },
      { place: 'a.txt', text, hasLines: true },
    ])
    return null
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'secret_in_prompt')
    assert.ok(!error.message.includes(KEY))
    return [error.details['secret'], error.details['place']]
  }
}

test('a secret is refused as it is and encoded, by its name and its place', () => {
  const forms = [
    KEY,
    encodeURIComponent(KEY),
    Buffer.from(`x:${KEY}`).toString('base64'),
    Buffer.from(KEY).toString('hex'),
  ]
  for (const form of forms)
    assert.deepEqual(refusalOf(`a\nb ${form} c\n`), ['ANTHROPIC_API_KEY', 'a.txt, line 2'], form)
  assert.deepEqual(refusalOf('ghp_0123456789abcdef'), ['GH_TOKEN (or GITHUB_TOKEN)', 'a.txt, line 1'])
  const token = tokenOf(new Uint8Array(32).fill(7))
  assert.deepEqual(refusalOf(`moose_${'a'.repeat(49)} ${token}`), ['a token of its API', 'a.txt, line 1'])
})

test('what any text may hold by chance, or only looks like a token, is told', () => {
  assert.equal(refusalOf('import postgres from "postgres"'), null)
  assert.equal(refusalOf(`short moose_${'a'.repeat(49)}`), null)
})
