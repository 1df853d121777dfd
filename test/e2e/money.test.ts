import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Usd } from '../../src/money.ts'
import { amounts, countBy, editsFor, filesOf } from '../support/many-orders.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

/** Output alone is charged, and an answer as long as it may be costs just what was reserved for it: ten cents. */
const TEN_CENTS_AT_MOST = { input_per_million: 0, output_per_million: 6.25 }
const LONGEST_ANSWER = 16_000

test('50 orders at once and a cap for 10 calls: 10 run, 40 wait with the reason, and a raised cap lets them go on', async () => {
  const files = filesOf(50)
  const settings = {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '50',
    ORCHESTRATOR_PAUSE_AFTER_FAILURES: '0',
  }
  await using home = await createMooseHome(Object.fromEntries(files.map((file) => [file, 'old\n'])), [], settings)
  const { db } = home.database
  const opened = Promise.withResolvers<void>()
  await using server = await startModelServer(async (call) => {
    await opened.promise
    return { kind: 'text', text: editsFor(call), input: 10, output: LONGEST_ANSWER }
  })
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1, price: TEN_CENTS_AT_MOST })
  assert.equal((await moose(home.environment, 'budget', 'cap', 'day', '1')).exitCode, 0)
  const ids = await Promise.all(
    files.map((file) => fileOrder(home.database, { title: `Change ${file}`, files: [file] })),
  )
  let most = new Usd(0)
  const watching = new AbortController()
  const watch = (async () => {
    for (; !watching.signal.aborted; await delay(20)) most = Usd.max(most, (await amounts(db)).committed)
  })()
  await using _service = await mooseUp(home.environment, '--start')
  const patience = { withinMs: 150_000, everyMs: 100, say: async () => JSON.stringify(await countBy(db)) }
  await until('40 wait', async () => (await countBy(db))['budget_exceeded'] === 40, patience)
  assert.deepEqual(await countBy(db), { budget_exceeded: 40, proposing: 10 })
  opened.resolve()
  await until('10 are in review', async () => (await countBy(db))['in_review'] === 10, patience)
  assert.deepEqual([(await countBy(db))['budget_exceeded'], server.bill.length], [40, 10])
  assert.ok(most.lessThanOrEqualTo(1), `at some moment $${most.toFixed()} were spent and reserved`)
  const waiting = await db
    .selectFrom('work_orders')
    .select('status_reason')
    .where('status', '=', 'blocked')
    .executeTakeFirstOrThrow()
  assert.match(
    String(waiting.status_reason?.message),
    /^The next call to stand-in may cost up to \$0\.10, and the cap of the day \(.*, UTC\), \$1\.00, has \$0\.00 left .* moose budget cap day 1\.10$/,
  )

  const raised = await moose(home.environment, 'budget', 'cap', 'day', '5')
  assert.equal(raised.exitCode, 0, raised.stderr)
  await until('50 are in review', async () => (await countBy(db))['in_review'] === 50, patience)
  watching.abort()
  await watch
  assert.ok(most.lessThanOrEqualTo(5), most.toFixed())
  const { committed, spent } = await amounts(db)
  assert.deepEqual([committed.toFixed(), spent.toFixed(), server.bill.length], ['5', '5', 50])
  const attempts = await db.selectFrom('attempts').select('number').where('work_order_id', 'in', ids).execute()
  assert.deepEqual([attempts.length, Math.max(...attempts.map(({ number }) => number))], [50, 1])
})
