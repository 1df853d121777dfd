import path from 'node:path'
import { unknownProjects } from '../db/projects.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'
import { lastUsed } from '../sandbox/kept-caches.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { UUID } from '../work-order/uuid.ts'
import { folderBytes } from './folder-bytes.ts'
import type { Leftover } from './leftover.ts'
import { putAside } from './put-aside.ts'
import type { RetentionDeps } from './retention-deps.ts'

const DAY_MS = 24 * 60 * 60_000
const PROJECT = new RegExp(`^${UUID}$`)
const KEY = /^[0-9a-f]{64}$/
/** What is being made or removed, for minutes. */
const DRAFT = new RegExp(`^\\.${UUID}$`)

/** What set-ups left that was not wanted for so many days, is of a project that is gone, or was never finished. */
export async function cacheLeftovers(deps: RetentionDeps, keptDays: number): Promise<Leftover[]> {
  const root = path.join(deps.config.home, 'caches')
  const projects = (await namesIn(root)).filter((name) => PROJECT.test(name))
  const unknown = new Set(await unknownProjects(deps.db, projects))
  const leftovers: Leftover[] = []
  for (const projectId of projects) {
    const folder = path.join(root, projectId)
    if (unknown.has(projectId)) {
      const isOld = async () => (await unknownProjects(deps.db, [projectId])).length > 0
      leftovers.push(await leftover(deps, folder, isOld))
      continue
    }
    for (const name of await namesIn(folder)) {
      const place = path.join(folder, name)
      const isOld = async () => {
        const days = KEY.test(name) ? keptDays : 1
        return deps.clock.now().getTime() - (await touchedAt(place, name)) > days * DAY_MS
      }
      if ((KEY.test(name) || DRAFT.test(name)) && (await isOld())) leftovers.push(await leftover(deps, place, isOld))
    }
  }
  return leftovers
}

async function touchedAt(place: string, name: string): Promise<number> {
  if (KEY.test(name)) return await lastUsed(place)
  const found = await lstatOrNull(place)
  return found === null ? 0 : found.mtimeMs
}

async function leftover(
  { config: { home } }: RetentionDeps,
  place: string,
  isOld: () => Promise<boolean>,
): Promise<Leftover> {
  return {
    kind: 'caches',
    name: path.relative(path.join(home, 'caches'), place),
    bytes: await folderBytes(place),
    async remove() {
      if (!(await isOld())) return false
      const aside = await putAside(home, place)
      if (aside === null) return false
      await removeTree(aside)
      return true
    },
  }
}
