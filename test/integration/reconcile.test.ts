import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { sql } from 'kysely'
import { leaveUnresolved, release, reserve, settle } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { markLeftBehind, reconcile, settleByHand } from '../../src/budget/reconcile.ts'
import { readOrderBudget } from '../../src/budget/spent-by.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { recordModelCall } from '../../src/db/model-calls.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { by, CALL, NOBODY, order, project, setNow } from '../support/ledger-rows.ts'
import { until } from '../support/until.ts'

const UNTIL_NOW = () => ({ complete_until: new Date().toISOString() })

test('what a dead process of this home left is unresolved; another machine keeps its calls', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const hello = await project(database, 'hello')
  const here = await order(database, 'Here', { project: hello })
  const there = await order(database, 'There', { project: hello, executor: 'there' })
  const make = (payer: typeof here | typeof NOBODY) => reserve(db, { ...CALL, ...payer }, new Usd('0.5'))
  const left = await by(database, randomUUID(), await make(here))
  const gone = await make(here)
  await release(db, gone)
  await by(database, randomUUID(), gone)
  await make(here)
  await by(database, randomUUID(), await make(there))
  const young = await by(database, randomUUID(), await make(NOBODY))
  const unresolved = async () =>
    (await readBudget(db)).reservations.filter(({ state }) => state === 'unresolved').map(({ id }) => id)

  assert.equal(await markLeftBehind(db, 'here'), 1)
  assert.deepEqual(await unresolved(), [left])
  assert.equal(await markLeftBehind(db, 'here'), 0)
  assert.deepEqual((await readBudget(db)).unresolved, { count: 1, amount_usd: 0.5 })
  assert.deepEqual(await readOrderBudget(db, here.workOrderId), {
    cap_usd: 5,
    spent_usd: 0,
    reserved_usd: 1,
    unresolved_usd: 0.5,
  })
  await setNow(database, new Date(Date.now() + 2 * 3_600_000).toISOString())
  assert.equal(await markLeftBehind(db, 'here'), 1)
  assert.deepEqual(await unresolved(), [left, young])
})

test('a reservation that claims to be made in the future, as a bad row may, is left behind and can be booked', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  for (const at of ['2999-01-01', 'infinity']) {
    const { rows } = await sql<{ id: string }>`
      insert into budget_entries (reservation_id, kind, amount_usd, proposer, provider, model, holder, day, month, at)
      values (gen_random_uuid(), 'reserved', 100, 's', 'replay', 's', gen_random_uuid(), current_date,
        date_trunc('month', now())::date, ${at})
      returning reservation_id as id`.execute(db)
    assert.equal(await markLeftBehind(db, 'here'), 1, at)
    await settleByHand(db, String(rows[0]?.id), new Usd(0))
  }
  assert.deepEqual((await readBudget(db)).reservations, [])
})

test('what another home left of an attempt that runs no more is unresolved, unless the worker that made it lives', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const hello = await project(database, 'hello')
  const [living, silent, gone] = [randomUUID(), randomUUID(), randomUUID()]
  const left = async (status: 'running' | 'failed' | 'blocked', holder: string) => {
    const there = await order(database, status, { project: hello, executor: 'there' })
    const id = await by(database, holder, await reserve(db, { ...CALL, ...there }, new Usd('0.1')))
    await db.updateTable('attempts').set({ status, holder }).where('work_order_id', '=', there.workOrderId).execute()
    return id
  }
  const worker = (holder: string, leaseMs: number) => ({
    executor_id: holder,
    holder,
    host: 'there',
    pid: 1,
    version: '1',
    revision: 'pipeline-1',
    lease_until: new Date(Date.now() + leaseMs),
  })
  await db
    .insertInto('workers')
    .values([worker(living, 60_000), worker(silent, -1_000)])
    .execute()
  const dead = [await left('blocked', gone), await left('failed', silent)]
  await left('blocked', living)
  // Somebody takes these over, or goes on with them himself.
  for (const holder of [living, silent, gone]) await left('running', holder)

  assert.equal(await markLeftBehind(db, 'here'), 2)
  const marked = (await readBudget(db)).reservations.filter(({ state }) => state === 'unresolved')
  assert.deepEqual(marked.map(({ id }) => id).sort(), dead.sort())
})

