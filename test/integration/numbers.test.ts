import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { sql } from 'kysely'
import { leaveUnresolved, release, reserve, settle } from '../../src/budget/ledger.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { type Numbers, NumbersResponse, TABLE_NAMES } from '../../src/contract/numbers.ts'
import { readNumbers } from '../../src/http/numbers/read-numbers.ts'
import { Usd } from '../../src/money.ts'
import { type ApiHome, openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { CALL, NOBODY, order, project, setNow } from '../support/ledger-rows.ts'
import { loadNumbers } from '../support/numbers-load.ts'
import { assertConforms } from '../support/openapi-contract.ts'

const sum = (amounts: readonly string[]) => amounts.reduce((all, amount) => all.plus(amount), new Usd(0)).toFixed()

const CALLS = fc.array(
  fc.record({
    hour: fc.integer({ min: 0, max: 58 * 24 }),
    // The end of a call is of the day of its beginning.
    lasts: fc.integer({ min: 0, max: 23 }),
    payer: fc.constantFrom('hello', 'shop', 'nobody'),
    proposer: fc.constantFrom('small', 'large', 'other'),
    // Of a hundred-millionth of a dollar on: what binary floats do not add up.
    cost: fc.integer({ min: 0, max: 900_000_000 }).map((units) => new Usd(units).div(100_000_000).toFixed()),
    end: fc.constantFrom('settled', 'settled', 'settled', 'released', 'unresolved', 'open'),
  }),
  { minLength: 1, maxLength: 12 },
)

test('on any history the numbers are those of moose budget and of the ledger, to the last digit', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const payers = {
    hello: await order(database, 'One', { project: await project(database, 'hello', '50') }),
    shop: await order(database, 'Two', { project: await project(database, 'shop') }),
    nobody: NOBODY,
  }
  await withoutCaps(database)
  // Each run goes on with the history of those before it.
  const property = fc.asyncProperty(CALLS, async (calls) => {
    for (const { hour, lasts, payer, proposer, cost, end } of calls) {
      await setNow(database, new Date(Date.UTC(2026, 0, 1, hour, 30)).toISOString())
      const id = await reserve(db, { ...CALL, ...payers[payer], proposer }, new Usd(cost).plus('0.1'))
      await setNow(database, new Date(Date.UTC(2026, 0, 1, hour + lasts, 30)).toISOString())
      if (end === 'settled') await settle(db, id, new Usd(cost))
      if (end === 'released') await release(db, id)
      if (end === 'unresolved') await leaveUnresolved(db, id)
    }
    await setNow(database, '2026-02-28T20:00:00Z')
    await assertAgrees(database)
  })
  await fc.assert(property, { numRuns: 12 })
})

/** Any limit would refuse some of what is made up. */
async function withoutCaps({ db }: TestDatabase): Promise<void> {
  const names = [
    'order_cap',
    'daily_soft_cap',
    'daily_hard_cap',
    'monthly_target',
    'monthly_hard_cap',
    'emergency_kill',
  ]
  const value = JSON.stringify(Object.fromEntries(names.map((name) => [name, null])))
  await sql`insert into system_config (key, value) values ('budget_limits', ${value})
    on conflict (key) do update set value = excluded.value`.execute(db)
  await sql`update projects set budget_usd = 1000000 where budget_usd is not null`.execute(db)
}

async function assertAgrees({ db }: TestDatabase): Promise<void> {
  const budget = await readBudget(db)
  const month = await readNumbers(db, { tz: 'UTC', from: '2026-02-01' })
  const { totals } = month
  assert.equal(Number(totals.spent_usd), budget.this_month.spent_usd)
  assert.equal(Number(totals.reserved_usd), budget.this_month.reserved_usd)
  assert.equal(Number(month.days.at(-1)?.spent_usd), budget.today.spent_usd)
  const inBudget = (rows: readonly { spent_usd: number; reserved_usd: number; name: string | null }[]) =>
    new Map(rows.map(({ name, ...row }) => [name, [row.spent_usd, row.reserved_usd]]))
  const inNumbers = (rows: readonly { spent_usd: string; reserved_usd: string; name: string | null }[]) =>
    inBudget(
      rows.map(({ name, ...row }) => ({
        name,
        spent_usd: Number(row.spent_usd),
        reserved_usd: Number(row.reserved_usd),
      })),
    )
  const models = inNumbers(month.models.map((row) => ({ ...row, name: row.proposer })))
  assert.deepEqual(models, inBudget(budget.models.map((row) => ({ ...row, name: row.proposer }))))
  assert.deepEqual(
    new Map(month.models.map(({ proposer, calls }) => [proposer, calls])),
    new Map(budget.models.map(({ proposer, calls }) => [proposer, calls])),
  )
  const projects = inNumbers(month.projects.map((row) => ({ ...row, name: row.project })))
  for (const { project: name, ...row } of budget.projects) {
    const shown = projects.get(name)
    assert.deepEqual(shown === undefined ? [0, 0] : shown, [row.spent_usd, row.reserved_usd], String(name))
  }
  for (const tz of ['UTC', 'America/New_York', 'Asia/Kathmandu']) await assertOfLedger({ db }, tz)
}

