import { knowsHome } from '../db/attempts/attempt-leftovers.ts'
import { readKeptDays } from '../db/system-config.ts'
import { cacheLeftovers } from './cache-leftovers.ts'
import { containerLeftovers } from './container-leftovers.ts'
import { idleRuns } from './engine-runs.ts'
import { idleWorkspaces } from './idle-workspaces.ts'
import type { Leftover } from './leftover.ts'
import { mirrorLeftovers } from './mirror-leftovers.ts'
import { forgottenAside } from './put-aside.ts'
import type { RetentionDeps } from './retention-deps.ts'
import { otherDatabases } from './served-databases.ts'

/**
 * Leftovers on this home's disk and in the engine. Changes nothing; safe while attempts run, here and elsewhere.
 *
 * If the database has no attempt of this home (as with another DATABASE_URL than usual), or this home also serves other
 * databases, files without a record here are kept: they may belong to another database.
 *
 * @throws {Fault} `config_invalid` for a malformed row of `system_config`
 */
export async function findLeftovers(deps: RetentionDeps): Promise<Leftover[]> {
  const kept = await readKeptDays(deps.db, deps.config.kept)
  const everywhere = [
    ...(await idleRuns(deps)),
    ...(await forgottenAside(deps.config.home)),
    ...(await containerLeftovers(deps.config)),
  ]
  if (!(await knowsHome(deps.db, deps.homeId))) return everywhere
  const inHome = [
    ...(await idleWorkspaces(deps)),
    ...(await mirrorLeftovers(deps, kept.runs)),
    ...(await cacheLeftovers(deps, kept.mirrors)),
  ]
  // Asked last: another database is noted before anything of its orders lies here to be found.
  const isShared = (await otherDatabases(deps, kept.mirrors)).length > 0
  return isShared ? everywhere : [...everywhere, ...inHome]
}
