import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, test } from 'node:test'
import { release, reserve, settle } from '../../src/budget/ledger.ts'
import { readOrderBudget } from '../../src/budget/spent-by.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { Usd } from '../../src/money.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp, enterTestToken } from '../support/api-token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { by, CALL, NOBODY, order, project, setNow } from '../support/ledger-rows.ts'
import { createMooseHome } from '../support/moose-home.ts'
import { assertConforms } from '../support/openapi-contract.ts'

async function spend({ db }: TestDatabase, payer: typeof NOBODY | Awaited<ReturnType<typeof order>>, usd: string) {
  const id = await reserve(db, { ...CALL, ...payer }, new Usd(usd).times(2))
  await settle(db, id, new Usd(usd))
  return id
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
  await setNow(database, '2026-02-02T00:00:00Z')
  const second = await readBudget(db)
  assert.deepEqual([second.today.spent_usd, second.this_month.spent_usd, second.today.left_usd], [0, 0.5, 100])
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

const home = await openApiHome()
after(() => home[Symbol.asyncDispose]())

/** The API over the database of a test. */
function api({ db }: TestDatabase) {
  const app = createTokenApp(home.deps({ db }))
  const entered = enterTestToken({ db })
  return async (method: string, route: string, path: string, body?: unknown) => {
    const init = { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    await entered
    const response = await app.request(path, body === undefined ? { method } : init)
    const answer = JSON.parse(JSON.stringify(await assertConforms(method, route, response)))
    return { status: response.status, answer }
  }
}

test('caps are set, overridden and removed over HTTP', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const call = api(database)
  const put = (body: unknown) => call('PUT', '/api/budget/caps', '/api/budget/caps', body)
  const one = await order(database, 'One', { project: await project(database, 'hello') })
  await db
    .updateTable('work_orders')
    .set({ metadata: JSON.stringify({ approved_by_director: true }) })
    .execute()
  const targets = ['order', 'project', 'day', 'day-soft', 'month', 'month-soft', 'kill']
  for (const [index, target] of targets.entries()) assert.equal((await put({ target, usd: index + 1 })).status, 200)
  assert.deepEqual((await readBudget(db)).limits, {
    order_cap: 1,
    project_monthly_cap: 2,
    daily_hard_cap: 3,
    daily_soft_cap: 4,
    monthly_hard_cap: 5,
    monthly_target: 6,
    emergency_kill: 7,
  })
  const own = await put({ target: 'order', id: one.workOrderId.slice(0, 8), usd: '0.10' })
  assert.deepEqual(own.answer.cap, { target: 'order', id: one.workOrderId, usd: 0.1 })
  const { message } = await faultOf(reserve(db, { ...CALL, ...one }, new Usd('0.11')))
  assert.match(message, /\$0\.10 left/)
  const [row] = await db.selectFrom('work_orders').select(['metadata', 'budget_usd']).execute()
  assert.deepEqual([row?.metadata, row?.budget_usd], [{ approved_by_director: true }, '0.1'])
  const shared = await put({ target: 'project', id: 'hello', usd: 9 })
  assert.deepEqual(shared.answer.budget.projects, [{ project: 'hello', spent_usd: 0, reserved_usd: 0, cap_usd: 9 }])
  await put({ target: 'order', id: one.workOrderId, usd: null })
  await put({ target: 'order', usd: null })
  await reserve(db, { ...CALL, ...one }, new Usd('2.99'))
})

test('a wrong change of a cap is refused with its field', async () => {
  await using database = await createTestDatabase()
  const call = api(database)
  const put = async (body: unknown) => {
    const { status, answer } = await call('PUT', '/api/budget/caps', '/api/budget/caps', body)
    return [status, answer.error.details?.fields ?? answer.error.code]
  }
  for (const usd of [
    -1,
    1e21,
    1e9,
    '',
    'NaN',
    '1e3',
    '-0.1',
    ' 1',
    '0x1',
    '1.1234567890123',
    '1'.repeat(10),
    [],
    {},
    true,
  ]) {
    assert.deepEqual(await put({ target: 'day', usd }), [400, 'usd'], JSON.stringify(usd))
  }
  assert.deepEqual(await put({ target: 'day' }), [400, 'usd'])
  assert.deepEqual(await put({ target: 'week', usd: 1 }), [400, 'target'])
  assert.deepEqual(await put({ target: 'day', id: 'x', usd: 1 }), [400, 'id'])
  assert.deepEqual(await put({ target: 'day', usd: 1, currency: 'EUR' }), [400, 'currency'])
  assert.deepEqual(await put({ target: 'project', id: '', usd: 1 }), [400, 'id'])
  assert.deepEqual(await put({ target: 'project', id: "x' or 1=1", usd: 1 }), [404, 'not_found'])
  assert.deepEqual(await put({ target: 'order', id: 'abcd', usd: 1 }), [404, 'work_order_not_found'])
  assert.deepEqual(await put({ target: 'order', id: '%', usd: 1 }), [404, 'work_order_not_found'])
  assert.deepEqual(
    await database.db.selectFrom('system_config').select('key').where('key', '=', 'budget_limits').execute(),
    [],
  )
  await database.db.insertInto('system_config').values({ key: 'budget_limits', value: 'nonsense' }).execute()
  assert.deepEqual(await put({ target: 'day', usd: 1 }), [503, 'config_invalid'])
})

test('a bill is complete for one provider or proposer, until a time, or not at all', async () => {
  await using database = await createTestDatabase()
  const call = api(database)
  const post = async (body: object) => {
    const route = '/api/budget/reconcile'
    const { status, answer } = await call('POST', route, route, { entries: [], ...body })
    return [status, answer.error?.details?.fields]
  }
  const complete_until = '2026-01-01T00:00:00Z'
  assert.deepEqual(await post({ complete_until, provider: 'anthropic' }), [200, undefined])
  assert.deepEqual(await post({ complete_until, proposer: 'claude-sonnet-4-5' }), [200, undefined])
  assert.deepEqual(await post({ complete_until }), [400, 'provider'])
  assert.deepEqual(await post({ complete_until, provider: 'openai', proposer: 'local' }), [400, 'proposer'])
  assert.deepEqual(await post({ complete_until, provider: 'openai-compatible' }), [400, 'provider'])
  assert.deepEqual(await post({ provider: 'openai' }), [400, 'complete_until'])
  assert.deepEqual(await post({ proposer: 'local' }), [400, 'complete_until'])
  assert.deepEqual(await post({ complete_until: '2026-01-01', provider: 'openai' }), [400, 'complete_until'])
  assert.deepEqual(await post({ complete_until: '2026-01-01T00:00:00+01:00', provider: 'openai' }), [
    400,
    'complete_until',
  ])
  assert.deepEqual(await post({ complete: true }), [400, 'complete'])
})

test('a row of limits nobody can read is not half corrected: the refusal has the SQL that repairs it', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const call = api(database)
  const put = () => call('PUT', '/api/budget/caps', '/api/budget/caps', { target: 'day', usd: 20 })
  for (const bad of ['nonsense', '[]', '{"order_cap": "five"}', '{"daily_hard_cap": -1}']) {
    await pool.query(
      `insert into system_config (key, value) values ('budget_limits', $1) on conflict (key) do update set value = $1`,
      [bad],
    )
    const { status, answer } = await put()
    assert.deepEqual([status, answer.error.code], [503, 'config_invalid'], bad)
    const { rows } = await pool.query(`select value from system_config where key = 'budget_limits'`)
    assert.deepEqual(rows, [{ value: bad }])
    const [repair] = /delete from .+?;/.exec(answer.error.message) ?? []
    await pool.query(String(repair))
    assert.equal((await put()).status, 200)
    assert.equal((await readBudget(db)).limits.daily_hard_cap, 20)
  }
})

