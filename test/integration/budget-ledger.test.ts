import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { whyStopped } from '../../src/budget/emergency.ts'
import { leaveUnresolved, release, reserve, settle } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { markLeftBehind } from '../../src/budget/reconcile.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { readConfig } from '../../src/config.ts'
import type { PaidCall } from '../../src/db/budget-entries/reservations.ts'
import { createPool } from '../../src/db/pool.ts'
import type { Database } from '../../src/db/schema.ts'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { addWorkOrders } from '../../src/db/work-orders/add-work-orders.ts'
import { examineRecords } from '../../src/doctor/examine-records.ts'
import { Fault } from '../../src/faults/fault.ts'
import { setFault } from '../../src/faults/fault-point.ts'
import { createLog } from '../../src/log.ts'
import { Usd } from '../../src/money.ts'
import { createTestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { by } from '../support/ledger-rows.ts'

const nobody: PaidCall = { workOrderId: null, attempt: null, proposer: 'p', provider: 'openai', model: 'm' }
const usd = (amount: string | number) => new Usd(amount)
const CONFIG = readConfig({ MOOSE_HOME: '/tmp', PATH: '/usr/bin' })

async function anOrder(db: Kysely<Database>): Promise<string> {
  const order = {
    title: 'Do it',
    description: '',
    acceptance_criteria: [],
    files_in_scope: ['a.ts'],
    approved: false,
    risk_level: 'low' as const,
  }
  const [added] = await addWorkOrders(db, [order])
  return String(added?.id)
}

/** What is spent and reserved of everything. */
async function committed(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{
    sum: string
  }>`select coalesce(sum(amount_usd), 0)::text as sum from budget_entries`.execute(db)
  return String(rows[0]?.sum)
}

/** Lets the ledger believe that so much more time has passed. */
async function moveClock(db: Kysely<Database>, interval: string): Promise<void> {
  await sql
    .raw(`create or replace function moose_now() returns timestamptz language sql volatile as
      $$ select clock_timestamp() + interval '${interval}' $$`)
    .execute(db)
}

test('of 50 callers at once only as many get through as the cap has room for, at every moment', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await setLimit(db, 'daily_hard_cap', usd('1'))
  let most = usd(0)
  const watching = new AbortController()
  const watch = (async () => {
    while (!watching.signal.aborted) most = Usd.max(most, await committed(db))
  })()
  const ends = await Promise.allSettled(Array.from({ length: 50 }, () => reserve(db, nobody, usd('0.1'))))
  watching.abort()
  await watch
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 10)
  assert.equal(await committed(db), '1.0')
  assert.ok(most.lessThanOrEqualTo(1), most.toFixed())
})

test('a refusal says which cap, what is gone of it, what was wanted, and how to raise it', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const workOrderId = await anOrder(db)
  await setLimit(db, 'order_cap', usd('0.5'))
  const call = { ...nobody, workOrderId, attempt: 1, proposer: 'sonnet' }
  await settle(db, await reserve(db, call, usd('0.3')), usd('0.25'))
  await reserve(db, call, usd('0.1'))
  const fault = await faultOf(reserve(db, call, usd('0.2')))
  assert.equal(fault.code, 'budget_exceeded')
  assert.equal(
    fault.message,
    'The next call to sonnet may cost up to $0.20, and the cap of this order, $0.50, has $0.15 left ($0.25 spent, ' +
      `$0.10 reserved). Raise it with: moose budget cap order:${workOrderId.slice(0, 8)} 0.55`,
  )
  const { scope, cap_usd, spent_usd, reserved_usd, needed_usd } = fault.details
  assert.deepEqual([scope, cap_usd, spent_usd, reserved_usd, needed_usd], ['order', '0.5', '0.25', '0.1', '0.2'])
  await sql`update work_orders set budget_usd = 0.55`.execute(db)
  await leaveUnresolved(db, await reserve(db, call, usd('0.2')))
  const held = await faultOf(reserve(db, call, usd('0.01')))
  assert.match(held.message, /It is unknown whether \$0\.20 of it was charged; settle it with: moose budget settle/)
})

