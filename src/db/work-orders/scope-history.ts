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

/** A scope, with the order that has it; null: it is not filed yet. */
export type ScopeOf = { id: string | null; projectId: string; files: readonly string[] }

/**
 * How the latest orders of a project ended that named one of the same files, or a folder of one: those that failed, if only once,
 * and all.
 */
export async function scopeHistory(db: Kysely<Database>, scope: ScopeOf): Promise<ScopeHistory> {
  const [history] = await scopeHistories(db, [scope])
  return history === undefined ? NO_HISTORY : history
}

/** The same of several, in their order, in one query. */
export async function scopeHistories(db: Kysely<Database>, scopes: readonly ScopeOf[]): Promise<ScopeHistory[]> {
  const given = scopes.map(({ id, projectId, files }, place) => ({
    place,
    id,
    project_id: projectId,
    names: [...new Set(files.flatMap((file) => [file, ...foldersOf(file)]))].slice(0, MOST_NAMES),
    folders: files.filter((file) => file.endsWith('/')).slice(0, MOST_FOLDERS),
  }))
  const asked = given.filter(({ names }) => names.length > 0)
  if (asked.length === 0) return scopes.map(() => NO_HISTORY)
  const { rows } = await sql<ScopeHistory & { place: number }>`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb)
        as one (place integer, id uuid, project_id uuid, names text[], folders text[])
    ), latest as materialized (
      select own.project_id, wo.id, wo.status, wo.files_in_scope
      from (select distinct project_id from given) as own cross join lateral (
        select id, status, files_in_scope from work_orders
        where work_orders.project_id = own.project_id and (status in ('completed', 'failed') or phase = 'in_review')
        order by created_at desc limit ${LOOKED_AT}
      ) as wo
    )
    select given.place, alike.orders, alike.failed from given cross join lateral (
      select count(*)::integer as orders, (count(*) filter (
        where status = 'failed' or exists (
          select from attempts where attempts.work_order_id = one.id and attempts.status = 'failed'
        )
      ))::integer as failed
      from (
        select latest.id, latest.status from latest
        where latest.project_id = given.project_id and latest.id is distinct from given.id and (
          files_in_scope ?| given.names or (
            cardinality(given.folders) > 0 and exists (
              select from jsonb_array_elements_text(case jsonb_typeof(files_in_scope) when 'array' then files_in_scope else '[]' end) as file,
                unnest(given.folders) as folder
              where starts_with(file, folder)
            )
          )
        ) limit ${COUNTED}
      ) as one
    ) as alike
  `.execute(db)
  const found = new Map(rows.map(({ place, ...history }) => [place, history]))
  return scopes.map((_, place) => found.get(place) ?? NO_HISTORY)
}

/** `src/a/b.ts` is in `src/` and `src/a/`. */
function foldersOf(file: string): string[] {
  return [...file.matchAll(/\//g)].map(({ index }) => file.slice(0, index + 1))
}
