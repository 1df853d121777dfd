import type { Kysely } from 'kysely'
import { readBudgetRules } from '../budget/limits.ts'
import type { Config } from '../config.ts'
import type { Database } from '../db/schema.ts'
import { readKeptDays, readSettings } from '../db/system-config.ts'
import { type Fault, toFault } from '../faults/fault.ts'
import { readPolicySettings } from '../manager/learned/learned-policy.ts'

/** What the environment says where a row says nothing. */
export type RowDefaults = Pick<
  Config,
  'pollingIntervalMs' | 'maxConcurrent' | 'maxPerRepository' | 'pauseAfterFailures' | 'kept'
>

/**
 * The faults of the rows of `system_config` that cannot be read, each with what follows from it; empty: all can be.
 *
 * @throws whatever else keeps them from being read
 */
export async function malformedRows(db: Kysely<Database>, defaults: RowDefaults): Promise<Fault[]> {
  const reads = [
    () => readSettings(db, defaults),
    () => readBudgetRules(db),
    () => readPolicySettings(db),
    () => readKeptDays(db, defaults.kept),
  ]
  const faults: Fault[] = []
  for (const read of reads) {
    const fault = await read().then(() => null, faultOfRow)
    if (fault !== null) faults.push(fault)
  }
  return faults
}

/**
 * The fault of a row that cannot be read, which must not hide what others say.
 *
 * @throws what says nothing of a row
 */
export function faultOfRow(thrown: unknown): Fault {
  const fault = toFault(thrown)
  if (fault.code === 'config_invalid') return fault
  throw thrown
}