test('each scope has its own cap, and a project may have one of its own', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const { id: projectId } = await db
    .insertInto('projects')
    .values({ name: 'shop', repository: 'file:///shop', forge: 'local', default_branch: 'main', budget_usd: '0.3' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const workOrderId = await anOrder(db)
  await sql`update work_orders set project_id = ${projectId}`.execute(db)
  const call = { ...nobody, workOrderId, attempt: 1 }
  const scopeOf = async (amount: string) => (await faultOf(reserve(db, call, usd(amount)))).details['scope']
  assert.equal(await scopeOf('0.31'), 'project')
  await sql`update projects set budget_usd = 5000`.execute(db)
  assert.equal(await scopeOf('5.01'), 'order')
  await sql`update work_orders set budget_usd = 5000`.execute(db)
  assert.equal(await scopeOf('100.01'), 'day')
  await setLimit(db, 'daily_hard_cap', null)
  assert.equal(await scopeOf('1000.01'), 'month')
  await setLimit(db, 'monthly_hard_cap', null)
  assert.equal(await scopeOf('200.01'), 'emergency_kill')
})

test('day and month begin anew in UTC, and an end is booked on the day of its reservation', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await setLimit(db, 'daily_hard_cap', usd('1'))
  const late = await reserve(db, nobody, usd('1'))
  assert.equal((await faultOf(reserve(db, nobody, usd('0.01')))).code, 'budget_exceeded')
  await moveClock(db, '1 day')
  await reserve(db, nobody, usd('1'))
  await settle(db, late, usd('0.4'))
  assert.equal((await faultOf(reserve(db, nobody, usd('0.01')))).code, 'budget_exceeded')
  await moveClock(db, '0')
  await reserve(db, nobody, usd('0.6'))
})

test('life G3: of a call that could cost nothing there is nothing to settle', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await leaveUnresolved(db, await reserve(db, nobody, usd('0')))
  assert.deepEqual(await db.selectFrom('budget_open_reservations').selectAll().execute(), [])
})

test('what nobody knows stays reserved, and an end comes once', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await reserve(db, nobody, usd('0.7'))
  await leaveUnresolved(db, id)
  await leaveUnresolved(db, id)
  assert.equal(await committed(db), '0.7')
  await settle(db, id, usd('0.2'))
  assert.equal(await committed(db), '0.2')
  await settle(db, id, usd('0.20'))
  assert.equal((await faultOf(settle(db, id, usd('0.3')))).code, 'reservation_conflict')
  assert.equal((await faultOf(release(db, id))).code, 'reservation_conflict')
  assert.equal((await faultOf(release(db, crypto.randomUUID()))).code, 'not_found')
  assert.equal(await committed(db), '0.2')
})

test('a call that costs nothing leaves nothing to settle, however it ended', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const said = async () => {
    const { unresolved, reservations } = await readBudget(db)
    return [unresolved, reservations, (await examineRecords(db, CONFIG)).length]
  }
  const nothing = [{ count: 0, amount_usd: 0 }, [], 0]
  const broken = await reserve(db, nobody, usd(0))
  await leaveUnresolved(db, broken)
  await leaveUnresolved(db, broken)
  assert.deepEqual(await said(), nothing)

  await by(database, crypto.randomUUID(), await reserve(db, nobody, usd(0)))
  await pool.query(`create or replace function moose_now() returns timestamptz language sql volatile as
    $$ select clock_timestamp() + interval '2 hours' $$`)
  assert.equal(await markLeftBehind(db, 'here'), 0)
  assert.deepEqual(await said(), nothing)

  const older = await reserve(db, nobody, usd(0))
  await pool.query(
    `insert into budget_entries (reservation_id, kind, amount_usd, proposer, provider, model, holder, day, month)
     select reservation_id, 'unresolved', 0, proposer, provider, model, holder, day, month
     from budget_entries where reservation_id = $1`,
    [older],
  )
  assert.deepEqual(await said(), nothing)
})

test('a reservation nobody hears of is released, whatever went wrong after it was made', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await using _calm = { [Symbol.asyncDispose]: async () => setFault(null) }
  for (const error of [new Error('lost'), new Fault('database_unreachable', 'The ledger is being held.')]) {
    setFault(async (_effect, moment) => {
      if (moment === 'after') throw error
    })
    await assert.rejects(reserve(db, nobody, usd('0.1')), { message: error.message })
    assert.equal(Number(await committed(db)), 0, error.message)
  }
})

test('no entry is changed or deleted, whoever writes', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await reserve(db, nobody, usd('0.7'))
  for (const change of [
    'update budget_entries set amount_usd = 0',
    'delete from budget_entries',
    'truncate budget_entries',
  ]) {
    await assert.rejects(sql.raw(change).execute(db), /budget_entries is append-only/)
  }
})

