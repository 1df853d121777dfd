import type { Kysely } from 'kysely'
import { projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import type { Log } from '../log.ts'
import type { Workspaces } from '../pipeline/ports/workspace.ts'
import { recordAbandoned } from '../results/record-abandoned.ts'

/** Ends the suspended attempts that nobody will resume; of what they made nothing is left here (seed 7.3). */
export async function endAbandoned(parts: { db: Kysely<Database>; workspaces: Workspaces; log: Log }): Promise<void> {
  const { db, workspaces, log } = parts
  for (const { workOrderId, attempt, projectId } of await recordAbandoned(db)) {
    if (projectId === null) continue
    try {
      await workspaces.rollBack(await projectOf(db, projectId), workOrderId, attempt)
    } catch (error) {
      log.error({ err: error, workOrderId, attempt }, 'what a suspended attempt left cannot be removed')
    }
  }
}
