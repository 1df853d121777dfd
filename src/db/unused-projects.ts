import { type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

/** Those of some ids that no project has. */
export async function unknownProjects(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const known = await db.selectFrom('projects').select('id').where('id', 'in', ids).execute()
  const there = new Set(known.map(({ id }) => id))
  return ids.filter((id) => !there.has(id))
}

/**
 * Does something while no attempt can begin in a project, if nothing of it is unfinished and nothing was begun or ended
 * for so many days.
 *
 * @returns whether it was done
 */
export async function whileUnused(
  db: Db,
  { projectId, days }: { projectId: string; days: number },
  act: () => Promise<void>,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    // A new attempt refers to the project and so has to wait for this lock.
    const { rows } = await sql<{ id: string }>`
      select id from projects where id = ${projectId} and created_at < ${longAgo(days)} for update
    `.execute(transaction)
    if (rows.length === 0 || (await isUsed(transaction, projectId, days))) return false
    await act()
    return true
  })
}

const longAgo = (days: number) => sql`moose_now() - make_interval(days => ${days})`

async function isUsed(db: Db, projectId: string, days: number): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`
    select exists (
      select from work_orders
      where (project_id = ${projectId} or project_id is null) and status in ('pending', 'in_progress', 'blocked')
    ) or exists (
      select from attempts where project_id = ${projectId}
        and (status = 'running' or coalesce(ended_at, claimed_at) >= ${longAgo(days)})
    ) as used
  `.execute(db)
  return rows[0]?.used !== false
}
