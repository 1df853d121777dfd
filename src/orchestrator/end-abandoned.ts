import type { Kysely } from 'kysely'
import { projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import type { Log } from '../log.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { recordAbandoned } from './record-abandoned.ts'

/**
 * Ends the suspended attempts that nobody will resume; of what those of this home made nothing is left (seed 7.3). What
 * lies in another home is that one's: here is no mirror of it to take anything from.
 */
export async function endAbandoned(parts: {
  db: Kysely<Database>
  workspaces: Pick<Workspaces, 'rollBack'>
  /** This home. */
  homeId: string
  log: Log
}): Promise<void> {
  const { db, workspaces, log } = parts
  for (const { workOrderId, attempt, projectId, homeId } of await recordAbandoned(db)) {
    if (projectId === null || homeId !== parts.homeId) continue
    try {
      await workspaces.rollBack(await projectOf(db, projectId), workOrderId, attempt)
    } catch (error) {
      log.error({ err: error, workOrderId, attempt }, 'what a suspended attempt left cannot be removed')
    }
  }
}
