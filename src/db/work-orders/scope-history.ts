import { type Kysely, sql } from 'kysely'
import { NO_HISTORY, type ScopeHistory } from '../../work-order/risk.ts'
import type { Database } from '../schema.ts'

/** Of a project's orders so many of the latest are looked at, and so many of those with a file in common are counted. */
const LOOKED_AT = 1_000
const COUNTED = 20

/** How the latest orders of a project ended that named one of the same files: those that failed, if only once, and all. */
export async function scopeHistory(
  db: Kysely<Database>,
  { id, projectId, files }: { id: string | null; projectId: string; files: readonly string[] },
): Promise<ScopeHistory> {
  if (files.length === 0) return NO_HISTORY
  const { rows } = await sql<ScopeHistory>`
    with latest as (
      select id, status, files_in_scope from work_orders
      where project_id = ${projectId} and id is distinct from ${id}::uuid
        and (status in ('completed', 'failed') or phase = 'in_review')
      order by created_at desc limit ${LOOKED_AT}
    ), alike as (
      select id, status from latest where files_in_scope ?| ${files}::text[] limit ${COUNTED}
    )
    select count(*)::integer as orders, (count(*) filter (
      where status = 'failed' or exists (
        select from attempts where attempts.work_order_id = alike.id and attempts.status = 'failed'
      )
    ))::integer as failed from alike
  `.execute(db)
  const [history] = rows
  return history === undefined ? NO_HISTORY : history
}
