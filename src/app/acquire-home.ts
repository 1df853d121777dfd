import type { Kysely } from 'kysely'
import { markLeftBehind } from '../budget/reconcile.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/schema.ts'
import { toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import { endLeftBehind } from '../process/left-behind.ts'
import { removeLostWorkspaces } from '../retention/idle-workspaces.ts'
import { noteDatabase } from '../retention/served-databases.ts'
import type { HomeOwnership } from './home-ownership.ts'

export type HomeUse = { db: Kysely<Database>; databaseUrl: string; config: Config; homeId: string; log: Log }

/**
 * Takes the home for this process and puts away what an earlier one was killed over: children that still run,
 * workspaces of attempts that do not run here any more, calls of which nobody will hear.
 *
 * @throws {Fault} `home_owned`, `database_unreachable`
 */
export async function acquireHome(
  ownership: HomeOwnership,
  { db, databaseUrl, config, homeId, log }: HomeUse,
): Promise<void> {
  await ownership.take()
  await noteDatabase(db, { home: config.home, url: databaseUrl })
  await endLeftBehind(config.home, log)
  await removeLostWorkspaces({ db, config, homeId }).catch((error: unknown) =>
    log.warn({ reason: toFault(error).message }, 'workspaces of attempts that do not run here cannot be removed'),
  )
  const left = await markLeftBehind(db, homeId)
  if (left > 0) log.warn({ reservations: left }, 'calls of a process that is gone may have been charged')
}