test('life G7: a call that a bill names twice alike is settled once; with two costs, the whole bill is a conflict', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const [id, other] = [
    await reserve(db, { ...CALL, ...NOBODY }, new Usd(1)),
    await reserve(db, { ...CALL, ...NOBODY }, new Usd(1)),
  ]
  await leaveUnresolved(db, id)
  await leaveUnresolved(db, other)
  const billed = (request_id: string, cost_usd: string | number) => ({ request_id, cost_usd })
  const conflict = await faultOf(
    reconcile(db, { entries: [billed(other, 1), billed(id, '0.5'), billed(id.toUpperCase(), 0.51)] }),
  )
  assert.equal(conflict.code, 'reservation_conflict')
  assert.match(conflict.message, /twice, with \$0\.50 and with \$0\.51; nothing was changed/)
  const { settled } = await reconcile(db, {
    entries: [billed(id, '0.50'), billed(id.toUpperCase(), 0.5), billed(other, 1)],
  })
  const costs = new Map(settled.map(({ id: of, cost_usd }) => [of, cost_usd]))
  assert.deepEqual([settled.length, costs.get(id), costs.get(other)], [2, 0.5, 1])
})

test('a bill settles what is unresolved, releases what it does not name, and touches nothing else', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const make = async (usd: string) => reserve(db, { ...CALL, ...NOBODY }, new Usd(usd))
  const lost = async (usd: string) => {
    const id = await make(usd)
    await leaveUnresolved(db, id)
    return id
  }
  const charged = await lost('1')
  const free = await lost('1')
  const unnamed = await lost('0.75')
  const running = await make('1')
  const same = await make('1')
  await settle(db, same, new Usd('0.10'))
  const other = await make('1')
  await settle(db, other, new Usd('0.10'))
  const released = await make('1')
  await release(db, released)
  const unknown = randomUUID()
  const entries = [
    { request_id: charged.toUpperCase(), cost_usd: '0.333333' },
    { request_id: free, cost_usd: 0 },
    { request_id: running, cost_usd: 0.2 },
    { request_id: same, cost_usd: 0.1 },
    { request_id: other, cost_usd: '0.11' },
    { request_id: released, cost_usd: 0.4 },
    { request_id: unknown, cost_usd: 1 },
    { request_id: "'; drop table budget_entries; --", cost_usd: 1 },
  ]
  const partial = await reconcile(db, { entries })
  assert.deepEqual(partial, {
    settled: [
      { id: charged, cost_usd: 0.333333 },
      { id: free, cost_usd: 0 },
    ],
    released: [],
    agreeing: 1,
    differing: [
      { id: other, booked_usd: 0.1, billed_usd: 0.11 },
      { id: released, booked_usd: 0, billed_usd: 0.4 },
    ],
    under_way: [running],
    unknown: [unknown, "'; drop table budget_entries; --"],
  })
  assert.equal((await readBudget(db)).unresolved.count, 1)
  const complete = await reconcile(db, { entries, ...UNTIL_NOW(), provider: 'openai' })
  assert.deepEqual(
    [complete.settled, complete.released, complete.agreeing],
    [[], [{ id: unnamed, amount_usd: 0.75 }], 3],
  )
  const budget = await readBudget(db)
  assert.deepEqual([budget.today.spent_usd, budget.today.reserved_usd, budget.unresolved.count], [0.533333, 1, 0])
})

test('one unresolved call is settled by hand, once; one under way is not', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, { ...CALL, ...NOBODY }, new Usd(1))
  const code = async (prefix: string) => (await faultOf(settleByHand(db, prefix, new Usd('0.25')))).code
  assert.equal(await code(id), 'reservation_conflict')
  await leaveUnresolved(db, id)
  assert.deepEqual(await settleByHand(db, id.slice(0, 8).toUpperCase(), new Usd('0.25')), { id, cost_usd: 0.25 })
  await settleByHand(db, id, new Usd('0.250'))
  await assert.rejects(settleByHand(db, id, new Usd('0.26')), /settled or released otherwise before/)
  for (const wrong of ['', '%', 'zzzz', randomUUID(), 'x'.repeat(5000)]) assert.equal(await code(wrong), 'not_found')
  const other = await reserve(db, { ...CALL, ...NOBODY }, new Usd(1))
  await leaveUnresolved(db, other)
  await settleByHand(db, other, new Usd(0))
  const { today } = await readBudget(db)
  assert.deepEqual([today.spent_usd, today.reserved_usd], [0.25, 0])
})