test('the kill stops every call, by hand and by what the day has cost, also those that cost nothing', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  assert.equal(await whyStopped(db), null)
  await setEmergencyStop(db, true)
  const byHand = await faultOf(reserve(db, nobody, usd(0)))
  assert.deepEqual([byHand.code, byHand.details['by_hand']], ['emergency_stop', true])
  await setEmergencyStop(db, false)
  const id = await reserve(db, nobody, usd('50'))
  await settle(db, id, usd('200'))
  assert.equal((await faultOf(reserve(db, nobody, usd(0)))).code, 'emergency_stop')
  assert.match(String((await whyStopped(db))?.message), /\$200\.00 of \$200\.00 are spent today/)
  await setLimit(db, 'emergency_kill', usd('300'))
  assert.equal(await whyStopped(db), null)
})

test('the sums are read behind the lock, whatever isolation the database has by default', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sql.raw(`alter database ${database.name} set default_transaction_isolation = 'repeatable read'`).execute(db)
  await setLimit(db, 'daily_hard_cap', usd('1'))
  const other = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: createPool(database.url, createLog('silent')) }),
  })
  try {
    const ends = await Promise.allSettled(Array.from({ length: 30 }, () => reserve(other, nobody, usd('0.1'))))
    assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 10)
  } finally {
    await other.destroy()
  }
})

test('what costs nothing passes no cap, also where one is passed already', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await setLimit(db, 'daily_hard_cap', usd('1'))
  await settle(db, await reserve(db, nobody, usd('1')), usd('1.5'))
  assert.equal((await faultOf(reserve(db, nobody, usd('0.000001')))).code, 'budget_exceeded')
  await reserve(db, nobody, usd(0))
})

test('limits nobody can read let nothing be spent, and the fault names the row and the field', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  for (const [value, named] of [
    ['{', /budget_limits.*not JSON/],
    ['[]', /budget_limits/],
    ['{"daily_hard_cap":-1}', /daily_hard_cap is negative/],
    ['{"daily_hard_cap":"NaN"}', /daily_hard_cap/],
    ['{"order_cap":"1e3"}', /order_cap/],
    ['{"order_cap":true}', /order_cap/],
    ['{"daily_hardcap":1}', /daily_hardcap is not a known field; there are: .*daily_hard_cap/],
    ['{"order_cap":1,"order_cap":900}', /it names "order_cap" twice/],
  ] as const) {
    await sql`insert into system_config (key, value) values ('budget_limits', ${value})
      on conflict (key) do update set value = excluded.value`.execute(db)
    const fault = await faultOf(reserve(db, nobody, usd(0)))
    assert.equal(fault.code, 'config_invalid')
    assert.match(fault.message, named)
  }
})

test('the limits of a first Moose count as they are, and setting one leaves the others', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const first = {
    daily_soft_cap: 20,
    daily_hard_cap: 50,
    emergency_kill: 100,
    monthly_target: 500,
    monthly_hard_cap: 1000,
  }
  await sql`insert into system_config (key, value) values ('budget_limits', ${JSON.stringify(first)})`.execute(db)
  await sql`insert into system_config (key, value) values ('emergency_stop', 'false')`.execute(db)
  assert.equal((await faultOf(reserve(db, nobody, usd('50.01')))).details['cap_usd'], '50')
  await setLimit(db, 'daily_hard_cap', usd('60'))
  await reserve(db, nobody, usd('60'))
  const { value } = await db
    .selectFrom('system_config')
    .select('value')
    .where('key', '=', 'budget_limits')
    .executeTakeFirstOrThrow()
  assert.deepEqual(JSON.parse(value), { ...first, daily_hard_cap: '60' })
})

test('whatever is reserved, settled and released in whatever order: the ledger is the sum, to the last digit', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await setLimit(db, 'daily_hard_cap', null)
  await setLimit(db, 'monthly_hard_cap', null)
  await setLimit(db, 'emergency_kill', null)
  const amount = fc
    .tuple(fc.nat(999_999), fc.nat(999_999_999))
    .map(([whole, fraction]) => usd(`${whole}.${String(fraction).padStart(12, '0')}`))
  const call = fc.record({
    worst: amount,
    end: fc.constantFrom('settle', 'release', 'unresolved', 'open'),
    cost: amount,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 8 }), async (calls) => {
      const before = usd(await committed(db))
      const held = await Promise.all(
        calls.map(async ({ worst, end, cost }) => {
          const id = await reserve(db, nobody, worst)
          if (end === 'settle') await settle(db, id, cost)
          if (end === 'release') await release(db, id)
          if (end === 'unresolved') await leaveUnresolved(db, id)
          return end === 'settle' ? cost : end === 'release' ? usd(0) : worst
        }),
      )
      const expected = held.reduce((sum, one) => sum.plus(one), before)
      assert.equal(usd(await committed(db)).toFixed(), expected.toFixed())
    }),
    { numRuns: 25 },
  )
})
