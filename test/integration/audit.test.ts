import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { ensureHomeToken, osUser } from '../../src/app/home-token.ts'
import { leaveUnresolved, reserve } from '../../src/budget/ledger.ts'
import { AuditResponse } from '../../src/contract/audit.ts'
import { actingAs } from '../../src/db/audit/acting-as.ts'
import { beginLook } from '../../src/db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../../src/db/schema.ts'
import { replayOnly } from '../../src/demo/replay.ts'
import { calledWithin, createHttpApp } from '../../src/http/http-app.ts'
import { Usd } from '../../src/money.ts'
import { recordSighting } from '../../src/orchestrator/tracker.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTestDatabase } from '../support/database.ts'
import { CALL, NOBODY } from '../support/ledger-rows.ts'
import { moose } from '../support/moose-command.ts'
import { fileOrder, settled } from '../support/moose-home.ts'

const FILE = 'src/greeting.ts'
const titled = (n: number) => `Add greeting ${n}`
const answers = [1, 2, 3, 4].map((n) => ({
  task: titled(n),
  turn: 1,
  text: `### write ${FILE}\n\`\`\`\nexport const greeting = ${n}\n\`\`\`\n`,
}))
const api = await openApiHome({ role: 'service', files: { [FILE]: '' }, answers })
const { db } = api.moose
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

const OPERATOR = `os_user:${userInfo().username}`

/** What was recorded while something was done, as `act kind:name`, in order. */
async function recorded(act: () => Promise<unknown>): Promise<string[]> {
  const { last } = await db
    .selectFrom('audit_entries')
    .select((eb) => eb.fn.max('seq').as('last'))
    .executeTakeFirstOrThrow()
  await act()
  const rows = await db
    .selectFrom('audit_entries')
    .select(['act', 'actor_kind', 'actor_name'])
    .where('seq', '>', last)
    .orderBy('seq')
    .execute()
  return rows.map(({ act: did, actor_kind: kind, actor_name: name }) => `${did} ${kind}:${name}`)
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await api.moose.http.fetch(new Request(`http://127.0.0.1${path}`, { method, ...init }))
  assert.ok(response.ok, `${method} ${path}: ${await response.clone().text()}`)
  return response.json()
}

test('a service that is started with --start, and the switches of the demo, are acts of who runs the process', async () => {
  assert.deepEqual(await recorded(() => api.moose.startUnattended()), [`orchestrator.start ${OPERATOR}`])
  await api.moose.orchestrator.stop()
  const { rows } = await sql<{ details: unknown }>`select details from audit_entries order by seq desc limit 1`.execute(
    db,
  )
  assert.deepEqual(rows, [{ details: { interval_ms: api.home.config.pollingIntervalMs } }])
  await using demo = await createTestDatabase()
  const before = Number((await demo.pool.query('select max(seq) from audit_entries')).rows[0].max)
  await replayOnly(demo.db, api.moose.api.osUser)
  const { rows: acts } = await demo.pool.query(
    `select distinct act, actor_kind || ':' || actor_name as by from audit_entries where seq > $1 order by act`,
    [before],
  )
  assert.deepEqual(acts, [
    { act: 'proposer.add', by: OPERATOR },
    { act: 'proposer.edit', by: OPERATOR },
  ])
})

test('each act through the API is one entry, by who runs the process', async () => {
  const id = await api.place({ approved: false })
  const path = `/api/work-orders/${id}`
  const acts: [string, () => Promise<unknown>][] = [
    ['order.approve', () => ask('POST', `${path}/approve`)],
    ['order.edit', () => ask('PATCH', path, { title: 'Say it in French' })],
    ['order.budget', () => ask('PATCH', path, { budget_usd: '2' })],
    ['order.reject', () => ask('POST', `${path}/reject`, { reason: 'not now' })],
    ['order.retry', () => ask('POST', `${path}/retry`)],
    ['order.cancel', () => ask('POST', `${path}/cancel`)],
    ['budget.caps', () => ask('PUT', '/api/budget/caps', { target: 'day', usd: '120.50' })],
    ['project.budget', () => ask('PUT', '/api/budget/caps', { target: 'project', id: 'sample', usd: '3' })],
    ['spending.stop', () => ask('POST', '/api/budget/stop')],
    ['spending.resume', () => ask('POST', '/api/budget/resume')],
    ['project.edit', () => ask('PATCH', '/api/projects/sample', { author: 'Ada <ada@example.org>' })],
    [
      'proposer.add',
      () => ask('POST', '/api/proposers', { name: 'new', kind: 'openai', model: 'm', price: { free: true } }),
    ],
    ['proposer.edit', () => ask('PATCH', '/api/proposers/new', { complexity_threshold: 0.5 })],
    ['proposer.price', () => ask('PUT', '/api/proposers/new/price', { input_per_million: 1, output_per_million: 2 })],
    ['proposer.delete', () => ask('DELETE', '/api/proposers/new')],
    ['orchestrator.start', () => ask('POST', '/api/orchestrator/start', { interval_ms: 60_000 })],
    ['orchestrator.stop', () => ask('POST', '/api/orchestrator/stop')],
  ]
  for (const [act, how] of acts) assert.deepEqual(await recorded(how), [`${act} ${OPERATOR}`], act)
  assert.deepEqual(await recorded(() => ask('GET', path)), [])
})

