import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import { Usd } from '../../src/money.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

/** Output alone is charged, and an answer as long as it may be costs just what was reserved for it: ten cents. */
const TEN_CENTS_AT_MOST = { input_per_million: 0, output_per_million: 6.25 }
const LONGEST_ANSWER = 16_000

/** Edits of the file the question is about, e.g. `f07.txt`. */
function editsFor({ body }: ReceivedCall): string {
  const [file] = /f\d+\.txt/.exec(JSON.stringify(body)) ?? []
  return `### write ${file}\n\`\`\`\nchanged\n\`\`\`\n`
}

function filesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `f${String(index).padStart(2, '0')}.txt`)
}

async function amounts(db: Kysely<Database>): Promise<{ committed: Usd; spent: Usd }> {
  const { rows } = await sql<{ committed: string; spent: string }>`
    select coalesce(sum(amount_usd), 0) as committed, coalesce(sum(cost_usd), 0) as spent from budget_entries
  `.execute(db)
  return { committed: new Usd(String(rows[0]?.committed)), spent: new Usd(String(rows[0]?.spent)) }
}

async function countBy(db: Kysely<Database>): Promise<Record<string, number>> {
  const rows = await db
    .selectFrom('work_orders')
    .select([
      sql<string>`coalesce(phase, status_reason ->> 'code', status)`.as('state'),
      sql<string>`count(*)`.as('count'),
    ])
    .groupBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}

async function until(condition: () => Promise<boolean>, what: () => Promise<string>): Promise<void> {
  for (const deadline = Date.now() + 150_000; !(await condition()); await delay(100)) {
    if (Date.now() > deadline) throw new Error(await what())
  }
}

test('50 orders at once and a cap for 10 calls: 10 run, 40 wait with the reason, and a raised cap lets them go on', async () => {
  const files = filesOf(50)
  const settings = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '50' }
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
  const states = async () => JSON.stringify(await countBy(db))
  await until(async () => (await countBy(db))['budget_exceeded'] === 40, states)
  assert.deepEqual(await countBy(db), { budget_exceeded: 40, proposing: 10 })
  opened.resolve()
  await until(async () => (await countBy(db))['in_review'] === 10, states)
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
  await until(async () => (await countBy(db))['in_review'] === 50, states)
  watching.abort()
  await watch
  assert.ok(most.lessThanOrEqualTo(5), most.toFixed())
  const { committed, spent } = await amounts(db)
  assert.deepEqual([committed.toFixed(), spent.toFixed(), server.bill.length], ['5', '5', 50])
  const attempts = await db.selectFrom('attempts').select('number').where('work_order_id', 'in', ids).execute()
  assert.deepEqual([attempts.length, Math.max(...attempts.map(({ number }) => number))], [50, 1])
})

const KILLS = 20

test('kill -9 at 20 random moments around a call: the ledger never knows less than the bill, and equals it once reconciled', async () => {
  const files = filesOf(KILLS + 10)
  const settings = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }
  await using home = await createMooseHome(Object.fromEntries(files.map((file) => [file, 'old\n'])), [], settings)
  const { db } = home.database
  await using server = await startModelServer((call, index): Scripted => {
    const usage = { input: 1_000 + index, output: 300 + index, headersAfterMs: 50, pauseMs: 20 }
    return { kind: 'text', text: editsFor(call), ...usage }
  })
  await useStandIn(home, 'stand-in', {
    url: server.url,
    threshold: 1,
    price: { input_per_million: 3, output_per_million: 15 },
  })
  for (const file of files) await fileOrder(home.database, { title: `Change ${file}`, files: [file] })
  const bill = () =>
    server.bill.map(({ requestId, input, output }) => ({ id: String(requestId), cost: input * 3 + output * 15 }))
  const billed = () => new Usd(bill().reduce((sum, { cost }) => sum + cost, 0)).dividedBy(1_000_000)
  for (let kill = 0; kill < KILLS; kill += 1) {
    const calls = server.calls.length
    const service = await mooseUp(home.environment, '--start')
    while (server.calls.length === calls) await delay(2)
    await delay((kill * 37) % 230)
    await service.kill()
    const { committed } = await amounts(db)
    assert.ok(
      committed.greaterThanOrEqualTo(billed()),
      `after kill ${kill + 1}: ${committed.toFixed()} < ${billed().toFixed()}`,
    )
  }

  await using _service = await mooseUp(home.environment, '--start')
  await until(
    async () => (await countBy(db))['in_review'] === files.length,
    async () => JSON.stringify(await countBy(db)),
  )
  assert.ok((await amounts(db)).committed.greaterThan(billed()), 'some kills fell between a call and its settling')
  const rows = bill().map(({ id, cost }) => `${id},${new Usd(cost).dividedBy(1_000_000).toFixed()}`)
  const file = path.join(home.config.home, 'bill.csv')
  await writeFile(file, ['request_id,cost_usd', ...rows].join('\n'))
  const complete = ['--complete-until', new Date().toISOString(), '--proposer', 'stand-in']
  const reconciled = await moose(home.environment, 'budget', 'reconcile', '--bill', file, ...complete)
  assert.equal(reconciled.exitCode, 0, reconciled.stderr)
  const { committed, spent } = await amounts(db)
  assert.deepEqual([committed.toFixed(), spent.toFixed()], [billed().toFixed(), billed().toFixed()])
})
