import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/db/schema.ts'
import { createTestDatabase } from '../support/database.ts'

const database = await createTestDatabase()
const { db } = database
const role = `clerk_${process.pid}`
await sql`create role ${sql.raw(role)} bypassrls`.execute(db)
await sql`grant select, insert, update, delete on work_orders, allowed_changes to ${sql.raw(role)}`.execute(db)
await sql`grant select, insert on pull_requests to ${sql.raw(role)}`.execute(db)
await sql`grant select on projects to ${sql.raw(role)}`.execute(db)
after(async () => {
  await sql`drop owned by ${sql.raw(role)}`.execute(db)
  await sql`drop role ${sql.raw(role)}`.execute(db)
  await database[Symbol.asyncDispose]()
})

/** As a role that may write the tables of orders and nothing of the audit, like service_role of Supabase. */
async function asClerk<Result>(act: (one: Kysely<Database>) => Promise<Result>): Promise<Result> {
  return await db.connection().execute(async (one) => {
    await sql`set role ${sql.raw(role)}`.execute(one)
    try {
      return await act(one)
    } finally {
      await sql`reset role`.execute(one)
      await sql`drop table if exists pg_temp.audit_entries`.execute(one)
    }
  })
}

async function fileOrder(): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into work_orders (title, files_in_scope) values ('x', '["a"]') returning id`.execute(db)
  return String(rows[0]?.id)
}

const allow = (id: string, by = 'default') =>
  sql`insert into allowed_changes (work_order_id, content, kind, subject, allowed_by)
    values (${id}, 'x', 'all', '', ${sql.raw(by)})`

async function entriesOf(id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('audit_entries')
    .select('act')
    .where('work_order_id', '=', id)
    .orderBy('seq')
    .execute()
  return rows.map(({ act }) => act)
}

test('what runs with the rights of the owner looks for nothing where its caller says', async () => {
  const { rows } = await sql<{ name: string }>`
    select proname as name from pg_proc
    where prosecdef and proname like 'moose%' and not exists (
      select from unnest(proconfig) as setting where setting like 'search_path=%, pg_temp'
    )`.execute(db)
  assert.deepEqual(rows, [])
})

test('a table of the same name that comes first takes no entry away', async () => {
  const unseen = async () => {
    const id = await fileOrder()
    await asClerk(async (one) => {
      await sql`create temporary table audit_entries (
        act text, subject_kind text, subject_id text, work_order_id uuid, details jsonb)`.execute(one)
      await sql`grant all on audit_entries to public`.execute(one)
      await allow(id).execute(one)
    })
    return await entriesOf(id)
  }
  assert.deepEqual(await unseen(), ['order.file', 'order.allow'])
  await sql`alter function moose_audit_allowance() reset search_path`.execute(db)
  assert.deepEqual(await unseen(), ['order.file'], 'without the guard it does')
})

test('a role names nobody else as who filed an order or allowed a change of it', async () => {
  const forge = async () => {
    const { rows } = await asClerk(async (one) => {
      await sql`select set_config('moose.actor', 'token:ada', false)`.execute(one)
      const filed = await sql<{ id: string }>`
        insert into work_orders (title, files_in_scope, filed_by) values ('x', '["a"]', 'token:ada') returning id`.execute(
        one,
      )
      const id = String(filed.rows[0]?.id)
      await allow(id, `'token:ada'`).execute(one)
      const other = await sql<{ id: string }>`
        insert into work_orders (title, files_in_scope) values ('x', '["a"]') returning id`.execute(one)
      await allow(id).execute(one)
      await sql`update work_orders set filed_by = 'token:bob' where id = ${id}`.execute(one)
      await sql`select set_config('moose.actor', '', false)`.execute(one)
      return await sql<{ by: string }>`
        select filed_by as by from work_orders where id in (${id}, ${other.rows[0]?.id})
        union select allowed_by from allowed_changes where work_order_id = ${id} order by 1`.execute(one)
    })
    return rows.map(({ by }) => by)
  }
  assert.deepEqual(await forge(), [`database_role:${role}`])
  await sql`alter table work_orders disable trigger work_orders_filed_by`.execute(db)
  await sql`alter table allowed_changes disable trigger allowed_changes_allowed_by`.execute(db)
  assert.deepEqual(await forge(), ['token:ada', 'token:bob'], 'without the guard it does')
})

test('what was allowed is not changed into something else', async () => {
  const id = await fileOrder()
  await allow(id).execute(db)
  const change = sql`update allowed_changes set subject = 'moose.yaml', kind = 'path' where work_order_id = ${id}`
  await assert.rejects(
    asClerk((one) => change.execute(one)),
    /append-only/,
  )
  await sql`alter table allowed_changes disable trigger allowed_changes_stay`.execute(db)
  await asClerk((one) => change.execute(one))
  assert.deepEqual(await entriesOf(id), ['order.file', 'order.allow'], 'without the guard it is, and leaves no entry')
})

test('a token whose secret is exchanged for another leaves an entry without it', async () => {
  const hash = (byte: number) => Buffer.alloc(32, byte)
  await sql`insert into api_tokens (name, hash, scopes, created_by) values ('night', ${hash(7)}, '{read}', 'x')`.execute(
    db,
  )
  await sql`update api_tokens set hash = ${hash(9)} where name = 'night'`.execute(db)
  const entry = await db.selectFrom('audit_entries').selectAll().orderBy('seq', 'desc').executeTakeFirstOrThrow()
  assert.equal(entry.act, 'token.edit')
  assert.ok(!JSON.stringify(entry.details).includes(hash(9).toString('hex')))
})

test('an act of a role is not taken for one of Moose by a row it writes beside it', async () => {
  await sql`insert into projects (name, repository) values ('sample', '/nowhere')`.execute(db)
  const acts = async () => {
    const [completed, retried] = [await fileOrder(), await fileOrder()]
    await sql`update work_orders set status = 'blocked' where id = ${retried}`.execute(db)
    await asClerk(async (one) => {
      await sql`
        insert into pull_requests
          (project_id, number, work_order_id, attempt, state, branch, base, base_sha, head_sha, url, title, body, diff)
        select id, floor(random() * 1000000), ${completed}, 1, 'merged', 'b', 'main', 'x', 'x', 'x', 'x', 'x', 'x'
        from projects limit 1`.execute(one)
      await sql`update work_orders set status = 'completed' where id = ${completed}`.execute(one)
      await sql`update work_orders set status = 'pending', metadata = '{"released_for": "x"}' where id = ${retried}`.execute(
        one,
      )
    })
    return [...(await entriesOf(completed)), ...(await entriesOf(retried))].filter((act) => act !== 'order.file')
  }
  assert.deepEqual(await acts(), ['order.complete', 'order.retry'])
  await sql`create or replace function moose_is_own_role() returns boolean language sql stable as 'select true'`.execute(
    db,
  )
  assert.deepEqual(await acts(), [], 'without the guard it is')
})