test('filing an order is an act, and filing it as approved is two', async () => {
  const file = (approved: boolean) => () =>
    ask('POST', '/api/work-orders', { title: 'x', files_in_scope: ['a'], approved })
  assert.deepEqual(await recorded(file(false)), [`order.file ${OPERATOR}`])
  assert.deepEqual(await recorded(file(true)), [`order.file ${OPERATOR}`, `order.approve ${OPERATOR}`])
})

test('of orders that are filed together all are stored and recorded, or none', async () => {
  const count = async () => (await db.selectFrom('work_orders').select('id').execute()).length
  const before = await count()
  const orders = [{ title: 'x' }, { title: 'y', project: 'unknown' }]
  const file = () =>
    api.moose.http.fetch(
      new Request('http://127.0.0.1/api/work-orders', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ work_orders: orders }),
      }),
    )
  assert.deepEqual(await recorded(async () => assert.equal((await file()).ok, false)), [])
  assert.equal(await count(), before)
})

test('who acts is the one who was named last', async () => {
  const id = await api.place({ approved: false })
  const named = actingAs(actingAs(db, { kind: 'token', name: 'first' }), { kind: 'token', name: 'second' })
  const approve = (one: Kysely<Database>) =>
    one.updateTable('work_orders').set({ metadata: '{"approved_by_director": true}' }).where('id', '=', id).execute()
  const fail = () =>
    named.transaction().execute(async (transaction) => {
      await approve(transaction)
      throw new TypeError('given up')
    })
  assert.deepEqual(await recorded(() => assert.rejects(fail(), TypeError)), [])
  assert.deepEqual(await recorded(() => approve(named)), ['order.approve token:second'])
})