test('a complete bill releases only what it could name: of its provider or proposer, before its end', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const lost = async (call: Partial<typeof CALL>, at: string) => {
    await setNow(database, at)
    const id = await reserve(db, { ...CALL, ...NOBODY, ...call }, new Usd(1))
    await leaveUnresolved(db, id)
    return id
  }
  const local = { proposer: 'local', provider: 'openai-compatible' }
  const mine = await lost({}, '2026-11-30T23:59:59Z')
  const late = await lost({}, '2026-12-01T00:00:00Z')
  const theirs = await lost({ provider: 'anthropic' }, '2026-11-10T00:00:00Z')
  const own = await lost(local, '2026-11-10T00:00:00Z')
  const otherServer = await lost({ ...local, proposer: 'other' }, '2026-11-10T00:00:00Z')
  await setNow(database, '2026-12-05T00:00:00Z')
  const released = async (bill: Parameters<typeof reconcile>[1]) =>
    (await reconcile(db, bill)).released.map(({ id }) => id)
  const month = { entries: [], complete_until: '2026-12-01T00:00:00Z' }
  assert.deepEqual(await released({ entries: [] }), [])
  assert.deepEqual(await released({ ...month, provider: 'openai' }), [mine])
  assert.deepEqual(await released({ ...month, proposer: 'local' }), [own])
  const left = new Set((await readBudget(db)).reservations.map(({ id }) => id))
  assert.deepEqual(left, new Set([late, theirs, otherServer]))
  const early = await faultOf(reconcile(db, { ...month, complete_until: '2026-12-05T00:00:01Z', provider: 'openai' }))
  assert.equal(early.code, 'request_invalid')
  assert.match(early.message, /2026-12-05T00:00:01Z.* not over/)
  assert.equal((await readBudget(db)).reservations.length, 3)
})

/** As another process books it. */
const SETTLED = `insert into budget_entries
  (reservation_id, kind, amount_usd, cost_usd, proposer, provider, model, holder, day, month)
  select reservation_id, 'settled', -0.5, 0.5, proposer, provider, model, holder, day, month
  from budget_entries where reservation_id = any($1) and kind = 'reserved'`

test('what others book while a bill is compared is reported as booked, and the rest of the bill is booked', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const lost = async () => {
    const id = await reserve(db, { ...CALL, ...NOBODY }, new Usd(1))
    await leaveUnresolved(db, id)
    return id
  }
  const [other, gone, mine] = [await lost(), await lost(), await lost()]
  const others = await database.pool.connect()
  await others.query('begin')
  await others.query(SETTLED, [[other, gone]])
  const entries = [other, mine].map((id) => ({ request_id: id, cost_usd: id === other ? '0.7' : '0.5' }))
  const result = reconcile(db, { entries, ...UNTIL_NOW(), provider: 'openai' })
  await untilSomebodyWaits(database)
  await others.query('commit')
  others.release()
  assert.deepEqual(await result, {
    settled: [{ id: mine, cost_usd: 0.5 }],
    released: [],
    agreeing: 0,
    differing: [{ id: other, booked_usd: 0.5, billed_usd: 0.7 }],
    under_way: [],
    unknown: [],
  })
})

test('the same bill twice at once is booked once', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const entries = []
  for (let call = 0; call < 20; call += 1) {
    const id = await reserve(db, { ...CALL, ...NOBODY }, new Usd(1))
    await leaveUnresolved(db, id)
    entries.push({ request_id: id, cost_usd: '0.01' })
  }
  const others = await database.pool.connect()
  await others.query('begin')
  await others.query(SETTLED, [[entries[0]?.request_id]])
  const both = Promise.all([reconcile(db, { entries }), reconcile(db, { entries: entries.toReversed() })])
  await untilSomebodyWaits(database, 2)
  await others.query('rollback')
  others.release()
  const results = await both
  assert.deepEqual(
    results.map(({ settled, agreeing }) => [settled.length, agreeing]).sort(([one = 0], [other = 0]) => one - other),
    [
      [0, 20],
      [20, 0],
    ],
  )
})

test('a settlement that reaches the kill is heard of at once', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await setLimit(db, 'emergency_kill', new Usd(1))
  const listener = await database.pool.connect()
  using _listening = { [Symbol.dispose]: () => listener.release(true) }
  let heard = 0
  listener.on('notification', () => {
    heard += 1
  })
  await listener.query('listen moose_config')
  for (const [index, cost] of ['0.4', '0.6'].entries()) {
    const id = await reserve(db, { ...CALL, ...NOBODY }, new Usd('0.6'))
    await leaveUnresolved(db, id)
    if (index === 0) await settleByHand(db, id, new Usd(cost))
    else await reconcile(db, { entries: [{ request_id: id, cost_usd: cost }] })
    await listener.query('select')
    assert.equal(heard, index)
  }
})

