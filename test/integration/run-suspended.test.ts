import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setLimit } from '../../src/budget/limits.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault, toFault } from '../../src/faults/fault.ts'
import { Usd } from '../../src/money.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { type OrchestratorBench, openBench } from '../support/orchestrator-bench.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const FILES = { 'greeting.txt': 'hello\n' }
const ANSWER = '### write greeting.txt\n```\nhello, world\n```\n'
const KEY = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }

const order = { title: 'Greet the world', files: ['greeting.txt'] }
const bench = (home: MooseHome) => openBench(home, { repair: async () => undefined })
const run = ({ orchestrator }: OrchestratorBench, id: string) =>
  orchestrator.execute(id, new AbortController().signal).then(
    (result) => result,
    (error: unknown) => toFault(error),
  )

/** An order whose first call would pass the cap of the day. @returns its id, and what the call may cost */
async function withoutMoney(home: MooseHome, moose: OrchestratorBench, url: string) {
  await useStandIn(home, 'small', { url, threshold: 1 })
  await setLimit(home.database.db, 'daily_hard_cap', new Usd(0))
  const id = await fileOrder(home.database, order)
  const refused = await run(moose, id)
  assert.ok(refused instanceof Fault && refused.code === 'budget_exceeded', JSON.stringify(refused))
  return { id, needed: new Usd(String(refused.details['needed_usd'])) }
}

test('run after a cap was raised goes on where the order rests, without a service', async () => {
  await using home = await createMooseHome(FILES, [], KEY)
  await using server = await startModelServer({ kind: 'text', text: ANSWER })
  await using moose = await bench(home)
  const { id } = await withoutMoney(home, moose, server.url)
  await setLimit(home.database.db, 'daily_hard_cap', new Usd(100))
  const result = await run(moose, id)
  assert.ok(!(result instanceof Fault), JSON.stringify(result))
  assert.deepEqual([result.attempt, result.phase], [1, 'in_review'])
  assert.deepEqual([moose.calls.route, moose.calls.propose], [1, 2])
})

test('life G2: run of an order that still has to wait says why it has to today', async () => {
  await using home = await createMooseHome(FILES, [], KEY)
  await using server = await startModelServer({ kind: 'text', text: ANSWER })
  await using moose = await bench(home)
  const { db } = home.database
  const { id, needed } = await withoutMoney(home, moose, server.url)
  const calls = { ...moose.calls }

  await setLimit(db, 'daily_hard_cap', needed.dividedBy(2))
  const raised = await run(moose, id)
  assert.ok(raised instanceof Fault && raised.code === 'budget_exceeded')
  assert.match(raised.message, /the cap of the day \(.*\), \$0\.\d+, has \$0\.\d+ left/)
  assert.match(raised.message, /Raise it with: moose budget cap day \S+ .* without one: moose run [0-9a-f]{8}$/)

  await setLimit(db, 'daily_hard_cap', new Usd(100))
  await setLimit(db, 'monthly_hard_cap', new Usd(0))
  const other = await run(moose, id)
  assert.ok(other instanceof Fault && other.code === 'budget_exceeded')
  assert.match(other.message, /the cap of the month .* \$0(\.00)?, has \$0/)
  assert.deepEqual(moose.calls, calls, 'nothing was begun')
  assert.equal((await findWorkOrder(db, id)).status, 'blocked')
})

test('run of an order whose provider is paused names the pause of today', async () => {
  await using home = await createMooseHome(FILES, [{ task: order.title, turn: 1, text: ANSWER }])
  await using moose = await bench(home)
  const { db } = home.database
  const asked = { proposer: 'scripted', provider: 'replay', until: '2020-01-01T00:00:00.000Z' }
  moose.trouble.propose.push(new Fault('provider_paused', 'It rests until 2020.', asked))
  const id = await fileOrder(home.database, order)
  await run(moose, id)
  const until = new Date(Date.now() + 3_600_000)
  await db
    .insertInto('provider_pauses')
    .values({ provider: 'replay', failures: 3, reason: 'HTTP 503', until })
    .execute()
  const waits = await run(moose, id)
  assert.ok(waits instanceof Fault && waits.code === 'provider_paused')
  assert.match(waits.message, /until \d{4}-\d\d-\d\dT.*3 outages in a row: HTTP 503/)
  assert.ok(waits.message.includes(until.toISOString()) && !waits.message.includes('2020'), waits.message)
  await db.deleteFrom('provider_pauses').execute()
  const result = await run(moose, id)
  assert.ok(!(result instanceof Fault), JSON.stringify(result))
})

test('run of an order that rests and is not approved any more says that', async () => {
  await using home = await createMooseHome(FILES, [{ task: order.title, turn: 1, text: ANSWER }])
  await using moose = await bench(home)
  const details = { proposer: 'scripted', provider: 'replay', model: 'scripted', needed_usd: '0.01' }
  moose.trouble.propose.push(new Fault('budget_exceeded', 'The cap of yesterday.', details))
  const id = await fileOrder(home.database, order)
  await run(moose, id)
  await home.database.db.updateTable('work_orders').set({ description: 'Other words.' }).where('id', '=', id).execute()
  const refused = await run(moose, id)
  assert.ok(refused instanceof Fault && refused.code === 'work_order_not_approved', JSON.stringify(refused))
  assert.doesNotMatch(refused.message, /yesterday/)
})
