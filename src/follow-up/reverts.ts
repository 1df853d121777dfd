import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { projectOf } from '../db/projects.ts'
import { changesToLookAt, projectsToLookAt, recordReverts } from '../db/reverts.ts'
import type { Database } from '../db/schema.ts'
import type { FollowUpForge } from '../ports/pull-request-facts.ts'
import type { Project } from '../work-order/project.ts'

export type RevertsDeps = {
  db: Kysely<Database>
  forges: Readonly<Record<Project['forge'], Pick<FollowUpForge, 'revertsOf'>>>
  clock: Clock
  onError: (error: unknown) => void
}

/** Looks on the base of each project for commits that revert what Moose had merged there. */
export type Reverts = {
  /** Looks where it was not looked for a while; costs one fetch of the base by git for each project, and no request to the forge's API. */
  look(signal: AbortSignal): Promise<void>
}

/** A revert is no news of the minute, and is found later as well. */
const LOOK_EVERY_MS = 3_600_000

export function createReverts({ db, forges, clock, onError }: RevertsDeps): Reverts {
  /** When a look of a project has failed, by its id. */
  const failed = new Map<string, number>()

  async function lookAt(projectId: string, signal: AbortSignal): Promise<void> {
    const project = await projectOf(db, projectId)
    // Those that were looked at together were so at one commit of the base: a look reads its commits since then.
    for (const [since, changes] of Map.groupBy(await changesToLookAt(db, projectId), ({ since: before }) => before)) {
      const found = await forges[project.forge].revertsOf(project, changes, since, signal)
      await recordReverts(db, changes, { ...found, base: project.defaultBranch })
    }
  }

  return {
    async look(signal) {
      const now = clock.now().getTime()
      const due = await projectsToLookAt(db, LOOK_EVERY_MS).catch((error: unknown) => {
        onError(error)
        return []
      })
      for (const id of due) {
        if (signal.aborted) return
        const failedAt = failed.get(id)
        if (failedAt !== undefined && now - failedAt < LOOK_EVERY_MS) continue
        failed.delete(id)
        await lookAt(id, signal).catch((error: unknown) => {
          failed.set(id, now)
          if (!signal.aborted) onError(error)
        })
      }
    },
  }
}
