import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { markLeftBehind } from '../budget/reconcile.ts'
import type { KeptDays } from '../config.ts'
import { endedRuns, RUNS_AT_ONCE } from '../db/engine-workflows.ts'
import { tryOwn } from '../db/lock.ts'
import { forgetAnswers } from '../db/model-calls.ts'
import { readKeptDays } from '../db/system-config.ts'
import { removeOutput } from '../db/work-order-events.ts'
import { removeGoneWorkers } from '../db/workers/workers.ts'
import { toFault } from '../faults/fault.ts'
import { openPlainFile } from '../files/plain-file.ts'
import { deleteRuns } from './engine-runs.ts'
import { findLeftovers } from './find-leftovers.ts'
import { removeLeftovers } from './leftover.ts'
import { keepMirrorsSmall, type Upkeep } from './mirror-upkeep.ts'
import type { RetentionDeps } from './retention-deps.ts'
import { noteDatabase, otherDatabases } from './served-databases.ts'

export type SweepDeps = RetentionDeps & {
  databaseUrl: string
  /** Of the embedded Postgres; null: the server is not Moose's, and neither is its log. */
  dataDirectory: string | null
}

/** What one sweep has done. */
export type SweepResult = {
  leftovers: number
  mirrors: Upkeep
  /** Null: another process is doing it. */
  records: RemovedRecords | null
}

const NO_UPKEEP: Upkeep = { removed: 0, packed: 0, freedBytes: 0 }
/** After a start, what is claimed comes first. */
const FIRST_SWEEP_MS = 60_000
const SWEEP_EVERY_MS = 24 * 60 * 60_000

/** Removes once what need not be kept. For the process that owns the home. */
export async function sweep(deps: SweepDeps, signal: AbortSignal): Promise<SweepResult> {
  const days = await readKeptDays(deps.db, deps.config.kept)
  await noteDatabase(deps.db, { home: deps.config.home, url: deps.databaseUrl })
  const records = await sweepDatabase(deps, days, signal)
  const { removed, failed } = await removeLeftovers(await findLeftovers(deps), signal)
  for (const { leftover, fault } of failed)
    deps.log.warn({ leftover: leftover.name, reason: fault.message }, 'left over')
  const [other] = await otherDatabases(deps, days.mirrors)
  if (other !== undefined) deps.log.warn(other, 'the home serves another database too: nothing old is removed from it')
  const mirrors = other === undefined ? await keepMirrorsSmall(deps, days.mirrors, signal) : NO_UPKEEP
  if (deps.dataDirectory !== null) await shortenPostgresLog(deps.dataDirectory)
  return { leftovers: removed.length, mirrors, records }
}

export type SweepSchedule = AsyncDisposable & {
  /** Another process owns the home now: nothing more is removed. */
  stop(): void
}

/** Sweeps a minute from now and then once a day, until disposed. A sweep that fails is logged. */
export function startSweeping(deps: SweepDeps): SweepSchedule {
  const stopped = new AbortController()
  const { signal } = stopped
  const sweeping = (async () => {
    for (let waitMs = FIRST_SWEEP_MS; await hasSlept(deps, waitMs, signal); waitMs = SWEEP_EVERY_MS) {
      try {
        deps.log.info(await sweep(deps, signal), 'what need not be kept was removed')
      } catch (error) {
        if (!signal.aborted) deps.log.warn({ reason: toFault(error).message }, 'old things could not be removed')
      }
    }
  })()
  const stop = () => stopped.abort()
  return {
    stop,
    async [Symbol.asyncDispose]() {
      stop()
      await sweeping
    },
  }
}

/** @returns false when it was stopped */
async function hasSlept({ clock }: SweepDeps, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

/** What was removed of the records of orders that have ended long ago. */
type RemovedRecords = { runs: number; answers: number; outputs: number; workers: number }

/**
 * Removes from the database what is kept for some days only. The orders, their attempts and steps, pull requests, events
 * other than output, outcomes, calls and the ledger stay for ever; calls that no process can end are left to a bill.
 *
 * @returns null: another process is doing it
 * @throws {Fault} `database_unreachable`
 */
async function sweepDatabase(
  deps: RetentionDeps & { databaseUrl: string },
  days: KeptDays,
  signal: AbortSignal,
): Promise<RemovedRecords | null> {
  const { db, log, databaseUrl: url } = deps
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

const LONGEST_BYTES = 10_000_000
const CHUNK_BYTES = 1_000_000

/**
 * Bounds the log of the embedded Postgres: one that has grown too long becomes `postgres.log.1`, in place of an earlier
 * one. The server has it open for appending and goes on in the emptied file; a line it writes at that moment can be lost.
 * The folder may belong to a lesser user than ours: neither file is reached through a link, and no other name leads to the
 * log.
 *
 * @param dataDirectory of the embedded Postgres
 * @returns whether it was too long
 */
export async function shortenPostgresLog(dataDirectory: string): Promise<boolean> {
  const file = path.join(path.dirname(dataDirectory), 'postgres.log')
  await using log = await openPlainFile(file, constants.O_RDWR)
  if (log === null) return false
  const { size, nlink } = await log.stat()
  if (size <= LONGEST_BYTES || nlink !== 1) return false
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  await rm(`${file}.1`, { force: true })
  await using kept = await open(`${file}.1`, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  await copy(log, kept)
  await log.truncate()
  return true
}

async function copy(from: FileHandle, to: FileHandle): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (;;) {
    const { bytesRead } = await from.read(chunk, 0, CHUNK_BYTES, null)
    if (bytesRead === 0) return
    await to.writeFile(chunk.subarray(0, bytesRead))
  }
}
