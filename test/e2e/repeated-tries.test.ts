import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const NO_EDITS = { kind: 'text', text: 'no edits at all' } as const
const EDITS = { kind: 'text', text: '### write a.txt\n```\nb\n```\n' } as const

test('kill -9 in the second try of a proposal: the first is not made again, and the second goes on', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], { OPENAI_COMPATIBLE_API_KEY: 'sk-real' })
  await using server = await startModelServer(NO_EDITS, NO_EDITS, { kind: 'silent' })
  await useStandIn(home, 'small', { url: server.url, threshold: 0.9 })
  const dearer = { input_per_million: 30, output_per_million: 90 }
  await useStandIn(home, 'large', { url: server.url, threshold: 1, price: dearer })
  const first = await mooseUp(home.environment, '--start')
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await until('the second try', () => server.calls.length === 3)
  await first.kill()
  server.script.splice(0, Infinity, EDITS)

  await using _second = await mooseUp(home.environment)
  await using looker = await home.open('client')
  const order = await settled(looker, id)
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1], JSON.stringify(order.status_reason))
  assert.equal(server.calls.length, 4)
  const proposals = order.attempt_history
    .flatMap(({ steps }) => steps)
    .filter(({ name }) => name === 'propose')
    .map((step) => [step.try, step.status, step.runs])
  assert.deepEqual(proposals, [
    [1, 'failed', 1],
    [2, 'succeeded', 2],
  ])
})

test('a stronger proposer comes to help: the outcome is that of the one the order was given to', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], { OPENAI_COMPATIBLE_API_KEY: 'sk-real' })
  await using weak = await startModelServer(NO_EDITS)
  await using strong = await startModelServer(EDITS)
  await useStandIn(home, 'weak', { url: weak.url, threshold: 0.5 })
  const dearer = { input_per_million: 30, output_per_million: 90 }
  await useStandIn(home, 'strong', { url: strong.url, threshold: 1, price: dearer })
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const outcome = await moose.db
    .selectFrom('outcome_vectors')
    .select(['model_used', 'metadata', 'cost'])
    .where('work_order_id', '=', id)
    .executeTakeFirstOrThrow()
  assert.equal(outcome.model_used, 'weak')
  assert.match(JSON.stringify(outcome.metadata), /"proposer_used":"strong"/)
  assert.deepEqual([weak.bill.length, strong.bill.length], [2, 1])
  assert.equal(Number(outcome.cost), order.actual_cost)
  const told = JSON.stringify(strong.calls[0]?.body)
  assert.match(told, /An earlier try at this work order failed/)
})