/** Against sums that are made of every entry here, and not by the database. */
async function assertOfLedger({ db }: Pick<TestDatabase, 'db'>, tz: string): Promise<void> {
  const entries = await db
    .selectFrom('budget_entries')
    .select(['reservation_id', 'kind', 'cost_usd', 'amount_usd', 'at'])
    .execute()
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short' })
  const reserved = entries.filter(({ kind }) => kind === 'reserved')
  const days = new Map(reserved.map(({ reservation_id: id, at }) => [id, day.format(at)]))
  const numbers = await readNumbers(db, { tz, from: '2025-12-31', to: '2026-03-02' })
  for (const row of numbers.days) {
    const ofDay = entries.filter(({ reservation_id: id }) => days.get(id) === row.day)
    const spent = sum(ofDay.flatMap(({ cost_usd: cost }) => (cost === null ? [] : [cost])))
    assert.equal(row.spent_usd, spent, `${tz} ${row.day}`)
    assert.equal(row.reserved_usd, new Usd(sum(ofDay.map(({ amount_usd: amount }) => amount))).minus(spent).toFixed())
    assert.equal(row.calls, ofDay.filter(({ kind }) => kind === 'reserved').length)
  }
  for (const rows of [numbers.days, numbers.projects, numbers.models, numbers.merges]) {
    assert.equal(sum(rows.map(({ spent_usd: spent }) => spent)), numbers.totals.spent_usd, tz)
  }
}

test('what was spent at midnight is of the day of the zone, also where a day has 23 or 25 hours', async () => {
  await using database = await createTestDatabase()
  const at = async (time: string) => {
    await setNow(database, time)
    await settle(database.db, await reserve(database.db, { ...CALL, ...NOBODY }, new Usd(1)), new Usd('0.5'))
  }
  // Clocks go forward in Berlin at 01:00 UTC on 2026-03-29, and back at 01:00 UTC on 2026-10-25.
  for (const time of ['2026-03-28T22:59:59Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:59Z', '2026-03-29T22:00:00Z'])
    await at(time)
  for (const time of ['2026-10-24T21:59:59Z', '2026-10-24T22:00:00Z', '2026-10-25T22:59:59Z', '2026-10-25T23:00:00Z'])
    await at(time)
  const read = async (from: string, to: string) => {
    const { days } = await readNumbers(database.db, { tz: 'Europe/Berlin', from, to })
    return days.map(({ calls }) => calls)
  }
  assert.deepEqual(await read('2026-03-28', '2026-03-30'), [1, 2, 1])
  assert.deepEqual(await read('2026-10-24', '2026-10-26'), [1, 2, 1])
})

