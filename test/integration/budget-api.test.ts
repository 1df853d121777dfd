import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { leaveUnresolved, release, reserve, settle } from '../../src/budget/ledger.ts'
import { markLeftBehind, reconcile, settleByHand } from '../../src/budget/reconcile.ts'
import { readOrderBudget } from '../../src/budget/spent-by.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'

const CALL = { proposer: 'small', provider: 'openai', model: 'gpt-small' }

async function project({ db }: TestDatabase, name: string, budget: string | null = null): Promise<string> {
  const row = { name, repository: `/srv/${name}.git`, default_branch: 'main', forge: 'local', budget_usd: budget }
  return (await db.insertInto('projects').values(row).returning('id').executeTakeFirstOrThrow()).id
}

/** An order with a running attempt. */
async function order({ db }: TestDatabase, title: string, options: { project: string; executor?: string }) {
  const { id } = await db
    .insertInto('work_orders')
    .values({ title, risk_level: 'low', project_id: options.project, acceptance_criteria: '[]', files_in_scope: '[]' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const executor = options.executor === undefined ? 'here' : options.executor
  await db
    .insertInto('attempts')
    .values({
      work_order_id: id,
      number: 1,
      project_id: options.project,
      content: '{}',
      executor_id: executor,
      cost_usd: 0,
    })
    .execute()
  return { workOrderId: id, attempt: 1 }
}

const NOBODY = { workOrderId: null, attempt: null }

async function spend({ db }: TestDatabase, payer: typeof NOBODY | Awaited<ReturnType<typeof order>>, usd: string) {
  const id = await reserve(db, { ...CALL, ...payer }, new Usd(usd).times(2))
  await settle(db, id, new Usd(usd))
  return id
}

async function setNow({ pool }: TestDatabase, at: string): Promise<void> {
  await pool.query(
    `create or replace function moose_now() returns timestamptz language sql volatile as $$ select '${at}'::timestamptz $$`,
  )
}

/** As a process that is gone left it. */
async function by(database: TestDatabase, holder: string, reservation: string): Promise<string> {
  await database.pool.query('alter table budget_entries disable trigger budget_entries_append_only')
  await database.pool.query('update budget_entries set holder = $2 where reservation_id = $1', [reservation, holder])
  return reservation
}

test('what was spent is summed exactly by day, month, project, model and order', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const hello = await project(database, 'hello', '50')
  const shop = await project(database, 'shop')
  const one = await order(database, 'One', { project: hello })
  const two = await order(database, 'Two', { project: shop })
  for (let call = 0; call < 10; call += 1) await spend(database, one, '0.1')
  await spend(database, two, '0.000001')
  await spend(database, NOBODY, '0.2')
  await release(db, await reserve(db, { ...CALL, ...two }, new Usd(3)))
  const open = await reserve(db, { ...CALL, ...one, proposer: 'large', model: 'gpt-large' }, new Usd('0.7'))
  const id = await spend(database, one, '0.1')
  await db
    .insertInto('model_calls')
    .values({
      ...CALL,
      reservation_id: id,
      input_tokens: 70,
      output_tokens: 9,
      duration_ms: 1,
      started_at: new Date(),
      replayed: false,
    })
    .execute()

  const budget = await readBudget(db)
  assert.deepEqual(budget.today, {
    spent_usd: 1.300001,
    reserved_usd: 0.7,
    soft_cap_usd: 50,
    hard_cap_usd: 100,
    left_usd: 97.999999,
  })
  assert.equal(budget.this_month.spent_usd, 1.300001)
  assert.deepEqual(budget.projects, [
    { project: 'hello', spent_usd: 1.1, reserved_usd: 0.7, cap_usd: 50 },
    { project: null, spent_usd: 0.2, reserved_usd: 0, cap_usd: null },
    { project: 'shop', spent_usd: 0.000001, reserved_usd: 0, cap_usd: null },
  ])
  assert.deepEqual(budget.models, [
    { ...CALL, calls: 14, input_tokens: 70, output_tokens: 9, spent_usd: 1.300001, reserved_usd: 0 },
    {
      proposer: 'large',
      provider: 'openai',
      model: 'gpt-large',
      calls: 1,
      input_tokens: 0,
      output_tokens: 0,
      spent_usd: 0,
      reserved_usd: 0.7,
    },
  ])
  assert.deepEqual(budget.orders, [
    { id: one.workOrderId, title: 'One', status: 'pending', spent_usd: 1.1, reserved_usd: 0.7, cap_usd: 5 },
    { id: two.workOrderId, title: 'Two', status: 'pending', spent_usd: 0.000001, reserved_usd: 0, cap_usd: 5 },
  ])
  assert.deepEqual(
    budget.reservations.map((reservation) => [reservation.id, reservation.state, reservation.amount_usd]),
    [[open, 'under_way', 0.7]],
  )
  assert.equal(budget.status, 'normal')
})

test('a day and a month begin anew in UTC, and an order keeps what it has cost', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const hello = await project(database, 'hello')
  const one = await order(database, 'One', { project: hello })
  await setNow(database, '2026-01-31T23:59:59Z')
  await spend(database, one, '1.5')
  const late = await readBudget(db)
  assert.deepEqual([late.day, late.month, late.today.spent_usd], ['2026-01-31', '2026-01', 1.5])
  const held = await reserve(db, { ...CALL, ...one }, new Usd(1))
  await setNow(database, '2026-02-01T00:00:01Z')
  await settle(db, held, new Usd('0.25'))
  const next = await readBudget(db)
  assert.deepEqual(
    [next.day, next.month, next.today.spent_usd, next.this_month.spent_usd],
    ['2026-02-01', '2026-02', 0, 0],
  )
  assert.deepEqual([next.projects, next.models, next.orders], [[], [], []])
  assert.equal((await readOrderBudget(db, one.workOrderId)).spent_usd, 1.75)
  await spend(database, one, '0.5')
  const [again] = (await readBudget(db)).orders
  assert.equal(again?.spent_usd, 2.25)
})

