import { unfinishedBases } from '../db/attempts/attempt-leftovers.ts'
import { whileUnused } from '../db/projects.ts'
import type { Mirror } from '../git/mirror.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { folderBytes } from './folder-bytes.ts'
import { type FoundMirror, mirrorsIn } from './mirror-leftovers.ts'
import { putAside } from './put-aside.ts'
import type { RetentionDeps } from './retention-deps.ts'

/** From here on git gets slower with every fetch. */
const MANY_LOOSE_OBJECTS = 2_000
const MANY_PACKS = 20
const TIMEOUT_MS = 30 * 60_000
/** Longer than any attempt is worked on: what it has made and no ref names yet is younger. */
const UNREACHABLE_KEPT = '14.days.ago'

/** What the upkeep of the mirrors has done. */
export type Upkeep = {
  /** Projects whose mirror has not been used for long; the next order fetches it anew. */
  removed: number
  packed: number
  freedBytes: number
}

/**
 * Keeps the mirrors of this home small. Only for the process that owns the home: no other one may use a mirror that is
 * removed.
 *
 * @param keptDays how long an unused mirror is kept
 */
export async function keepMirrorsSmall(deps: RetentionDeps, keptDays: number, signal: AbortSignal): Promise<Upkeep> {
  const upkeep = { removed: 0, packed: 0, freedBytes: 0 }
  for (const found of await mirrorsIn(deps.config.home)) {
    if (signal.aborted) break
    const before = await folderBytes(found.dir)
    if (await removeUnused(deps, found, keptDays)) upkeep.removed += 1
    else if (await pack(deps, found.mirrorId, signal)) upkeep.packed += 1
    else continue
    upkeep.freedBytes += before - (await folderBytes(found.dir))
  }
  return upkeep
}

async function removeUnused(
  { db, mirrors, config: { home } }: RetentionDeps,
  { mirrorId, dir }: FoundMirror,
  days: number,
): Promise<boolean> {
  let aside: string | null = null
  await whileUnused(db, { mirrorId, days }, async () => {
    aside = await putAside(home, dir)
    mirrors.forget(mirrorId)
  })
  if (aside !== null) await removeTree(aside)
  return aside !== null
}

/**
 * With `--cruft` what no ref names goes into a pack too; otherwise it would be as many loose objects the next day.
 *
 * @see https://git-scm.com/docs/git-gc
 */
async function pack(deps: RetentionDeps, mirrorId: string, signal: AbortSignal): Promise<boolean> {
  const mirror = deps.mirrors.at(mirrorId)
  const counted = await mirror.run(['count-objects', '--verbose'], { signal })
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counted.stdout.text())?.[1])
  const isDue = count('count') > MANY_LOOSE_OBJECTS || count('packs') > MANY_PACKS
  if (!isDue || (await someBaseIsUnreachable(deps, mirrorId, mirror))) return false
  // No order fails by this: the next look finds the mirror as large as it was.
  const args = ['gc', '--quiet', '--cruft', `--prune=${UNREACHABLE_KEPT}`]
  const result = await mirror.run(args, { signal, timeoutMs: TIMEOUT_MS })
  if (result.exitCode === 0) return true
  deps.log.warn({ mirrorId, said: result.stderr.text().slice(0, 500) }, 'a mirror could not be packed')
  return false
}

/**
 * Whether an unfinished attempt began at a commit that no branch leads to any more, because the branch was rewritten. The
 * mirror is then left as it is until that attempt has ended.
 */
async function someBaseIsUnreachable({ db }: RetentionDeps, mirrorId: string, mirror: Mirror): Promise<boolean> {
  for (const sha of await unfinishedBases(db, mirrorId)) {
    const args = ['for-each-ref', '--count=1', `--contains=${sha}`]
    const { exitCode, stdout } = await mirror.run(args, { signal: null })
    // A commit this mirror does not hold is not lost here.
    if (exitCode === 0 && stdout.text().trim() === '') return true
  }
  return false
}