test('rates, costs of merges, times, failures and proposers are those of the rows', async () => {
  await using database = await createTestDatabase()
  await project(database, 'hello')
  await setNow(database, '2026-11-29T12:00:00Z')
  await loadNumbers(database.db, { orders: 100, end: '2026-11-28' })
  const numbers = await readNumbers(database.db, { tz: 'UTC', from: '2025-11-29', to: '2026-11-29' })
  const rate = (name: string) => numbers.rates.find((row) => row.name === name)
  assert.deepEqual(counts(rate('success')), [80, 100, 0.8, true])
  assert.deepEqual(counts(rate('first_try')), [80, 100, 0.8, true])
  assert.deepEqual(counts(rate('repair')), [0, 0, null, false])
  assert.deepEqual(counts(rate('merge')), [70, 80, 0.875, true])
  assert.deepEqual([numbers.totals.attempts, numbers.totals.merged, numbers.totals.calls], [100, 70, 1000])
  assert.equal(sum(numbers.merges.map(({ orders_usd: usd }) => usd)), numbers.totals.orders_usd)
  const perMerged = new Usd(numbers.totals.orders_usd).div(70).toDecimalPlaces(6).toFixed()
  assert.equal(numbers.totals.cost_per_merged_usd, perMerged)
  assert.deepEqual(
    numbers.steps.map(({ step, count }) => [step, count]),
    [
      ...['route', 'prepare', 'propose', 'apply', 'verify', 'publish', 'record'].map((step) => [step, 100]),
      ['review', 80],
    ],
  )
  assert.equal(numbers.steps.at(-1)?.median_ms, 50 * 60_000)
  const failed = numbers.failures.map(({ code, attempts, orders, counted }) => [code, attempts, orders, counted])
  assert.deepEqual(failed, [
    ['check_failed', 10, 10, 10],
    ['edits_rejected', 10, 10, 10],
  ])
  const judged = new Set(numbers.proposers.map(({ proposer }) => proposer))
  assert.deepEqual(judged, new Set(['proposer-0', 'proposer-1', 'proposer-2', 'proposer-3']))
  assert.equal(
    numbers.proposers.reduce((all, { of }) => all + of, 0),
    100,
  )
  assert.equal(numbers.reverts, null)
  for (const by of ['project', 'proposer', 'kind']) {
    const rows = numbers.merged_by.filter((row) => row.by === by)
    assert.equal(
      rows.reduce((all, { merged }) => all + merged, 0),
      70,
      by,
    )
    assert.equal(sum(rows.map(({ orders_usd: usd }) => usd)), numbers.totals.orders_usd, by)
    assert.ok(rows.every(({ reverted }) => reverted === null))
  }
  const [first] = numbers.merged_by
  assert.deepEqual([first?.by, first?.name, first?.cost_per_merged_usd], ['project', 'hello', perMerged])
  await sql`update outcome_vectors set revert_looked_at = now(), reverted_at = case when attempt = 1 then now() end
    where id in (select id from outcome_vectors where outcome = 'merged' limit 2)`.execute(database.db)
  const later = await readNumbers(database.db, { tz: 'UTC', from: '2025-11-29', to: '2026-11-29' })
  assert.deepEqual([later.reverts, later.merged_by[0]?.reverted], [2, 2])
})

const counts = (row: Numbers['rates'][number] | undefined) => [row?.count, row?.of, row?.rate, row?.enough]

test('what rests, was cancelled, met its set-up or only verified is in no rate; a repair is told from a first try', async () => {
  await using api = await openApiHome()
  const { db } = api.home.database
  await ended(api, { status: 'succeeded', outcome: 'pull_request_opened', tries: 2 })
  await ended(api, { status: 'succeeded', outcome: 'pull_request_opened', tries: 1 })
  await ended(api, { status: 'failed', outcome: 'failed', code: 'check_failed', tries: 3 })
  await ended(api, { status: 'blocked', outcome: null, code: 'budget_exceeded', tries: 1 })
  await ended(api, { status: 'blocked', outcome: null, code: 'setup_failed', tries: 1 })
  await ended(api, { status: 'cancelled', outcome: 'cancelled', code: 'attempt_cancelled', tries: 1 })
  await ended(api, { status: 'failed', outcome: null, code: 'merge_conflict', tries: 1, verifies: 1 })
  await ended(api, { status: 'failed', outcome: 'failed', code: 'check_failed', tries: 1, verifies: 1 })
  await ended(api, { status: 'succeeded', outcome: 'pull_request_opened', tries: 2, verifies: 1 })
  const numbers = await readNumbers(db, { tz: 'UTC' })
  const [success, first, repair] = numbers.rates
  assert.deepEqual(
    [counts(success), counts(first), counts(repair)],
    [
      [2, 3, 2 / 3, false],
      [1, 3, 1 / 3, false],
      [1, 2, 0.5, false],
    ],
  )
  const failures = Object.fromEntries(numbers.failures.map(({ code, counted }) => [code, counted]))
  assert.deepEqual(failures, { attempt_cancelled: 0, check_failed: 1, setup_failed: 0 })
  assert.deepEqual(
    numbers.proposers.map(({ verdict, replayed, of }) => [verdict, replayed, of]),
    [['too_few', 0, 1]],
  )
})

type Ended = {
  status: 'succeeded' | 'failed' | 'blocked' | 'cancelled'
  outcome: string | null
  code?: string
  tries: number
  verifies?: number
}

async function ended({ place, home }: ApiHome, { status, outcome, code, tries, verifies }: Ended): Promise<void> {
  const { db } = home.database
  const id = await place({ attempts: 1 })
  const error = code === undefined ? null : JSON.stringify({ code, message: 'no' })
  const { id: projectId } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const attempt = { work_order_id: id, number: 1, project_id: projectId, status, content: '{}', executor_id: 'here' }
  await db
    .insertInto('attempts')
    .values({ ...attempt, error, ...(verifies === undefined ? {} : { verifies }), cost_usd: 0, ended_at: new Date() })
    .execute()
  for (let number = 1; number <= tries; number += 1) {
    const step = { work_order_id: id, attempt: 1, name: 'propose', try: number, status: 'succeeded' as const }
    await db
      .insertInto('attempt_steps')
      .values({ ...step, ended_at: new Date() })
      .execute()
  }
  if (outcome === null) return
  const facts = { work_order_id: id, attempt: 1, operation_type: 'work_order_execution', outcome }
  await db
    .insertInto('outcome_vectors')
    .values({
      ...facts,
      model_used: verifies === undefined ? 'small' : 'none',
      success: status === 'succeeded',
      error_context: error,
    })
    .execute()
}

