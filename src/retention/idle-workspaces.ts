import path from 'node:path'
import { attemptsAtRest, attemptsNotRunningIn, whileAtRest } from '../db/attempts/attempt-leftovers.ts'
import type { AttemptKey } from '../db/attempts/attempts.ts'
import { namesIn } from '../files/names-in.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { UUID } from '../work-order/uuid.ts'
import { folderBytes } from './folder-bytes.ts'
import type { Leftover } from './leftover.ts'
import { putAside } from './put-aside.ts'
import type { RetentionDeps } from './retention-deps.ts'

type Folder = AttemptKey & { place: string }

/** Of a project, used by one attempt after the other. */
const NUMBERED = new RegExp(`^${UUID}\\.\\d{1,4}$`)
const NAME = new RegExp(`^(${UUID})-(\\d{1,9})$`)

/** Workspaces whose attempt does not run; what is named otherwise is not Moose's and stays. */
export async function idleWorkspaces({ db, config: { home } }: RetentionDeps): Promise<Leftover[]> {
  const idle = (await attemptsAtRest(db, await workspacesOf(home))).map(
    async (folder): Promise<Leftover> => ({
      kind: 'workspaces',
      name: path.basename(folder.place),
      bytes: await folderBytes(folder.place),
      async remove() {
        let aside: string | null = null
        // A suspended attempt may be resumed at this moment, in the same folder.
        await whileAtRest(db, folder, async () => {
          aside = await putAside(home, folder.place)
        })
        if (aside === null) return false
        await removeTree(aside)
        return true
      },
    }),
  )
  return Promise.all(idle)
}

/**
 * Removes the workspaces of attempts that have ended, or run in another home: a process that was killed, or lost them to
 * another, could not. For a process that has just taken its home and runs nothing yet. What there is no record of stays:
 * another database may know it. A project's numbered folders are of no attempt that is resumed in them, and go.
 */
export async function removeLostWorkspaces({
  db,
  config,
  homeId,
}: Pick<RetentionDeps, 'db' | 'config' | 'homeId'>): Promise<void> {
  const folders = await workspacesOf(config.home)
  const root = path.join(config.home, 'workspaces')
  for (const name of await namesIn(root)) if (NUMBERED.test(name)) await removeTree(path.join(root, name))
  for (const { place } of await attemptsNotRunningIn(db, homeId, folders)) await removeTree(place)
}

async function workspacesOf(home: string): Promise<Folder[]> {
  const root = path.join(home, 'workspaces')
  return (await namesIn(root)).flatMap((name) => {
    const [, workOrderId, attempt] = NAME.exec(name) ?? []
    return workOrderId === undefined ? [] : [{ workOrderId, attempt: Number(attempt), place: path.join(root, name) }]
  })
}
