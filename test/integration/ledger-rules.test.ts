import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { leaveUnresolved, release, reserve, settle } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { reconcile, settleByHand } from '../../src/budget/reconcile.ts'
import { readOrderBudget } from '../../src/budget/spent-by.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { readConfig } from '../../src/config.ts'
import { BudgetView, OrderBudget } from '../../src/contract/budget.ts'
import { WorkOrderView } from '../../src/contract/work-orders.ts'
import { attemptHistory, readRoutedAttempts } from '../../src/db/attempts/attempt-history.ts'
import { endAttempt } from '../../src/db/attempts/attempts.ts'
import { migrate } from '../../src/db/migrate.ts'
import { sumModelCalls } from '../../src/db/model-calls.ts'
import { readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { examineRecords } from '../../src/doctor/examine-records.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { CALL, NOBODY, order, project } from '../support/ledger-rows.ts'
import { olderDatabase } from '../support/older-database.ts'

const CONFIG = readConfig({ MOOSE_HOME: '/tmp', PATH: '/usr/bin' })
const usd = (amount: string | number) => new Usd(amount)
const call = { ...CALL, ...NOBODY }

type Entry = { id?: string; kind: string; amount: string; cost?: string; order?: string; day?: string; model?: string }

/** As somebody with SQL writes it. */
async function write({ pool }: TestDatabase, entry: Entry): Promise<string> {
  const id = entry.id === undefined ? crypto.randomUUID() : entry.id
  const { cost = null, order = null, day = 'today', model = CALL.model } = entry
  await pool.query(
    `insert into budget_entries (reservation_id, kind, amount_usd, cost_usd, work_order_id, proposer, provider, model, holder, day, month)
     select $1, $2, $3, $4, $5, $6, $7, $8, gen_random_uuid(), moment::date, date_trunc('month', moment)::date
     from (select case $9 when 'today' then moose_now() at time zone 'utc' else $9::timestamp end as moment) as now`,
    [id, entry.kind, entry.amount, cost, order, CALL.proposer, CALL.provider, model, day],
  )
  return id
}

async function spent({ db }: TestDatabase): Promise<number> {
  return (await readBudget(db)).today.spent_usd
}

describe('an entry that breaks a rule of the ledger is not taken, whoever writes it:', () => {
  const alone: Entry[] = [
    { kind: 'settled', amount: '-1000', cost: '0' },
    { kind: 'settled', amount: '-1000', cost: '-1000' },
    { kind: 'settled', amount: '-5000', cost: '-5000' },
    { kind: 'released', amount: '-1000' },
    { kind: 'unresolved', amount: '0' },
    { kind: 'disputed', amount: '0' },
    { kind: 'void', amount: '0' },
    { kind: 'reserved', amount: '-1' },
    { kind: 'reserved', amount: 'NaN' },
    { kind: 'reserved', amount: 'Infinity' },
    { kind: 'reserved', amount: '1e15' },
    { kind: 'settled', amount: 'NaN', cost: 'NaN' },
    { kind: 'settled', amount: '0', cost: 'NaN' },
    { kind: 'settled', amount: '-Infinity', cost: '0' },
    { kind: 'settled', amount: 'Infinity', cost: 'Infinity' },
    { kind: 'released', amount: '-Infinity' },
    { kind: 'forgiven', amount: '0' },
  ]
  for (const entry of alone) {
    test(`${entry.kind} ${entry.amount}, cost ${entry.cost}, of no reservation`, async () => {
      await using database = await createTestDatabase()
      await assert.rejects(write(database, entry), { code: '23514' })
      assert.equal(await spent(database), 0)
    })
  }

  const ofOne: Omit<Entry, 'id'>[] = [
    { kind: 'settled', amount: '-0.9', cost: '0.2' },
    { kind: 'settled', amount: '-1000', cost: '0.2' },
    { kind: 'settled', amount: '-2', cost: '-1' },
    { kind: 'settled', amount: 'NaN', cost: '0.2' },
    { kind: 'settled', amount: '-0.8', cost: '0.2', day: '2020-01-01' },
    { kind: 'settled', amount: '-0.8', cost: '0.2', model: 'another' },
    { kind: 'settled', amount: '-0.8', cost: '0.2', order: crypto.randomUUID() },
    { kind: 'released', amount: '-0.9' },
    { kind: 'released', amount: '0' },
    { kind: 'released', amount: '-1000' },
    { kind: 'unresolved', amount: '-1' },
    { kind: 'disputed', amount: '0' },
    { kind: 'void', amount: '0' },
  ]
  for (const entry of ofOne) {
    test(`${JSON.stringify(entry)}, of a reservation of 1`, async () => {
      await using database = await createTestDatabase()
      const { db } = database
      const id = await reserve(db, call, usd(1))
      await assert.rejects(write(database, { ...entry, id }), { code: '23514' })
      await settle(db, id, usd('0.2'))
      assert.equal(await spent(database), 0.2)
    })
  }

  test('a second end, of either kind', async () => {
    await using database = await createTestDatabase()
    const id = await reserve(database.db, call, usd(1))
    await release(database.db, id)
    await assert.rejects(write(database, { id, kind: 'settled', amount: '-0.8', cost: '0.2' }), { code: '23505' })
    await assert.rejects(write(database, { id, kind: 'released', amount: '-1' }), { code: '23505' })
  })
})

test('what keeps the rules is taken from others too, both halves in one statement as well', async () => {
  await using database = await createTestDatabase()
  const id = await write(database, { kind: 'reserved', amount: '1' })
  await write(database, { id, kind: 'unresolved', amount: '0' })
  await write(database, { id, kind: 'settled', amount: '0.5', cost: '1.5' })
  await database.pool.query(
    `insert into budget_entries (reservation_id, kind, amount_usd, cost_usd, proposer, provider, model, holder, day, month)
     select id, kind, amount, cost, 'p', 'x', 'm', id, now()::date, date_trunc('month', now())::date
     from (select gen_random_uuid() as id) as one,
       (values ('settled', -0.5, 0.5), ('reserved', 1, null)) as entry (kind, amount, cost)`,
  )
  assert.equal(await spent(database), 2)
})

async function allEntries({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ entry: string }>(
    `select budget_entries::text as entry from budget_entries where kind not in ('disputed', 'void') order by id`,
  )
  return rows.map(({ entry }) => entry)
}

/** Each: what was written before the rules, and what doctor says of it. */
const BAD: Record<string, { entries: Entry[]; said: RegExp }> = {
  'a settlement of -1000': {
    entries: [{ kind: 'settled', amount: '-1000', cost: '-1000' }],
    said: /settled -1000.*its cost is negative/,
  },
  'a release of -5000 without its reservation': {
    entries: [{ kind: 'released', amount: '-5000' }],
    said: /released -5000.*a reservation that is not there/,
  },
  NaN: { entries: [{ kind: 'settled', amount: 'NaN', cost: 'NaN' }], said: /settled NaN.*not a number of USD/ },
  'a reservation of NaN': { entries: [{ kind: 'reserved', amount: 'NaN' }], said: /reserved NaN.*not a number of USD/ },
  infinity: { entries: [{ kind: 'reserved', amount: 'Infinity' }], said: /reserved Infinity/ },
  'a reservation with an end that leaves less': {
    entries: [
      { kind: 'reserved', amount: '1' },
      { kind: 'settled', amount: '-900', cost: '0.5' },
    ],
    said: /settled -900.*not what this end of its reservation leaves/,
  },
}

describe('a ledger that holds a row from before the rules:', () => {
  for (const [name, { entries, said }] of Object.entries(BAD)) {
    test(`${name} stays as it is, is named, stops what is paid, and is put right with one command`, async () => {
      await using database = await olderDatabase(7)
      const { db } = database
      const id = crypto.randomUUID()
      for (const entry of entries) await write(database, { ...entry, id })
      const before = await allEntries(database)
      await migrate(database.pool)
      assert.deepEqual(await allEntries(database), before)

      const [finding, ...others] = await examineRecords(db, CONFIG)
      assert.deepEqual([finding?.name, finding?.state, others], ['ledger', 'broken', []])
      assert.match(String(finding?.detail), said)
      assert.ok(finding?.remedy?.includes(`moose budget settle ${id.slice(0, 8)} USD`), String(finding?.remedy))

      const fault = await faultOf(reserve(db, call, usd('0.01')))
      assert.equal(fault.code, 'ledger_unsound')
      assert.match(
        fault.message,
        new RegExp(`${id.slice(0, 8)}.*moose doctor.*moose budget settle ${id.slice(0, 8)} USD`),
      )
      const shown = BudgetView.parse(JSON.parse(JSON.stringify(await readBudget(db))))
      assert.deepEqual([shown.disputed, shown.today.spent_usd, shown.reservations], [1, 0, []])

      await settleByHand(db, id.slice(0, 8), usd('0.25'))
      await settleByHand(db, id, usd('0.25'))
      assert.equal((await faultOf(settleByHand(db, id, usd('0.3')))).code, 'reservation_conflict')
      assert.deepEqual(await examineRecords(db, CONFIG), [])
      assert.equal(await spent(database), 0.25)
      await setLimit(db, 'daily_hard_cap', usd(1))
      assert.equal((await faultOf(reserve(db, call, usd('0.76')))).code, 'budget_exceeded')
      await settle(db, await reserve(db, call, usd('0.75')), usd('0.5'))
      assert.equal(await spent(database), 0.75)
    })
  }

  test('sound entries of the same ledger count as ever, and a bill puts a bad one right too', async () => {
    await using database = await olderDatabase(7)
    const { db } = database
    const id = crypto.randomUUID()
    await write(database, { id, kind: 'reserved', amount: 'NaN' })
    const good = await write(database, { kind: 'reserved', amount: '1' })
    await write(database, { id: good, kind: 'settled', amount: '-0.6', cost: '0.4' })
    await migrate(database.pool)
    assert.equal(await spent(database), 0.4)
    const { settled, agreeing } = await reconcile(db, {
      entries: [
        { request_id: id, cost_usd: '0.1' },
        { request_id: good, cost_usd: '0.4' },
      ],
    })
    assert.deepEqual([settled, agreeing], [[{ id, cost_usd: 0.1 }], 1])
    assert.equal(await spent(database), 0.5)
    await reserve(db, call, usd(1))
  })

  test('a row that came past the rules stops what is paid as well', async () => {
    await using database = await createTestDatabase()
    const { db, pool } = database
    await pool.query('alter table budget_entries disable trigger all')
    await pool.query('alter table budget_entries drop constraint budget_entries_amounts_check')
    const id = await write(database, { kind: 'reserved', amount: 'NaN' })
    await pool.query('alter table budget_entries enable trigger all')
    assert.equal((await faultOf(reserve(db, call, usd('0.01')))).code, 'ledger_unsound')
    assert.match(String((await examineRecords(db, CONFIG))[0]?.detail), /reserved NaN/)
    await settleByHand(db, id, usd(0))
    await reserve(db, call, usd('0.01'))
  })
})

const BAD_AMOUNTS = ['NaN', 'Infinity', '-Infinity', '-0.01', '1e15']

test('no cost and no cap that cannot be summed is taken, and the refusal names the column', async () => {
  await using database = await createTestDatabase()
  const { pool } = database
  const { workOrderId } = await order(database, 'One', { project: await project(database, 'hello') })
  await pool.query(
    `insert into attempt_steps (work_order_id, attempt, name, status) values ($1, 1, 'route', 'running')`,
    [workOrderId],
  )
  await pool.query(`insert into outcome_vectors (cost) values (1), (null)`)
  for (const amount of BAD_AMOUNTS) {
    for (const [table, column] of [
      ['attempts', 'cost_usd'],
      ['attempt_steps', 'cost_usd'],
      ['work_orders', 'estimated_cost'],
      ['work_orders', 'actual_cost'],
      ['work_orders', 'budget_usd'],
      ['projects', 'budget_usd'],
      ['outcome_vectors', 'cost'],
    ]) {
      const update = pool.query(`update ${table} set ${column} = $1`, [amount])
      await assert.rejects(update, { code: '23514' }, `${table}.${column} = ${amount}`)
    }
    await assert.rejects(
      pool.query(
        `insert into model_calls (proposer, provider, model, duration_ms, started_at, cost_usd) values ('p', 'x', 'm', 0, now(), $1)`,
        [amount],
      ),
      { constraint: 'model_calls_cost_usd_amount' },
    )
    await assert.rejects(pool.query('insert into work_orders (budget_usd) values ($1)', [amount]), { code: '23514' })
  }
})

test('costs from before the rules are no amounts: sums leave them out, and what they stand in is shown and can end', async () => {
  await using database = await olderDatabase(7)
  const { db, pool } = database
  const key = await order(database, 'One', { project: await project(database, 'hello') })
  for (const amount of ['NaN', '-7', '0.5', '-Infinity']) {
    await pool.query(
      `insert into model_calls (work_order_id, attempt, proposer, provider, model, duration_ms, started_at, cost_usd, finish_reason)
       values ($1, 1, 'p', 'x', 'm', 0, now(), $2, 'stop')`,
      [key.workOrderId, amount],
    )
    await pool.query(
      `insert into attempt_steps (work_order_id, attempt, name, status, cost_usd) values ($1, 1, $2, 'running', $3)`,
      [key.workOrderId, amount, amount],
    )
  }
  await pool.query(`update attempts set cost_usd = 'NaN'`)
  await pool.query(`update work_orders set estimated_cost = '-3', actual_cost = 'NaN'`)
  await pool.query(
    `insert into outcome_vectors (work_order_id, attempt, operation_type, outcome, model_used, cost, metadata)
     values ($1, 1, 'work_order_execution', 'failed', 'p', 'NaN', '{"complexity_score": 0.5}')`,
    [key.workOrderId],
  )
  await migrate(pool)
  const shown = WorkOrderView.parse(JSON.parse(JSON.stringify(await findWorkOrder(db, key.workOrderId))))
  assert.deepEqual([shown.estimated_cost, shown.actual_cost], [null, null])
  assert.equal((await sumModelCalls(db, key.workOrderId, 1)).costUsd, 0.5)
  assert.deepEqual(
    (await attemptHistory(db, key.workOrderId)).map(({ cost_usd, steps }) => [
      cost_usd,
      steps.map((step) => step.cost_usd),
    ]),
    [[0, [0, 0, 0.5, 0]]],
  )
  await pool.query(`update attempts set base_sha = 'a'`)
  await pool.query('update model_calls set answer = null')
  const ended = await endAttempt(db, { ...key, epoch: 0 }, { status: 'failed', error: null })
  assert.equal(Number(ended?.cost_usd), 0.5)
  assert.equal((await findWorkOrder(db, key.workOrderId)).actual_cost, 0.5)
  assert.deepEqual(await readRoutingOutcomes(db, 10), [])
  assert.deepEqual(
    (await readRoutedAttempts(db, 10)).map(({ costUsd }) => costUsd),
    [0.5],
  )
  OrderBudget.parse(JSON.parse(JSON.stringify(await readOrderBudget(db, key.workOrderId))))
})

test('limits that are no amounts stop all spending and are named', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  for (const value of [
    '"NaN"',
    '"Infinity"',
    '-1',
    '"-1"',
    '1e999',
    '1e300',
    `"${'9'.repeat(400)}"`,
    'true',
    '[]',
    '{}',
  ]) {
    await pool.query(
      `insert into system_config (key, value) values ('budget_limits', $1) on conflict (key) do update set value = excluded.value`,
      [`{"daily_hard_cap": ${value}}`],
    )
    const fault = await faultOf(reserve(db, call, usd('0.01')))
    assert.equal(fault.code, 'config_invalid', value)
    assert.match(fault.message, /daily_hard_cap/)
  }
})

test('a call of which nobody knows more is still settled by hand', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, call, usd(1))
  await leaveUnresolved(db, id)
  assert.deepEqual(await settleByHand(db, id, usd('0.2')), { id, cost_usd: 0.2 })
  assert.deepEqual(await examineRecords(db, CONFIG), [])
})
