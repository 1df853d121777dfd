import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../faults/fault.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import { apply } from './apply.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'

/** Applies with an executor that ends like this; what became of the workspace is written down. */
async function applied(ending: unknown) {
  const done: string[] = []
  const workspace = {
    commit: async () => done.push('committed'),
    [Symbol.asyncDispose]: async () => void done.push('removed'),
  }
  const context = { workOrderId: 'x', attempt: 1, note: async () => undefined, output: () => undefined }
  const executor = {
    name: 'aider',
    apply: async () => {
      throw ending
    },
  }
  const adapters = { executors: { wanted: 'aider', aider: executor }, workspaces: { open: async () => workspace } }
  const before = {
    routed: { order: { title: 't', files_in_scope: [] }, project: {}, shortId: 'x' },
    proposed: { baseSha: 'a', proposer: 'small', response: { content: 'the change', format: 'text' } },
  }
  const fault: unknown = await apply(
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts an executor needs
    context as unknown as AttemptContext,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    before as unknown as { routed: Routed; proposed: Proposed },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    adapters as unknown as Pick<Adapters, 'executors' | 'workspaces'>,
    {
      onSha: 'a',
      response: { content: 'the change', cost: 0, proposer_used: 'small', format: 'text' },
      previous: null,
      repair: null,
      mostCalls: 3,
    },
  ).catch((error: unknown) => error)
  return { fault, done }
}

test('an outage while Aider works has the order wait, and nothing of the run is kept', async () => {
  for (const code of ['model_overloaded', 'model_timed_out'] as const) {
    const outage = new Fault(code, 'Aider ended because its model failed: busy.', { provider: 'anthropic' })
    const { fault, done } = await applied(outage)
    assert.ok(fault instanceof Fault)
    assert.deepEqual([fault.code, fault.cause], ['provider_paused', outage])
    assert.deepEqual(fault.details, { provider: 'anthropic', proposer: 'small', outage: code })
    assert.match(fault.message, /^Aider ended because its model failed: busy\. .* order is resumed/)
    assert.deepEqual(done, ['removed'])
  }
})

test('what else ends a run of Aider stays what it is', async () => {
  for (const code of ['budget_exceeded', 'provider_paused', 'aider_partial'] as const) {
    const ending = new Fault(code, 'as it is', { proposer: 'small' })
    assert.deepEqual(await applied(ending), { fault: ending, done: ['removed'] })
  }
})

test('a pause that does not say whose it is waits for the provider of the proposer that was asked', async () => {
  const { fault } = await applied(new Fault('provider_paused', 'It rests.'))
  assert.ok(fault instanceof Fault && fault.code === 'provider_paused')
  assert.deepEqual(fault.details, { proposer: 'small' })
})
