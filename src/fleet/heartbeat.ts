import type { Kysely } from 'kysely'
import { withinTime } from '../async/deadline.ts'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import type { Clock } from '../clock.ts'
import { lostRuns, takenOver } from '../db/attempts/hold-attempt.ts'
import { isLeftBehind, type Looker } from '../db/attempts/take-over.ts'
import type { Database } from '../db/schema.ts'
import { keepLease, type Lease } from '../db/workers/keep-lease.ts'
import { joinFleet, leaveFleet, rejoinFleet } from '../db/workers/workers.ts'
import { toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'

/** Beats within a lease, so that one lost beat does not lose the lease. */
const BEATS_PER_LEASE = 3
/**
 * A main thread that has been silent for so long is hung, and its attempts are for others: what has kept it busy so far
 * (a parser that is given too much) was over in less than a minute, and a process that is gone for good is replaced in time.
 */
const LONGEST_SILENCE_MS = 5 * 60_000

export type Heartbeat = AsyncDisposable & {
  /** Joins the fleet and renews its lease from now on; a second call does nothing. @throws {Fault} `database_unreachable` */
  start(): Promise<void>
}

export type HeartbeatDeps = {
  db: Kysely<Database>
  /** Of the database, with what is needed to connect. */
  databaseUrl: string
  runner: Looker
  version: string
  clock: Clock
  log: Log
  running: RunningAttempts
  /** Called when a dead worker has left an attempt to take over. */
  onLeftBehind: () => void
  /** Called when this process rejoined the fleet and its runs were replaced. */
  onReplaced: () => Promise<void>
}

/**
 * Renews the lease in a thread of its own and aborts runs that other processes took over. A beat that fails ends nothing:
 * attempts that were not taken over continue, and each effect checks for itself.
 */
export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const { db, databaseUrl, runner, clock, log } = deps
  const { homeId, leaseMs } = runner
  const beatMs = leaseMs / BEATS_PER_LEASE
  const stopped = new AbortController()
  const standing = { isReplaced: false }
  let beating: Promise<void> | null = null

  async function beatOn(lease: Lease): Promise<void> {
    await using _ = lease
    lease.signOfLife()
    for (;;) {
      await clock.sleep(beatMs, stopped.signal).catch(() => undefined)
      if (stopped.signal.aborted) return
      lease.signOfLife()
      // A connection that was cut off silently holds one beat up, and no other.
      await withinTime(beat(deps, standing), beatMs).catch((error: unknown) =>
        log.warn({ reason: toFault(error).message }, 'it cannot be seen what others have taken over; trying again'),
      )
    }
  }

  async function open(): Promise<Lease> {
    const longestSilenceMs = beatMs + LONGEST_SILENCE_MS
    const onReplaced = () => {
      standing.isReplaced = true
    }
    return keepLease({ url: databaseUrl, homeId, leaseMs, beatMs, longestSilenceMs, clock, log, onReplaced })
  }

  return {
    async start() {
      if (beating !== null) return
      const lease = await open()
      try {
        await joinFleet(db, runner, { ...deps, leaseMs })
      } catch (error) {
        await lease[Symbol.asyncDispose]()
        throw error
      }
      beating = beatOn(lease)
    },
    async [Symbol.asyncDispose]() {
      if (beating === null) return
      stopped.abort()
      await beating
      await leaveFleet(db, homeId).catch((error: unknown) =>
        // Others then wait until the lease is over.
        log.warn({ reason: toFault(error).message }, 'the lease of this worker could not be given up'),
      )
    },
  }
}

/** @param standing what the last renewal found */
async function beat(deps: HeartbeatDeps, standing: { isReplaced: boolean }): Promise<void> {
  const { db, runner, running, onLeftBehind, onReplaced } = deps
  if (standing.isReplaced) {
    await rejoinFleet(db, runner, { ...deps, leaseMs: runner.leaseMs })
    standing.isReplaced = false
    await onReplaced()
  }
  for (const run of await lostRuns(db, running.runs())) running.abort(run, takenOver(run))
  if (await isLeftBehind(db, runner)) onLeftBehind()
}
