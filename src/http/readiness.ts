import { withinTime } from '../async/deadline.ts'
import { reasonOf } from '../db/database-fault.ts'
import { ping } from '../db/pool.ts'
import { Fault } from '../faults/fault.ts'
import type { HttpDeps } from './http-deps.ts'

/** A probe usually takes silence for a no after a few seconds. */
const DATABASE_WITHIN_MS = 1_000

/** Null: orders can be carried out here now; otherwise why not. */
export type WhyNotReady = () => Promise<Fault | null>

type Sources = Pick<HttpDeps, 'pool' | 'isHomeOwned' | 'orchestrator'>

/**
 * Whether orders can be carried out here now; answers within about a second, also while the database hangs.
 *
 * @returns null: it is ready; otherwise the fault `database_unreachable`, `home_owned` or `not_running`, with every
 *   reason in its message and each condition in its details
 */
export function createReadiness({ pool, isHomeOwned, orchestrator }: Sources): WhyNotReady {
  let asking: Promise<string | null> | null = null
  return async () => {
    // One question at a time: while the database hangs, no further one is put behind it.
    asking ??= whyNoAnswer(pool).finally(() => {
      asking = null
    })
    const database = await withinTime(asking, DATABASE_WITHIN_MS).catch(reasonOf)
    const owned = isHomeOwned()
    const stopping = orchestrator.stopping.aborted
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

async function whyNoAnswer(pool: Sources['pool']): Promise<string | null> {
  try {
    await ping(pool, DATABASE_WITHIN_MS)
    return null
  } catch (error) {
    return reasonOf(error)
  }
}
