import { readKeptDays } from '../db/system-config.ts'
import { toFault } from '../faults/fault.ts'
import { findLeftovers } from './find-leftovers.ts'
import { keepMirrorsSmall, type Upkeep } from './mirror-upkeep.ts'
import { removeLeftovers } from './remove-leftovers.ts'
import type { RetentionDeps } from './retention-deps.ts'
import { noteDatabase, otherDatabases } from './served-databases.ts'
import { shortenPostgresLog } from './shorten-log.ts'
import { type SweptRecords, sweepDatabase } from './sweep-database.ts'

export type SweepDeps = RetentionDeps & {
  databaseUrl: string
  /** Of the embedded Postgres; null: the server is somebody else's, and so is its log. */
  dataDirectory: string | null
}

/** What one sweep has done. */
export type Swept = {
  leftovers: number
  mirrors: Upkeep
  /** Null: another process is doing it. */
  records: SweptRecords | null
}

const NO_UPKEEP: Upkeep = { removed: 0, packed: 0, freedBytes: 0 }
/** After a start, what is claimed comes first. */
const FIRST_SWEEP_MS = 60_000
const SWEEP_EVERY_MS = 24 * 60 * 60_000

/** Removes once what need not be kept. For the process that owns the home. */
export async function sweep(deps: SweepDeps, signal: AbortSignal): Promise<Swept> {
  const days = await readKeptDays(deps.db, deps.config.kept)
  await noteDatabase(deps.db, { home: deps.config.home, url: deps.databaseUrl })
  const records = await sweepDatabase(deps, signal)
  const { removed, failed } = await removeLeftovers(await findLeftovers(deps), signal)
  for (const { leftover, fault } of failed)
    deps.log.warn({ leftover: leftover.name, reason: fault.message }, 'left over')
  const [other] = await otherDatabases(deps, days.mirrors)
  if (other !== undefined) deps.log.warn(other, 'the home serves another database too: nothing old is removed from it')
  const mirrors = other === undefined ? await keepMirrorsSmall(deps, days.mirrors, signal) : NO_UPKEEP
  if (deps.dataDirectory !== null) await shortenPostgresLog(deps.dataDirectory)
  return { leftovers: removed.length, mirrors, records }
}

export type Sweeping = AsyncDisposable & {
  /** Another process owns the home now: nothing more is removed. */
  stop(): void
}

/** Sweeps a minute from now and then once a day, until disposed. A sweep that fails is in nobody's way. */
export function startSweeping(deps: SweepDeps): Sweeping {
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