test('the status says what the caps say', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const limits = (value: Record<string, unknown>) =>
    db
      .insertInto('system_config')
      .values({ key: 'budget_limits', value: JSON.stringify(value) })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: JSON.stringify(value) }))
      .execute()
  await spend(database, NOBODY, '1')
  const status = async () => (await readBudget(db)).status
  await limits({ daily_soft_cap: '1' })
  assert.equal(await status(), 'warning')
  await limits({ monthly_target: 1 })
  assert.equal(await status(), 'warning')
  await limits({ daily_hard_cap: '1.00' })
  assert.equal(await status(), 'hard_cap_exceeded')
  await limits({ emergency_kill: 1, daily_hard_cap: 50 })
  const killed = await readBudget(db)
  assert.deepEqual([killed.status, killed.emergency_stop.by_hand, killed.today.left_usd], ['emergency_kill', false, 0])
  assert.match(String(killed.emergency_stop.reason), /moose budget cap kill/)
  await limits({ daily_soft_cap: null, daily_hard_cap: null, emergency_kill: null, monthly_hard_cap: null })
  const free = await readBudget(db)
  assert.deepEqual([free.status, free.today.left_usd, free.limits.daily_hard_cap], ['normal', null, null])
  await limits({ daily_hard_cap: -1 })
  assert.equal((await faultOf(readBudget(db))).code, 'config_invalid')
  assert.equal((await readOrderBudget(db, randomUUID())).cap_usd, null)
})

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
  const partial = await reconcile(db, { entries, complete: false })
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
  const complete = await reconcile(db, { entries, complete: true })
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
  assert.equal(await code(id), 'reservation_conflict')
  for (const wrong of ['', '%', 'zzzz', randomUUID(), 'x'.repeat(5000)]) assert.equal(await code(wrong), 'not_found')
  const other = await reserve(db, { ...CALL, ...NOBODY }, new Usd(1))
  await leaveUnresolved(db, other)
  await settleByHand(db, other, new Usd(0))
  const { today } = await readBudget(db)
  assert.deepEqual([today.spent_usd, today.reserved_usd], [0.25, 0])
})
