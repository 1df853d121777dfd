import { type Kysely, sql } from 'kysely'
import { z } from 'zod'
import { BaseCheck } from '../contract/base-checks.ts'
import { Fault, type FaultRecord } from '../faults/fault.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

/** Everything that decides what checks do on a commit. */
export type BaseKey = { projectId: string; tree: string; configuration: string }

export type BaseRow = {
  checks: readonly BaseCheck[]
  /** Why an order would be blocked; null: every check can be run. */
  fault: Fault | null
  checkedAt: Date
}

/** Rows kept of one project: its latest base commits. */
const KEPT_ROWS = 50

const Checks = z.array(BaseCheck)

/** What is known of a base commit; null: nothing, or a later version wrote it. */
export async function readBaseChecks(db: Db, key: BaseKey): Promise<BaseRow | null> {
  const row = await db
    .selectFrom('base_checks')
    .select(['checks', 'fault', 'checked_at'])
    .where('project_id', '=', key.projectId)
    .where('tree', '=', key.tree)
    .where('configuration', '=', key.configuration)
    .executeTakeFirst()
  return row === undefined ? null : toRow(row)
}

/** What was found last of a project's base commits; null: nothing. */
export async function latestBaseChecks(db: Db, projectId: string): Promise<BaseRow | null> {
  const row = await db
    .selectFrom('base_checks')
    .select(['checks', 'fault', 'checked_at'])
    .where('project_id', '=', projectId)
    .orderBy('checked_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : toRow(row)
}

function toRow(row: { checks: unknown; fault: FaultRecord | null; checked_at: Date }): BaseRow | null {
  const checks = Checks.safeParse(row.checks)
  if (!checks.success) return null
  const fault = row.fault === null ? null : Fault.fromRecord(row.fault)
  return { checks: checks.data, fault, checkedAt: row.checked_at }
}

/** Keeps what was found; a repetition replaces it. What is known of other commits long ago goes. */
export async function keepBaseChecks(
  db: Db,
  { projectId, tree, configuration }: BaseKey,
  found: { checks: readonly BaseCheck[]; fault: FaultRecord | null },
): Promise<void> {
  const values = {
    checks: JSON.stringify(found.checks),
    fault: found.fault === null ? null : JSON.stringify(found.fault),
    checked_at: sql<Date>`clock_timestamp()`,
  }
  await db
    .insertInto('base_checks')
    .values({ project_id: projectId, tree, configuration, ...values })
    .onConflict((conflict) => conflict.columns(['project_id', 'tree', 'configuration']).doUpdateSet(values))
    .execute()
  await sql`
    delete from base_checks where project_id = ${projectId} and checked_at < (
      select checked_at from base_checks where project_id = ${projectId}
      order by checked_at desc offset ${KEPT_ROWS} limit 1)
  `.execute(db)
}

/** Forgets what is known of a project's base commits. */
export async function forgetBaseChecks(db: Db, projectId: string): Promise<void> {
  await db.deleteFrom('base_checks').where('project_id', '=', projectId).execute()
}
