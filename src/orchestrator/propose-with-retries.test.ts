import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../errors.ts'
import type { Adapters, AttemptContext } from '../pipeline/attempt-context.ts'
import type { RetryDecision } from '../pipeline/ports/routing.ts'
import type { Routed } from '../pipeline/route.ts'
import { proposeWithRetries } from './propose-with-retries.ts'

const REJECTED = new Fault('proposal_rejected', 'None of the answers can be applied.')
const RETRY: RetryDecision = {
  should_retry: true,
  attempt_number: 2,
  max_attempts: 3,
  strategy: 'same_model',
  reasoning: 'because',
}

/** Proposes with a Proposer that always fails in this way; every step is run at once. */
async function propose(failure: unknown, decision: RetryDecision) {
  const asked: string[] = []
  const context = { workOrderId: 'x', attempt: 1, note: async () => undefined, signal: new AbortController().signal }
  const adapters = {
    manager: { decideRetry: async () => decision },
    executors: { wanted: 'patch' },
    buildProposerRequest: () => ({}),
    workspaces: { fetchBase: async () => 'a'.repeat(40), tree: () => ({}) },
    proposer: {
      propose: async ({ proposer }: { proposer: string }) => {
        asked.push(proposer)
        throw failure
      },
    },
  }
  const routed = { decision: { selected_proposer: 'small' }, order: { title: 't', files_in_scope: [] }, project: {} }
  const ended: unknown = await proposeWithRetries(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts a proposal needs
    context as unknown as AttemptContext,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    routed as unknown as Routed,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    adapters as unknown as Adapters,
    { run: (step) => step.run(), onBase: async () => undefined },
  ).catch((error: unknown) => error)
  return { asked, ended }
}

test('a lost database is not taken for a failed proposal', async () => {
  const lost = Object.assign(new Error('terminating connection'), { code: '57P01' })
  const { asked, ended } = await propose(lost, RETRY)
  assert.equal(ended, lost)
  assert.equal(asked.length, 1)
})

test('a Manager that always wants another try gets as many as it says itself, and never more than ten', async () => {
  assert.equal((await propose(REJECTED, RETRY)).asked.length, 3)
  const { asked, ended } = await propose(REJECTED, { ...RETRY, max_attempts: 1_000 })
  assert.deepEqual(asked, Array<string>(10).fill('small'))
  assert.ok(ended instanceof Fault && ended.code === 'proposal_rejected' && ended.details['escalated'] === true)
})

test('who is named makes the next try', async () => {
  const { asked } = await propose(REJECTED, { ...RETRY, next_proposer: 'large', max_attempts: 2 })
  assert.deepEqual(asked, ['small', 'large'])
})