test('everything is stopped and resumed over HTTP', async () => {
  await using database = await createTestDatabase()
  const call = api(database)
  const post = async (verb: string) => (await call('POST', `/api/budget/${verb}`, `/api/budget/${verb}`)).answer.budget
  const stopped = await post('stop')
  assert.deepEqual([stopped.status, stopped.emergency_stop.by_hand], ['emergency_kill', true])
  assert.equal((await faultOf(reserve(database.db, { ...CALL, ...NOBODY }, new Usd(1)))).code, 'emergency_stop')
  const resumed = await post('resume')
  assert.deepEqual(
    [resumed.status, resumed.emergency_stop],
    ['normal', { active: false, by_hand: false, reason: null }],
  )
})

test('a price is stated, kept beside what else the row says, and given back to the library', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const call = api(database)
  const put = (name: string, body: unknown) =>
    call('PUT', '/api/proposers/{name}/price', `/api/proposers/${encodeURIComponent(name)}/price`, body)
  const name = 'claude-sonnet-4-5'
  const profile = async () =>
    (await db.selectFrom('proposer_configs').select('cost_profile').where('name', '=', name).executeTakeFirstOrThrow())
      .cost_profile
  await db.updateTable('proposer_configs').set({ cost_profile: '{"tier":"a"}' }).execute()
  const stated = await put(name, { input_per_million: 3, output_per_million: '15.50', cache_read_per_million: '0.3' })
  assert.deepEqual(stated.answer.price, {
    source: 'operator',
    input_per_million: 3,
    output_per_million: 15.5,
    cache_read_per_million: 0.3,
    cache_write_per_million: 3,
  })
  assert.deepEqual(await profile(), {
    tier: 'a',
    input_per_million: '3',
    output_per_million: '15.5',
    cache_read_per_million: '0.3',
  })
  assert.equal((await put(name, { free: true })).answer.price.source, 'free')
  assert.deepEqual(await profile(), { tier: 'a', free: true })
  assert.equal((await put(name, { library: true })).answer.price.source, 'library')
  assert.deepEqual(await profile(), { tier: 'a' })
  for (const body of [
    {},
    { library: true, free: true },
    { free: true, input_per_million: 1 },
    { input_per_million: 1 },
    { output_per_million: 1 },
    { cache_read_per_million: 1 },
    { input_per_million: -1, output_per_million: 1 },
  ]) {
    assert.equal((await put(name, body)).status, 400, JSON.stringify(body))
  }
  const unknown = await put('no/such one', { free: true })
  assert.deepEqual([unknown.status, unknown.answer.error.code], [404, 'not_found'])
  assert.deepEqual(await profile(), { tier: 'a' })
})

