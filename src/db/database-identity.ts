import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

/**
 * What tells this database from every other, a restored copy of it included: `{server}-{database}`, both numbers. The
 * server is 0 where this user may not ask for it.
 *
 * @see https://www.postgresql.org/docs/current/functions-info.html (pg_control_system)
 */
export async function databaseIdentity(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ id: string; may: boolean }>`
    select oid::text as id, has_function_privilege('pg_control_system()', 'execute') as may
    from pg_database where datname = current_database()
  `.execute(db)
  const server = rows[0]?.may === true ? await serverIdentity(db) : '0'
  return `${server}-${rows[0]?.id}`
}

async function serverIdentity(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ id: string }>`select system_identifier::text as id from pg_control_system()`.execute(db)
  return String(rows[0]?.id)
}

const TABLES: readonly (keyof Database)[] = [
  'projects',
  'work_orders',
  'attempts',
  'work_order_events',
  'pull_requests',
  'github_events',
  'outcome_vectors',
  'system_config',
  'proposer_configs',
  'model_calls',
  'budget_entries',
  'workers',
  'audit_entries',
]

/** The tables without which no order can be carried out, and which are not there. */
export async function missingTables(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from unnest(${[...TABLES]}::text[]) as name where to_regclass(name) is null
  `.execute(db)
  return rows.map(({ name }) => name)
}
