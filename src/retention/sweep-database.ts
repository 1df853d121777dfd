import { markLeftBehind } from '../budget/reconcile.ts'
import { endedRuns, RUNS_AT_ONCE } from '../db/engine-workflows.ts'
import { tryOwn } from '../db/lock.ts'
import { forgetAnswers } from '../db/model-calls.ts'
import { readKeptDays } from '../db/system-config.ts'
import { removeOutput } from '../db/work-order-events.ts'
import { removeGoneWorkers } from '../db/workers/workers.ts'
import { deleteRuns } from './engine-runs.ts'
import type { RetentionDeps } from './retention-deps.ts'

/** What was removed of the records of orders that have ended long ago. */
export type SweptRecords = { runs: number; answers: number; outputs: number; workers: number }

/**
 * Removes from the database what is kept for some days only. The orders, their attempts and steps, pull requests, events
 * other than output, outcomes, calls and the ledger stay for ever; calls that nobody can end any more are left to a bill.
 *
 * @returns null: another process is doing it
 * @throws {Fault} `config_invalid` for a row of `system_config` nobody can read, `database_unreachable`
 */
export async function sweepDatabase(
  deps: RetentionDeps & { databaseUrl: string },
  signal: AbortSignal,
): Promise<SweptRecords | null> {
  const { db, log, databaseUrl: url } = deps
  const days = await readKeptDays(db, deps.config.kept)
  const onLost = () => log.debug('the database went away while old records were removed')
  // Named as in earlier versions, so that they are excluded too.
  await using alone = await tryOwn({ url, name: 'hygiene', onLost, log })
  if (alone === null) return null
  const left = await markLeftBehind(db, deps.homeId)
  if (left > 0) log.warn({ reservations: left }, 'calls of a process that is gone may have been charged')
  return {
    runs: await removeEndedRuns(deps, days.runs, signal),
    answers: await forgetAnswers(db, days.answers, signal),
    outputs: await removeOutput(db, days.output, signal),
    workers: await removeGoneWorkers(db, days.runs),
  }
}

async function removeEndedRuns(deps: RetentionDeps, days: number, signal: AbortSignal): Promise<number> {
  let removed = 0
  for (let batch = RUNS_AT_ONCE; batch === RUNS_AT_ONCE && !signal.aborted; ) {
    const ids = await endedRuns(deps.db, days)
    await deleteRuns(deps, ids)
    batch = ids.length
    removed += batch
  }
  return removed
}