test('the token that calls is who acts, in all that its request writes', async () => {
  const ci = calledWithin(createHttpApp(api.deps()), { kind: 'token', name: 'ci:night' })
  const id = await api.place({ approved: false })
  const request = () => ci.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/approve`, { method: 'POST' }))
  assert.deepEqual(await recorded(async () => request()), ['order.approve token:ci:night'])
  assert.deepEqual(await recorded(async () => request()), [], 'it is approved already')
})

test('tokens are made and revoked by name, without their hash; their use is no act', async () => {
  assert.deepEqual(await recorded(() => ask('POST', '/api/tokens', { name: 'night', scopes: ['read'] })), [
    `token.create ${OPERATOR}`,
  ])
  const touch = sql`update api_tokens set last_used_at = now() where name = 'night'`
  assert.deepEqual(await recorded(() => touch.execute(db)), [])
  assert.deepEqual(await recorded(() => ask('DELETE', '/api/tokens/night')), [`token.revoke ${OPERATOR}`])
  const { rows } = await sql<{ told: string }>`
    select details::text as told from audit_entries where subject_kind = 'token'`.execute(db)
  assert.ok(rows.every(({ told }) => !told.includes('hash')))
})

test('the token of a home is made by the user who starts its service', async () => {
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-home-token-'))
  const of = { db, config: { home: home.path }, homeId: 'another-home', osUser: osUser() }
  assert.deepEqual(await recorded(() => ensureHomeToken(of)), [`token.create ${OPERATOR}`])
})

test('what a human allows of a protected change is an act', async () => {
  const id = await api.place({ approved: false })
  const allow = () => ask('POST', `/api/work-orders/${id}/approve`, { allow_all_protected: true })
  assert.deepEqual((await recorded(allow)).toSorted(), [`order.allow ${OPERATOR}`, `order.approve ${OPERATOR}`])
})

test('a command without a service acts as the user of the system', async () => {
  const id = await api.place({ approved: false })
  const environment = { ...api.home.environment, MOOSE_HOME: `${api.home.environment['MOOSE_HOME']}-other` }
  const run = (...words: string[]) => moose(words, { environment, cwd: api.home.config.home })
  assert.deepEqual(await recorded(() => run('approve', id)), [`order.approve ${OPERATOR}`])
  const shown = await run('show', id)
  assert.match(shown.stdout, new RegExp(`approved +by ${userInfo().username} \\(os user\\)`))
  const { stdout } = await run('audit', '--order', id)
  assert.match(stdout, /order\.approve/)
})

test('plain SQL is recorded with the role that is connected, as is the role that it becomes', async () => {
  const id = await api.place({ approved: false })
  const approve = sql`update work_orders set metadata = '{"approved_by_director": true}' where id = ${id}`
  const withdraw = sql`update work_orders set metadata = '{}' where id = ${id}`
  assert.deepEqual(await recorded(() => approve.execute(db)), ['order.approve database_role:moose'])
  await withRole(async (role, as) => {
    assert.deepEqual(await recorded(() => as((one) => withdraw.execute(one))), [
      `order.unapprove database_role:${role}`,
    ])
    const spoofed = (one: Kysely<Database>) => approve.execute(actingAs(one, { kind: 'token', name: 'ada' }))
    assert.deepEqual(await recorded(() => as(spoofed)), [`order.approve database_role:${role}`])
    const run = sql`update work_orders set status = 'in_progress', phase = 'routing' where id = ${id}`
    assert.deepEqual(await recorded(() => as((one) => run.execute(one))), [`order.start database_role:${role}`])
    const stop = sql`update work_orders set status = 'failed' where id = ${id}`
    assert.deepEqual(await recorded(() => as((one) => stop.execute(one))), [`order.failed database_role:${role}`])
    const again = sql`update work_orders set status = 'pending' where id = ${id}`
    assert.deepEqual(await recorded(() => as((one) => again.execute(one))), [`order.retry database_role:${role}`])
    const forged = sql`insert into audit_entries (act, subject_kind, subject_id) values ('order.approve', 'order', 'x')`
    await assert.rejects(
      as((one) => forged.execute(one)),
      /permission denied/,
    )
  })
  const last = await db.selectFrom('audit_entries').select('database_role').orderBy('seq', 'desc').executeTakeFirst()
  assert.equal(last?.database_role, 'moose')
})

/** Does something as a role that is none of Moose's and may write its tables, like service_role of Supabase. */
async function withRole(
  use: (role: string, as: (act: (one: Kysely<Database>) => Promise<unknown>) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const role = `director_${process.pid}`
  await sql`create role ${sql.raw(role)} bypassrls`.execute(db)
  try {
    await sql`grant select, insert, update, delete on work_orders, system_config, projects to ${sql.raw(role)}`.execute(
      db,
    )
    await use(role, (act) =>
      db.connection().execute(async (one) => {
        await sql`set role ${sql.raw(role)}`.execute(one)
        try {
          return await act(one)
        } finally {
          await sql`reset role`.execute(one)
        }
      }),
    )
  } finally {
    await sql`drop owned by ${sql.raw(role)}`.execute(db)
    await sql`drop role ${sql.raw(role)}`.execute(db)
  }
}

test('an order keeps the id that its entries name', async () => {
  const id = await fileOrder(api.home.database, { title: titled(1), files: [FILE] })
  const renamed = sql`update work_orders set id = gen_random_uuid() where id = ${id}`.execute(db)
  await assert.rejects(renamed, /the id of a row of work_orders stays as it is/)
})

test('what is rolled back leaves no entry, and neither does what changes nothing', async () => {
  const id = await api.place({ approved: false })
  const act = () =>
    db.transaction().execute(async (transaction) => {
      await sql`update work_orders set title = 'y' where id = ${id}`.execute(transaction)
      await sql`insert into system_config (key, value) values ('emergency_stop', 'true')`.execute(transaction)
      throw new Error('rolled back')
    })
  assert.deepEqual(await recorded(() => assert.rejects(act(), /rolled back/)), [])
  const touched = sql`update work_orders set title = title, updated_at = now() where id = ${id}`
  assert.deepEqual(await recorded(() => touched.execute(db)), [])
  assert.deepEqual(await recorded(() => sql`update projects set name = name`.execute(db)), [])
})

test('what Moose does by itself on the way of an order is no act; its merge is, once', async () => {
  const id = await fileOrder(api.home.database, { title: titled(1), files: [FILE] })
  const other = await fileOrder(api.home.database, { title: titled(2), files: [FILE] })
  const carried = () => ask('POST', '/api/orchestrator/execute', { work_order_id: id })
  assert.deepEqual(await recorded(carried), [`order.start ${OPERATOR}`])
  const unattended = async () => {
    await api.moose.orchestrator.start(null)
    await settled(api.moose, other)
    await api.moose.orchestrator.stop()
  }
  assert.deepEqual(await recorded(unattended), [])
  assert.deepEqual(await recorded(() => ask('POST', `/api/work-orders/${other}/close`)), [
    `pull_request.close ${OPERATOR}`,
  ])
  assert.deepEqual(await recorded(() => ask('POST', `/api/work-orders/${id}/merge`)), [
    `pull_request.merge ${OPERATOR}`,
  ])
  assert.equal((await api.detail(id)).status, 'completed')
})

test('who merges on the forge is named where the forge tells, else Moose that saw it', async () => {
  for (const [n, endedBy, by] of [
    [3, { login: 'octocat', isMoose: false }, 'forge_login:octocat'],
    [4, null, 'moose:orchestrator'],
  ] as const) {
    const id = await fileOrder(api.home.database, { title: titled(n), files: [FILE] })
    await ask('POST', '/api/orchestrator/execute', { work_order_id: id })
    const { project } = await api.detail(id)
    assert.equal(project, 'sample')
    const row = await db
      .selectFrom('pull_requests')
      .selectAll()
      .where('work_order_id', '=', id)
      .executeTakeFirstOrThrow()
    const pullRequest = {
      number: row.number,
      url: '',
      branch: row.branch,
      base: row.base,
      headSha: row.head_sha,
      state: 'merged',
      mergeSha: row.head_sha,
    } as const
    const of = {
      project: await projectRow(),
      workOrderId: id,
      attempt: 1,
      number: row.number,
      nodeId: 'x',
      known: { state: 'open', endedAt: null },
      seenAt: row.head_sha,
      isAwaited: true,
      isSpare: false,
    } as const
    const seen = async () =>
      recordSighting(
        db,
        { of, pullRequest, baseSha: null, checks: null, review: null, parts: null, isDraft: false, endedBy, mark: '' },
        await beginLook(db, new Date()),
        new Date(),
      )
    assert.deepEqual(await recorded(seen), [`pull_request.merge ${by}`])
    assert.deepEqual(await recorded(seen), [])
  }
})

async function projectRow() {
  const { findProjectByName } = await import('../../src/db/projects.ts')
  return findProjectByName(db, 'sample')
}

test('a call that Moose books itself is no act; one that is settled by hand is', async () => {
  const unresolved = async () => {
    const id = await reserve(db, { ...CALL, ...NOBODY }, new Usd(1))
    await leaveUnresolved(db, id)
    return id
  }
  let id = ''
  assert.deepEqual(await recorded(async () => (id = await unresolved())), [])
  const settle = () => ask('POST', `/api/budget/reservations/${id}/settle`, { cost_usd: 0.5 })
  assert.deepEqual(await recorded(settle), [`budget.settle ${OPERATOR}`])
  const other = await unresolved()
  const bySql = sql`
    insert into budget_entries (reservation_id, kind, amount_usd, proposer, provider, model, holder, day, month)
    select reservation_id, 'released', - amount_usd, proposer, provider, model, holder, day, month
    from budget_entries where reservation_id = ${other} and kind = 'reserved'`
  assert.deepEqual(await recorded(() => bySql.execute(db)), ['budget.settle database_role:moose'])
})

test('what may hold a secret is a hash, and so is what an order says', async () => {
  const SECRET = 'sk-live-0123456789abcdef'
  const id = await api.place({ title: SECRET, description: SECRET, approved: false })
  await ask('PATCH', `/api/work-orders/${id}`, { description: `${SECRET} again` })
  await sql`insert into system_config (key, value) values ('mail_password', ${SECRET})`.execute(db)
  await sql`update projects set repository = ${`https://${SECRET}@example.org/x`}`.execute(db)
  await sql`update proposer_configs set extra_headers = ${JSON.stringify({ 'X-Key': SECRET })}, base_url = ${SECRET}`.execute(
    db,
  )
  await ask('POST', `/api/work-orders/${id}/reject`, { reason: SECRET })
  const { rows } = await sql<{
    text: string
  }>`select string_agg(audit_entries::text, '') as text from audit_entries`.execute(db)
  assert.ok(!String(rows[0]?.text).includes('sk-live'))
  await sql`update proposer_configs set extra_headers = '{}', base_url = null`.execute(db)
})

test('the list is read in pages, by who, by order and since when', async () => {
  const id = await api.place({ approved: false })
  for (const n of [1, 2, 3, 4, 5]) await ask('PATCH', `/api/work-orders/${id}`, { title: `title ${n}` })
  const read = async (query: string) => AuditResponse.parse(await ask('GET', `/api/audit?${query}`))
  const newest = await read(`order=${id}&limit=2`)
  assert.deepEqual(
    newest.entries.map(({ act }) => act),
    ['order.edit', 'order.edit'],
  )
  const before = await read(`order=${id.slice(0, 8)}&limit=100&before=${newest.next_before}`)
  assert.equal(before.next_before, null)
  assert.deepEqual(
    [...before.entries, ...newest.entries].map(({ seq }) => seq),
    seqs(before.entries[0]?.seq, 5),
  )
  assert.equal((await read(`order=${id}&by=${userInfo().username}`)).entries.length, 5)
  assert.deepEqual((await read(`order=${id}&by=nobody`)).entries, [])
  assert.deepEqual((await read(`order=${id}&since=2999-01-01T00:00:00Z`)).entries, [])
  const whole = await read(`order=${id}&limit=1`)
  assert.deepEqual(whole.entries[0]?.subject, { kind: 'order', id })
})

function seqs(first: number | undefined, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number(first) + index)
}

test('the list is read by act, by object and until when, one filter within the other', async () => {
  await ask('POST', '/api/proposers', { name: 'a:b', kind: 'openai', model: 'm', price: { free: true } })
  await ask('PATCH', '/api/proposers/a%3Ab', { complexity_threshold: 0.5 })
  await ask('PUT', '/api/proposers/a%3Ab/price', { input_per_million: 1, output_per_million: 2 })
  await ask('DELETE', '/api/proposers/a%3Ab')
  const read = async (query: Record<string, string>) =>
    AuditResponse.parse(await ask('GET', `/api/audit?${new URLSearchParams(query).toString()}`)).entries
  const acts = async (query: Record<string, string>) => (await read(query)).map(({ act }) => act)
  const all = ['proposer.add', 'proposer.edit', 'proposer.price', 'proposer.delete']
  assert.deepEqual(await acts({ object: 'proposer:a:b' }), all)
  assert.deepEqual(await acts({ object: 'proposer:a:b', act: 'proposer.price' }), ['proposer.price'])
  assert.deepEqual(await acts({ object: 'proposer', act: 'order.approve' }), [])
  assert.deepEqual((await acts({ object: 'proposer' })).slice(-4), all)
  const [, edit] = await read({ object: 'proposer:a:b' })
  assert.ok(edit !== undefined)
  assert.deepEqual(await acts({ object: 'proposer:a:b', until: edit.at }), ['proposer.add', 'proposer.edit'])
  assert.deepEqual(await acts({ object: 'proposer:a:b', since: edit.at, until: edit.at }), ['proposer.edit'])
})

test('what a transaction adds to the trail does not have it read from the beginning for each entry', async () => {
  await using fresh = await createTestDatabase()
  const read = await fresh.db.transaction().execute(async (trx) => {
    await sql`
      insert into work_orders (title, description, risk_level, files_in_scope, acceptance_criteria)
      select 'Order ' || n, 'x', 'low', '["a"]', '[]' from generate_series(1, 500) as n
    `.execute(trx)
    await sql`set constraints all immediate`.execute(trx)
    const { rows } = await sql<{ read: number }>`
      select seq_tup_read::int as read from pg_stat_xact_user_tables where relname = 'audit_entries'
    `.execute(trx)
    return Number(rows[0]?.read)
  })
  assert.ok(read < 5_000, `${read} rows read`)
})
