import { withinTime } from '../async/deadline.ts'
import { reasonOf } from '../db/database-fault.ts'
import { missingTables } from '../db/database-identity.ts'
import { ping } from '../db/pool.ts'
import { Fault } from '../faults/fault.ts'
import { malformedRows } from '../orchestrator/malformed-rows.ts'
import type { HttpDeps } from './http-deps.ts'

/** A probe usually takes silence for a no after a few seconds. */
const DATABASE_WITHIN_MS = 1_000

/** Null: orders can be carried out here now; otherwise why not. */
export type WhyNotReady = () => Promise<Fault | null>

type Sources = Pick<HttpDeps, 'db' | 'config' | 'pool' | 'isHomeOwned' | 'orchestrator'>

/** What the database says of itself; `config_invalid` and `database_refused` say that it answers and cannot be worked with. */
type DatabaseFault = { code: 'database_unreachable' | 'database_refused' | 'config_invalid'; reason: string } | null

/**
 * Whether orders can be carried out here now; answers within about a second, also while the database hangs.
 *
 * @returns null: it is ready; otherwise the fault `database_unreachable`, `database_refused` (tables are missing),
 *   `config_invalid` (a row of `system_config` is malformed), `home_owned` or `not_running`, with every reason in its message
 *   and each condition in its details
 */
export function createReadiness(sources: Sources): WhyNotReady {
  const { isHomeOwned, orchestrator } = sources
  let asking: Promise<DatabaseFault> | null = null
  return async () => {
    // One question at a time: while the database hangs, no further one is put behind it.
    asking ??= faultOfDatabase(sources).finally(() => {
      asking = null
    })
    const database = await withinTime(asking, DATABASE_WITHIN_MS).catch(noAnswer)
    const owned = isHomeOwned()
    const stopping = orchestrator.stopping.aborted
    const reasons = [
      ...(database === null ? [] : [database.reason]),
      ...(owned ? [] : ['this process does not own its home']),
      ...(stopping ? ['the service is stopping'] : []),
    ]
    if (reasons.length === 0) return null
    const code = database !== null ? database.code : owned ? 'not_running' : 'home_owned'
    const details = { database_answers: database?.code !== 'database_unreachable', home_owned: owned, stopping }
    return new Fault(code, `Not ready: ${reasons.join('; ')}. Ask again later; moose status says more.`, details)
  }
}

async function faultOfDatabase({ db, config, pool }: Sources): Promise<DatabaseFault> {
  try {
    await ping(pool, DATABASE_WITHIN_MS)
    const missing = await missingTables(db)
    if (missing.length > 0) {
      const reason = `the tables ${missing.join(', ')} are missing: restore the database from a backup`
      return { code: 'database_refused', reason }
    }
    const malformed = await malformedRows(db, config)
    const reason = malformed.map(({ message }) => message.replace(/\.$/, '')).join('; ')
    return malformed.length === 0 ? null : { code: 'config_invalid', reason }
  } catch (error) {
    return noAnswer(error)
  }
}

function noAnswer(error: unknown): NonNullable<DatabaseFault> {
  return { code: 'database_unreachable', reason: `the database does not answer (${reasonOf(error)})` }
}