test('the API says what it was asked wrongly, and every answer fits the contract', async () => {
  await using api = await openApiHome()
  const app = createTokenApp(api.deps())
  const ask = async (path: string, query: string) => {
    const response = await app.request(`${path}?${query}`)
    const declared = path === '/api/numbers' ? path : '/api/numbers/{table}'
    return { status: response.status, body: JSON.stringify(await assertConforms('GET', declared, response)) }
  }
  assert.equal((await ask('/api/numbers', '')).status, 200)
  const refused = [
    ['tz=Europe/Nowhere', 400, /There is no time zone/],
    ['tz=%2B01:00', 400, /not the name of a time zone/],
    ['from=2026-02-02&to=2026-02-01', 400, /ends on 2026-02-01, before it begins/],
    ['from=2025-01-01&to=2026-01-02', 400, /367 days; at most 366/],
    ['from=1999-12-31&to=1999-12-31', 400, /between 2000-01-01/],
    ['from=yesterday', 400, /from/],
    ['project=none', 404, /no project/],
    ['day=1', 400, /day/],
  ] as const
  for (const [query, status, words] of refused) {
    for (const path of ['/api/numbers', '/api/numbers/days']) {
      const answer = await ask(path, query)
      assert.equal(answer.status, status, query)
      assert.match(answer.body, words)
    }
  }
  assert.equal((await ask('/api/numbers/none', '')).status, 404)
  assert.equal((await ask('/api/numbers/days', 'format=xls')).status, 400)
})

test('CSV has what JSON has, and what begins as a formula is text', async () => {
  await using api = await openApiHome()
  const { database } = api.home
  const names = ['=cmd|calc!A1', '+1', '-2', '@sum', 'a, "b"', 'plain']
  for (const name of names) {
    const id = await project(database, name)
    const payer = await order(database, name, { project: id })
    await settle(
      database.db,
      await reserve(database.db, { ...CALL, ...payer, proposer: name }, new Usd('0.2')),
      new Usd('0.1'),
    )
  }
  const app = createTokenApp(api.deps())
  const { numbers } = NumbersResponse.parse(await (await app.request('/api/numbers')).json())
  for (const table of TABLE_NAMES) {
    const response = await app.request(`/api/numbers/${table}?format=csv`)
    assert.match(String(response.headers.get('content-type')), /^text\/csv/)
    assert.match(
      String(response.headers.get('content-disposition')),
      new RegExp(`^attachment; filename="moose-${table}-`),
    )
    const rows: Record<string, string>[] = parse(await response.text(), { columns: true })
    assert.equal(rows.length, numbers[table].length, table)
    for (const [index, row] of numbers[table].entries()) {
      const cells = Object.entries(row).map(([column, cell]) => [column, asCell(cell)])
      assert.deepEqual({ ...rows[index] }, Object.fromEntries(cells), table)
    }
  }
  const shown = await (await app.request('/api/numbers/projects')).text()
  for (const name of names.slice(0, 4)) assert.ok(shown.includes(`\r\n'${name},`), name)
})

function asCell(cell: string | number | boolean | null): string {
  if (cell === null) return ''
  return typeof cell === 'string' && /^[=+\-@]/.test(cell) ? `'${cell}` : String(cell)
}

test('an order that was deleted is in the money alone', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const one = await order(database, 'One', { project: await project(database, 'hello') })
  await settle(db, await reserve(db, { ...CALL, ...one }, new Usd(1)), new Usd('0.25'))
  await db.updateTable('attempts').set({ status: 'succeeded', ended_at: new Date() }).execute()
  const facts = { work_order_id: one.workOrderId, attempt: 1, operation_type: 'work_order_execution', success: true }
  await db
    .insertInto('outcome_vectors')
    .values({ ...facts, id: randomUUID(), outcome: 'pull_request_opened', model_used: 'small' })
    .execute()
  assert.equal((await readNumbers(db, { tz: 'UTC' })).totals.attempts, 1)
  await db.deleteFrom('work_orders').execute()
  const { totals } = await readNumbers(db, { tz: 'UTC' })
  assert.deepEqual([totals.attempts, totals.spent_usd], [0, '0.25'])
})
