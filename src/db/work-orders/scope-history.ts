import { type Kysely, sql } from 'kysely'
import { NO_HISTORY, type ScopeHistory } from '../../work-order/risk.ts'
import type { Database } from '../schema.ts'

/** Of a project's orders so many of the latest are looked at, and so many of those with a file in common are counted. */
const LOOKED_AT = 1_000
const COUNTED = 20

/** Folders of a scope that are looked for in others. */
const MOST_FOLDERS = 20
/** Files of a scope, and folders above them. */
const MOST_NAMES = 2_000

/**
 * How the latest orders of a project ended that named one of the same files, or a folder of one: those that failed, if only once,
 * and all.
 */
export async function scopeHistory(
  db: Kysely<Database>,
  { id, projectId, files }: { id: string | null; projectId: string; files: readonly string[] },
): Promise<ScopeHistory> {
  if (files.length === 0) return NO_HISTORY
  const names = [...new Set(files.flatMap((file) => [file, ...foldersOf(file)]))].slice(0, MOST_NAMES)
  const folders = files.filter((file) => file.endsWith('/')).slice(0, MOST_FOLDERS)
  const { rows } = await sql<ScopeHistory>`
    with latest as (
      select id, status, files_in_scope from work_orders
      where project_id = ${projectId} and id is distinct from ${id}::uuid
        and (status in ('completed', 'failed') or phase = 'in_review')
      order by created_at desc limit ${LOOKED_AT}
    ), alike as (
      select id, status from latest where files_in_scope ?| ${names}::text[] or (
        cardinality(${folders}::text[]) > 0 and exists (
          select from jsonb_array_elements_text(case jsonb_typeof(files_in_scope) when 'array' then files_in_scope else '[]' end) as file,
            unnest(${folders}::text[]) as folder
          where starts_with(file, folder)
        )
      ) limit ${COUNTED}
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

/** `src/a/b.ts` is in `src/` and `src/a/`. */
function foldersOf(file: string): string[] {
  return [...file.matchAll(/\//g)].map(({ index }) => file.slice(0, index + 1))
}
