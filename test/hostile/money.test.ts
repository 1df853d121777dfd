/** Cases of budget and keys: each first passes the plain way of counting, calling or hiding, and not Moose's. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import { leaveUnresolved, reserve } from '../../src/budget/ledger.ts'
import { setLimit } from '../../src/budget/limits.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { createLog } from '../../src/log.ts'
import { decideRetry } from '../../src/manager/retry-strategy.ts'
import { createModels } from '../../src/models/models.ts'
import { Usd } from '../../src/money.ts'
import { createRedaction } from '../../src/redaction/redaction.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { CALL, order, project } from '../support/ledger-rows.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { USUAL_CALL } from '../support/proposer-call.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { databaseWithPassword } from '../support/with-password.ts'

const KEY = 'sk-canary-0123456789'
const PAYING = path.join(import.meta.dirname, '../support/paying-process.ts')

test('40: a process that books after its call and is killed in between loses the cost; a reservation keeps it', async () => {
  await using database = await createTestDatabase()
  await using model = await listenOnLoopback(createServer((_, response) => response.end('{}')))
  await database.pool.query('create table naive (amount numeric)')
  for (const way of ['naive', 'reserved']) {
    const child = spawn(process.execPath, [PAYING, way, database.url, model.origin], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
    const { rowCount } = await database.pool.query('select from naive')
    const { today } = await readBudget(database.db)
    assert.deepEqual([rowCount, today.reserved_usd], [0, way === 'naive' ? 0 : 0.5], way)
  }
})

/** A call of a proposer as a row of the database describes it. */
async function call(
  { db }: TestDatabase,
  row: { price: 'free' | null; baseUrl: string },
  options: { modelHosts?: string[]; proxy?: string } = {},
) {
  const models = createModels({
    db,
    networkEnvironment: options.proxy === undefined ? {} : { http_proxy: options.proxy },
    secrets: { OPENAI_API_KEY: KEY },
    replayDir: '/nonexistent',
    modelTimeoutMs: 5_000,
    maxCallsPerProvider: null,
    modelHosts: options.modelHosts === undefined ? [] : options.modelHosts,
    clock: { now: () => new Date(), sleep: async () => undefined },
    log: createLog('silent'),
  })
  const proposer = {
    ...USUAL_CALL,
    name: 'planted',
    provider: 'openai' as const,
    model: 'none-that-is-known',
    complexityThreshold: 1,
    active: true,
    ...row,
  }
  const messages = [{ role: 'user' as const, content: 'hello' }]
  const asked = { proposer, messages, maxOutputTokens: 100, workOrderId: null, attempt: null, turn: 1, task: 'Greet' }
  return await faultOf(
    models.call({ ...asked, signal: new AbortController().signal, memory: { take: async () => null } }),
  )
}

/** Hears what is sent to a model, and refuses it. */
function hearing() {
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(`${request.url} ${request.headers.authorization}`)
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}')
  })
  return { heard, server }
}

test('41: a model without a price that counts as free is called past any cap, and is refused before the call here', async () => {
  await using database = await createTestDatabase()
  await setLimit(database.db, 'daily_hard_cap', new Usd('0.000001'))
  const { heard, server } = hearing()
  await using model = await listenOnLoopback(server)
  const baseUrl = `${model.origin}/v1`
  assert.equal((await call(database, { price: 'free', baseUrl })).code, 'model_call_rejected')
  assert.equal(heard.length, 1)
  assert.equal((await call(database, { price: null, baseUrl })).code, 'price_unknown')
  assert.equal(heard.length, 1)
})

test('S14: a row that leads elsewhere is sent the key where its host is trusted, and no key here', async () => {
  await using database = await createTestDatabase()
  const { heard, server } = hearing()
  await using proxy = await listenOnLoopback(server)
  const row = { price: 'free' as const, baseUrl: 'http://models.example.test/v1' }
  const trusted = { proxy: proxy.origin, modelHosts: ['http://models.example.test'] }
  assert.equal((await call(database, row, trusted)).code, 'model_call_rejected')
  assert.match(String(heard[0]), new RegExp(`Bearer ${KEY}$`))
  assert.equal((await call(database, row, { proxy: proxy.origin })).code, 'model_host_refused')
  assert.equal(heard.length, 1)
})

