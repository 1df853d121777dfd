import path from 'node:path'
import { attemptsAtRest, whileAtRest } from '../db/attempt-leftovers.ts'
import type { AttemptKey } from '../db/attempts.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { folderBytes, namesIn } from './folder-bytes.ts'
import type { HygieneDeps } from './hygiene-deps.ts'
import type { Leftover } from './leftover.ts'
import { putAside } from './put-aside.ts'

type Folder = AttemptKey & { place: string }

const NAME = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d{1,9})$/

/** Workspaces whose attempt does not run; what is named otherwise is not Moose's and stays. */
export async function idleWorkspaces({ db, config: { home } }: HygieneDeps): Promise<Leftover[]> {
  const root = path.join(home, 'workspaces')
  const folders = (await namesIn(root)).flatMap((name): Folder[] => {
    const [, workOrderId, attempt] = NAME.exec(name) ?? []
    if (workOrderId === undefined) return []
    return [{ workOrderId, attempt: Number(attempt), place: path.join(root, name) }]
  })
  const idle = (await attemptsAtRest(db, folders)).map(
    async (folder): Promise<Leftover> => ({
      kind: 'workspaces',
      name: path.basename(folder.place),
      bytes: await folderBytes(folder.place),
      async remove() {
        let aside: string | null = null
        // A suspended attempt may go on at this moment, in the same folder.
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