test('orders that rest for money, a price or a provider are listed with what helps; others are not', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const hello = await project(database, 'hello')
  const block = async (title: string, code: string, details = {}) => {
    const { workOrderId } = await order(database, title, { project: hello })
    const reason = JSON.stringify({ code, message: `${code}!`, details })
    await pool.query("update work_orders set status = 'blocked', status_reason = $2 where id = $1", [
      workOrderId,
      reason,
    ])
    return workOrderId
  }
  const id = await block('No money', 'budget_exceeded', { scope: 'day', of: '2026-01-31' })
  await block('No price', 'price_unknown')
  await block('No key', 'model_key_missing')
  const pause = { failures: 2, reason: 'HTTP 503' }
  await pool.query(
    `insert into provider_pauses (provider, failures, reason, until) values
     ('openai', 2, 'HTTP 503', moose_now() + interval '5 minutes'), ('anthropic', 1, 'x', moose_now() - interval '1 second')`,
  )
  const budget = await readBudget(db)
  assert.deepEqual(budget.waiting[0], {
    id,
    title: 'No money',
    code: 'budget_exceeded',
    message: 'budget_exceeded!',
    scope: 'day',
    of: '2026-01-31',
  })
  assert.deepEqual(
    budget.waiting.map(({ title }) => title),
    ['No money', 'No price'],
  )
  assert.deepEqual(
    budget.paused_providers.map(({ provider, failures, reason }) => ({ provider, failures, reason })),
    [{ provider: 'openai', ...pause }],
  )
})

test('a service that takes its home again says which calls of its dead predecessor may have been charged', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a' }, [])
  const { database } = home
  const { id } = await database.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  await mkdir(home.config.home, { recursive: true })
  await writeFile(path.join(home.config.home, 'executor-id'), 'this-home\n')
  const mine = await order(database, 'Mine', { project: id, executor: 'this-home' })
  const other = await order(database, 'Other', { project: id, executor: 'other-home' })
  for (const payer of [mine, other]) {
    await by(database, randomUUID(), await reserve(database.db, { ...CALL, ...payer }, new Usd('0.5')))
  }
  const ofThisHome = database.db.updateTable('attempts').where('executor_id', '=', 'this-home')
  await ofThisHome.set({ status: 'failed' }).execute()
  await using moose = await home.open('service')
  const { budget } = await moose.orchestrator.status()
  assert.deepEqual(budget?.unresolved, { count: 1, amount_usd: 0.5 })
  const limits = { key: 'budget_limits', value: 'nonsense' }
  await database.db.insertInto('system_config').values(limits).execute()
  const status = await moose.orchestrator.status()
  assert.equal(status.budget, null)
  assert.match(String(status.errors.at(-1)?.message), /budget_limits/)
})