test('42: a loop without a cap spends on; an order has one cap over all its tries, and three tries', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const payer = await order(database, 'Fails', { project: await project(database, 'shop', '2') })
  let naive = new Usd(0)
  let spent = 0
  for (let attempt = 0; attempt < 50; attempt += 1) {
    naive = naive.plus('0.5')
    const made = await reserve(db, { ...CALL, ...payer }, new Usd('0.5')).catch((error: unknown) => error)
    if (typeof made !== 'string') continue
    await leaveUnresolved(db, made)
    spent += 0.5
  }
  assert.equal(naive.toNumber(), 25)
  assert.ok(spent > 0 && spent <= 5, String(spent))
  const able = [
    { name: 'small', complexityThreshold: 0.3 },
    { name: 'large', complexityThreshold: 1 },
  ]
  const again = (attempt: number) =>
    decideRetry(
      { work_order_id: 'x', current_proposer: 'small', attempt, failure_reason: 'proposal_rejected' },
      able,
      0.3,
    )
  assert.deepEqual(
    [1, 2, 3, 50].map((attempt) => again(attempt).should_retry),
    [true, true, false, false],
  )
})

test('S8: without the rules of the ledger a row of SQL makes room below every cap, and is not taken here', async () => {
  await using database = await createTestDatabase()
  const { pool, db } = database
  await setLimit(db, 'daily_hard_cap', new Usd('1'))
  const plant = () =>
    pool.query(`insert into budget_entries (reservation_id, kind, amount_usd, cost_usd, proposer, provider, model, holder, day, month)
      select gen_random_uuid(), 'settled', -1000, -1000, 'p', 'openai', 'm', gen_random_uuid(), moment::date,
        date_trunc('month', moment)::date from (select moose_now() at time zone 'utc' as moment) as now`)
  await assert.rejects(plant(), { code: '23514' })
  await pool.query('alter table budget_entries disable trigger user')
  const { rows } = await pool.query<{ name: string }>(
    `select conname as name from pg_constraint where conrelid = 'budget_entries'::regclass and contype = 'c'`,
  )
  for (const { name } of rows) await pool.query(`alter table budget_entries drop constraint ${name}`)
  await plant()
  const sum = await pool.query<{ room: boolean }>('select sum(amount_usd) + 900 < 1 as room from budget_entries')
  assert.equal(sum.rows[0]?.room, true, 'by their sum a call of 900 USD fits')
})

test('S15: a redaction of the key as it is leaves it in base64, and ours leaves it in no form', () => {
  const basic = Buffer.from(`user:${KEY}`).toString('base64')
  const said = `invalid key ${KEY}, sent as Basic ${basic}`
  const decoded = (text: string) => Buffer.from(String(/Basic (\S+)/.exec(text)?.[1]), 'base64').toString()
  assert.ok(decoded(said.replaceAll(KEY, '[redacted]')).includes(KEY))
  const shown = createRedaction([{ value: KEY, written: KEY }])(said)
  assert.ok(!shown.includes(KEY) && !decoded(shown).includes(KEY))
})

test('S1: a redaction of what is applied alters the change, and what is applied here is what was answered', async () => {
  const code = 'import postgres from "postgres"'
  const redacted = createRedaction([{ value: 'postgres', written: 'postgres' }])
  assert.equal(redacted(code), 'import [redacted] from "[redacted]"')
  const settings = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }
  await using home = await createMooseHome({ 'db.ts': 'export {}\n' }, [], settings, databaseWithPassword('postgres'))
  await using server = await startModelServer({ kind: 'text', text: `### write db.ts\n\`\`\`\n${code}\n\`\`\`\n` })
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const done = await settled(moose, await fileOrder(home.database, { title: 'Connect', files: ['db.ts'] }))
  assert.equal(await home.remote.git('show', `${done.github_branch}:db.ts`), code)
})
