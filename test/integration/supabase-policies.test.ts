import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { SupabaseClient } from '@supabase/supabase-js'
import { migrate } from '../../src/db/migrate.ts'
import { createPool } from '../../src/db/pool.ts'
import { createLog } from '../../src/log.ts'
import { FIRST_MOOSE, LEFT_TO_THE_FIRST_MOOSE, OPEN_TO_EVERYBODY } from '../support/first-moose.ts'
import { postgrestOrSkip, query, run, startSupabase } from '../support/supabase.ts'
import { type Connect, connector, denied, person, rowsOf } from '../support/supabase-client.ts'

/** What `authenticated` may read where `app_metadata.moose_role` says so. */
const OPEN_TO_PEOPLE = [
  'attempts',
  'github_events',
  'outcome_vectors',
  'projects',
  'pull_requests',
  'work_order_events',
  'work_orders',
]
/** Kept from service_role too: hashes of the tokens of the API. */
const SEALED = ['api_tokens', 'notification_endpoints', 'notification_outbox']
const VIEW = 'budget_open_reservations'
const ORDER = {
  title: 'Greet the world',
  description: 'Say hello',
  files_in_scope: ['greeting.txt'],
  context: ['STYLE.md'],
}

test('who may do what through Supabase, in a project that was open to everybody', async (t) => {
  const postgrest = postgrestOrSkip(t)
  if (postgrest === null) return
  await using supabase = await startSupabase(postgrest, async () => undefined)
  const { url, serve } = await supabase.createProject({ name: 'opened', openByDefault: true })
  await run(url, [FIRST_MOOSE, OPEN_TO_EVERYBODY])
  const pool = createPool(url, createLog('silent'))
  await migrate(pool)
  await pool.end()
  await using api = await serve()
  const connect = connector(api)
  const tables = await relations(url)
  await t.test('anon sees and writes nothing', () => anonGetsNothing(connect('anon'), tables))
  await t.test('who only signs in sees and writes nothing', () => signedInGetsNothing(connect, tables))
  await t.test('a member reads and files', () => memberReadsAndFiles(connect, tables))
  await t.test('a Director decides', () => directorDecides(connect))
  await t.test('service_role does everything but with tokens', () => serviceDoesAll(connect('service_role'), tables))
  await t.test('who acts through Supabase is recorded, and changes nothing of it', () => actsAreRecorded(connect))
})

async function actsAreRecorded(connect: Connect): Promise<void> {
  const service = connect('service_role')
  const director = connect('authenticated', { ...person('director'), email: 'ada@example.org' })
  const approved = { metadata: { approved_by_director: true } }
  for (const [client, actor, signedIn] of [
    [service, 'service_role', undefined],
    [director, 'authenticated', 'ada@example.org'],
  ] as const) {
    const [filed] = await rowsOf(client.from('work_orders').insert(ORDER).select())
    await rowsOf(client.from('work_orders').update(approved).eq('id', filed.id).select())
    const entries = await rowsOf(service.from('audit_entries').select().eq('work_order_id', filed.id).order('seq'))
    const said = entries.map((one) => [
      one.act,
      one.actor_kind,
      one.actor_name,
      one.database_role,
      one.details.signed_in,
    ])
    const who = ['database_role', actor, 'authenticator', signedIn]
    assert.deepEqual(said, [
      ['order.file', ...who],
      ['order.approve', ...who],
    ])
  }
  for (const one of [service, director]) {
    await denied(one.from('audit_entries').insert({ act: 'order.approve' }), 'writes an entry')
    await denied(one.from('audit_entries').update({ actor_name: 'bob' }).gt('seq', 0), 'changes an entry')
    await denied(one.from('audit_entries').delete().gt('seq', 0), 'removes an entry')
  }
  await denied(director.from('audit_entries').select(), 'a Director reads the entries')
}

/** Tables and views of `public`, sorted, without those Moose leaves alone. */
async function relations(url: string): Promise<string[]> {
  const found = await query<{ name: string }>(
    url,
    `select relname as name from pg_class
     where relkind in ('r', 'p', 'v', 'm') and relnamespace = 'public'::regnamespace order by 1`,
  )
  return found.map(({ name }) => name).filter((name) => !LEFT_TO_THE_FIRST_MOOSE.includes(name))
}

async function anonGetsNothing(anon: SupabaseClient, tables: readonly string[]): Promise<void> {
  assert.ok(tables.includes('moose_migrations') && tables.includes(VIEW))
  for (const table of tables) {
    await denied(anon.from(table).select(), `anon reads ${table}`)
    // Nobody can write it: it is a join.
    if (table === VIEW) continue
    await denied(anon.from(table).insert({}), `anon inserts into ${table}`)
    await denied(anon.from(table).delete(), `anon deletes from ${table}`)
  }
  await denied(anon.from('work_orders').update({ title: 'x' }).neq('title', 'x'), 'anon updates')
  await denied(anon.rpc('moose_secure'), 'anon calls moose_secure')
}

async function signedInGetsNothing(connect: Connect, tables: readonly string[]): Promise<void> {
  for (const claims of [
    {},
    person(),
    person('other'),
    { app_metadata: 'director' },
    { user_metadata: { moose_role: 'director' } },
  ]) {
    const stranger = connect('authenticated', claims)
    for (const table of OPEN_TO_PEOPLE) assert.deepEqual(await rowsOf(stranger.from(table).select()), [], table)
    await denied(stranger.from('work_orders').insert(ORDER), 'a stranger files an order')
    const approved = stranger.from('work_orders').update({ status: 'pending' }).neq('title', '').select()
    assert.deepEqual(await rowsOf(approved), [])
  }
  const stranger = connect('authenticated', person())
  for (const table of tables.filter((name) => !OPEN_TO_PEOPLE.includes(name))) {
    await denied(stranger.from(table).select(), `a stranger reads ${table}`)
  }
}

