import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { takenOver } from '../db/hold-attempt.ts'
import { lostRuns } from '../db/lost-runs.ts'
import type { Database } from '../db/schema.ts'
import { isLeftBehind, type Looker } from '../db/take-over.ts'
import { joinFleet, leaveFleet, rejoinFleet, renewLease } from '../db/workers.ts'
import { toFault } from '../errors.ts'
import type { Log } from '../log.ts'
import { withinTime } from '../within-time.ts'
import type { RunningAttempts } from './running-attempts.ts'

/** So often within a lease: one lost beat is no lost lease. */
const BEATS_PER_LEASE = 3

export type Heartbeat = AsyncDisposable & {
  /** Enters the fleet and begins to beat; again: nothing happens. @throws {Fault} `database_unreachable` */
  start(): Promise<void>
}

export type HeartbeatDeps = {
  db: Kysely<Database>
  runner: Looker
  version: string
  clock: Clock
  log: Log
  running: RunningAttempts
  /** Told when a worker that is gone has left something to take over. */
  onLeftBehind: () => void
  /** Told when the runs of this process were replaced, because it had been out of the fleet. */
  onReplaced: () => Promise<void>
}

/**
 * Says again and again that this process lives, and lets go of what others have taken over. A beat that fails ends
 * nothing: as long as nobody has taken an attempt over it goes on, and every effect asks for itself.
 */
export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const { db, runner, clock, log } = deps
  const { leaseMs } = runner
  const stopped = new AbortController()
  let beating: Promise<void> | null = null

  async function beatOn(): Promise<void> {
    while (!stopped.signal.aborted) {
      await clock.sleep(leaseMs / BEATS_PER_LEASE, stopped.signal).catch(() => undefined)
      if (stopped.signal.aborted) return
      // A connection that was cut off silently holds one beat up, and no other.
      await withinTime(beat(deps), leaseMs / BEATS_PER_LEASE).catch((error: unknown) =>
        log.warn({ reason: toFault(error).message }, 'the lease of this worker could not be renewed; trying again'),
      )
    }
  }

  return {
    async start() {
      if (beating !== null) return
      await joinFleet(db, runner, { ...deps, leaseMs })
      beating = beatOn()
    },
    async [Symbol.asyncDispose]() {
      if (beating === null) return
      stopped.abort()
      await beating
      await leaveFleet(db, runner.executorId).catch((error: unknown) =>
        // Others then wait until the lease is over.
        log.warn({ reason: toFault(error).message }, 'the lease of this worker could not be given up'),
      )
    },
  }
}

async function beat(deps: HeartbeatDeps): Promise<void> {
  const { db, runner, running, onLeftBehind, onReplaced } = deps
  if (!(await renewLease(db, runner.executorId, runner.leaseMs))) {
    await rejoinFleet(db, runner, { ...deps, leaseMs: runner.leaseMs })
    await onReplaced()
  }
  for (const run of await lostRuns(db, running.runs())) running.abort(run, takenOver(run))
  if (await isLeftBehind(db, runner)) onLeftBehind()
}
