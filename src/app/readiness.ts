import type { Pool } from 'pg'
import { withinTime } from '../async/deadline.ts'
import { reasonOf } from '../db/database-fault.ts'
import { ping } from '../db/pool.ts'
import { Fault } from '../faults/fault.ts'

/** Whoever asks is usually a program that takes silence for a no after a few seconds. */
const DATABASE_WITHIN_MS = 1_000

export type ReadinessSources = {
  pool: Pick<Pool, 'query'>
  /** Whether this process may run the attempts of its home. */
  isHomeOwned: () => boolean
  isStopping: () => boolean
}

/**
 * Whether orders can be carried out here now; answers within about a second, also while the database hangs.
 *
 * @returns null: it is ready; otherwise the fault `database_unreachable`, `home_owned` or `not_running`, with every
 *   reason in its message and each condition in its details
 */
export function createReadiness(sources: ReadinessSources): () => Promise<Fault | null> {
  let asking: Promise<string | null> | null = null
  return async () => {
    // One question at a time: while the database hangs, no further one is put behind it.
    asking ??= whyNoAnswer(sources.pool).finally(() => {
      asking = null
    })
    const database = await withinTime(asking, DATABASE_WITHIN_MS).catch(reasonOf)
    const owned = sources.isHomeOwned()
    const stopping = sources.isStopping()
    const reasons = [
      ...(database === null ? [] : [`the database does not answer (${database})`]),
      ...(owned ? [] : ['this process does not own its home']),
      ...(stopping ? ['the service is stopping'] : []),
    ]
    if (reasons.length === 0) return null
    const code = database !== null ? 'database_unreachable' : owned ? 'not_running' : 'home_owned'
    const details = { database_answers: database === null, home_owned: owned, stopping }
    return new Fault(code, `Not ready: ${reasons.join('; ')}. Ask again later; moose status says more.`, details)
  }
}

async function whyNoAnswer(pool: ReadinessSources['pool']): Promise<string | null> {
  try {
    await ping(pool, DATABASE_WITHIN_MS)
    return null
  } catch (error) {
    return reasonOf(error)
  }
}