async function memberReadsAndFiles(connect: Connect, tables: readonly string[]): Promise<void> {
  const member = connect('authenticated', person('member'))
  assert.ok((await rowsOf(member.from('work_orders').select())).length >= 11)
  assert.equal((await rowsOf(member.from('projects').select('name'))).length, 2)
  const closed = tables.filter((name) => !OPEN_TO_PEOPLE.includes(name))
  for (const table of [...closed.filter((name) => name !== VIEW), 'work_orders']) {
    await denied(member.from(table).delete(), `a member deletes from ${table}`)
  }
  for (const table of closed) await denied(member.from(table).select(), `a member reads ${table}`)
  for (const table of OPEN_TO_PEOPLE.filter((name) => name !== 'work_orders')) {
    await denied(member.from(table).insert({}), `a member writes ${table}`)
  }
  const [filed] = await rowsOf(
    member
      .from('work_orders')
      .insert({ ...ORDER, metadata: { wish: 1 } })
      .select(),
  )
  assert.equal(filed.status, 'pending')
  for (const flag of [true, 'true']) {
    await denied(
      member.from('work_orders').insert({ ...ORDER, metadata: { approved_by_director: flag } }),
      'files it approved',
    )
  }
  await denied(member.from('work_orders').insert({ ...ORDER, status: 'blocked' }), 'files it blocked')
  await denied(
    member.from('work_orders').insert({ ...ORDER, status: 'approved' }),
    'files it approved, as the first Moose',
  )
  await denied(member.from('work_orders').insert({ ...ORDER, budget_usd: 1000 }), 'files it with a budget')
  const approval = member
    .from('work_orders')
    .update({ metadata: { approved_by_director: true } })
    .eq('id', filed.id)
  assert.deepEqual(await rowsOf(approval.select()), [])
}

async function directorDecides(connect: Connect): Promise<void> {
  const director = connect('authenticated', person('director'))
  const orders = () => director.from('work_orders')
  const write = (change: Record<string, unknown>) => orders().update(change).eq('id', filed.id)
  const [filed] = await rowsOf(orders().insert(ORDER).select())
  const approved = { approved_by_director: true }
  const [now] = await rowsOf(write({ metadata: approved }).select())
  assert.equal(now.metadata.approved_by_director, true)
  const [edited] = await rowsOf(write({ title: 'Greet everybody' }).select())
  assert.equal(edited.metadata.approved_by_director, undefined)
  await denied(write({ status: 'in_progress', phase: 'in_review' }), 'says it is in review')
  await denied(write({ status: 'in_progress' }), 'says it is being carried out')
  await denied(write({ budget_usd: 1000 }), 'raises a budget')
  await denied(write({ github_pr_number: 7 }), 'writes a pull request')
  await denied(write({ status: 'failed' }), 'fails an order')
  assert.equal((await rowsOf(write({ status: 'cancelled' }).select()))[0].status, 'cancelled')
  assert.equal((await rowsOf(write({ status: 'pending' }).select()))[0].status, 'pending')
  await rowsOf(
    orders()
      .insert({ ...ORDER, metadata: approved })
      .select(),
  )
  const service = connect('service_role')
  await rowsOf(
    service.from('work_orders').update({ status: 'in_progress', phase: 'proposing' }).eq('id', filed.id).select(),
  )
  await denied(write({ title: 'Something else' }), 'edits what is being carried out')
  assert.equal((await rowsOf(write({ status: 'cancelled' }).select()))[0].phase, null)
}

async function serviceDoesAll(service: SupabaseClient, tables: readonly string[]): Promise<void> {
  for (const table of tables.filter((name) => !SEALED.includes(name))) await rowsOf(service.from(table).select())
  for (const table of SEALED) {
    assert.ok(tables.includes(table))
    await denied(service.from(table).select(), `service_role reads ${table}`)
    await denied(service.from(table).insert({}), `service_role writes ${table}`)
  }
  const [filed] = await rowsOf(
    service
      .from('work_orders')
      .insert({ ...ORDER, budget_usd: 3 })
      .select(),
  )
  const event = { work_order_id: filed.id, type: 'note', message: 'by hand' }
  await rowsOf(service.from('work_order_events').insert(event).select())
  await rowsOf(service.from('work_orders').delete().eq('id', filed.id).select())
  const call = { reservation_id: randomUUID(), proposer: 'p', provider: 'x', model: 'm', holder: randomUUID() }
  const entry = { ...call, day: '2026-12-01', month: '2026-12-01' }
  const entries = () => service.from('budget_entries')
  for (const bad of [
    { kind: 'settled', amount_usd: -1000, cost_usd: 0 },
    { kind: 'released', amount_usd: -5000 },
    { kind: 'reserved', amount_usd: 'NaN' },
  ]) {
    const { error } = await entries().insert({ ...entry, ...bad })
    assert.equal(error?.code, '23514', JSON.stringify(bad))
  }
  await rowsOf(
    entries()
      .insert({ ...entry, kind: 'reserved', amount_usd: 1 })
      .select(),
  )
  await rowsOf(
    entries()
      .insert({ ...entry, kind: 'settled', amount_usd: -0.5, cost_usd: 0.5 })
      .select(),
  )
}