test('a bill that cannot be booked to its end changes nothing', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const ids = []
  for (const amount of [1, 2]) {
    const id = await reserve(db, { ...CALL, ...NOBODY }, new Usd(amount))
    await leaveUnresolved(db, id)
    ids.push(id)
  }
  await pool.query(`alter table budget_entries add constraint not_this check (cost_usd is null or cost_usd <> 0.2)`)
  const entries = ids.map((id, index) => ({ request_id: id, cost_usd: index === 0 ? '0.1' : '0.2' }))
  await assert.rejects(reconcile(db, { entries }))
  assert.equal((await readBudget(db)).unresolved.count, 2)
})

test('what is settled later counts for its call, its attempt and its order, so that show and budget agree', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const one = await order(database, 'One', { project: await project(database, 'hello') })
  const two = await order(database, 'Two', { project: await project(database, 'shop') })
  const lost = async (payer: typeof one | typeof NOBODY, withRow: boolean) => {
    const id = await reserve(db, { ...CALL, ...payer }, new Usd(1))
    await leaveUnresolved(db, id)
    if (withRow) await recordModelCall(db, { ...callRow(payer), reservation_id: id, error_code: 'model_timed_out' })
    return id
  }
  const known = await reserve(db, { ...CALL, ...one }, new Usd(1))
  await recordModelCall(db, { ...callRow(one), reservation_id: known, cost_usd: '0.1', finish_reason: 'stop' })
  await settle(db, known, new Usd('0.1'))
  const [broken, killed] = [await lost(one, true), await lost(one, false)]
  const [byHand, free, ofNobody] = [await lost(two, true), await lost(two, true), await lost(NOBODY, false)]
  const freeUnseen = await lost(two, false)
  const bill = { [broken]: '0.02', [killed]: '0.003', [ofNobody]: '0.7', [freeUnseen]: 0 }
  await reconcile(db, { entries: Object.entries(bill).map(([id, cost]) => ({ request_id: id, cost_usd: cost })) })
  await settleByHand(db, byHand, new Usd('0.4'))
  await settleByHand(db, free, new Usd(0))

  const rows = await db
    .selectFrom('model_calls')
    .select(['reservation_id', 'work_order_id', 'attempt', 'proposer', 'model', 'cost_usd', 'error_code'])
    .orderBy('cost_usd')
    .execute()
  const row = (id: string, cost: string | null, { workOrderId, attempt }: typeof one | typeof NOBODY) => ({
    reservation_id: id,
    work_order_id: workOrderId,
    attempt,
    proposer: CALL.proposer,
    model: CALL.model,
    cost_usd: cost,
  })
  assert.deepEqual(rows, [
    { ...row(killed, '0.003', one), error_code: null },
    { ...row(broken, '0.02', one), error_code: 'model_timed_out' },
    { ...row(known, '0.1', one), error_code: null },
    { ...row(byHand, '0.4', two), error_code: 'model_timed_out' },
    { ...row(ofNobody, '0.7', NOBODY), error_code: null },
    { ...row(free, null, two), error_code: 'model_timed_out' },
  ])
  for (const { workOrderId } of [one, two]) {
    const [attempt] = await db.selectFrom('attempts').selectAll().where('work_order_id', '=', workOrderId).execute()
    const [shown] = await db.selectFrom('work_orders').selectAll().where('id', '=', workOrderId).execute()
    const { spent_usd: spent, reserved_usd: reserved } = await readOrderBudget(db, workOrderId)
    assert.deepEqual([spent, reserved], [workOrderId === one.workOrderId ? 0.123 : 0.4, 0])
    assert.deepEqual([Number(attempt?.cost_usd), Number(shown?.actual_cost)], [spent, spent])
  }
})

test('a call of an order that is gone is settled all the same', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const one = await order(database, 'One', { project: await project(database, 'hello') })
  const id = await reserve(db, { ...CALL, ...one }, new Usd(1))
  await leaveUnresolved(db, id)
  await db.deleteFrom('attempts').execute()
  await db.deleteFrom('work_orders').execute()
  await settleByHand(db, id, new Usd('0.4'))
  const [row] = await db.selectFrom('model_calls').select(['work_order_id', 'cost_usd']).execute()
  assert.deepEqual(row, { work_order_id: null, cost_usd: '0.4' })
  assert.equal((await readBudget(db)).today.spent_usd, 0.4)
})

function callRow({ workOrderId, attempt }: { workOrderId: string | null; attempt: number | null }) {
  const made = { input_tokens: 0, output_tokens: 0, replayed: false, duration_ms: 5, started_at: new Date() }
  return { ...CALL, ...made, work_order_id: workOrderId, attempt }
}

/** Until so many queries wait for the lock of another. */
function untilSomebodyWaits({ pool }: TestDatabase, count = 1): Promise<void> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return until('queries wait', async () => (await pool.query(waiting)).rowCount === count)
}
