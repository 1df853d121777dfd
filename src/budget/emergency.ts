import type { Kysely } from 'kysely'
import { readSpentToday } from '../db/budget-entries/cap-sums.ts'
import type { Database } from '../db/schema.ts'
import { notifyConfig } from '../db/system-config.ts'
import { Fault } from '../faults/fault.ts'
import { shownUsd, Usd } from '../money.ts'
import { readKill } from './limits.ts'

/** The emergency kill and what the day has spent of it; null: there is no such limit. */
type Kill = { cap: Usd; spent: Usd } | null

/**
 * The fault that stops every call now; null when nothing does.
 *
 * @throws {Fault} `config_invalid` for limits that cannot be read, where nothing was stopped by a command
 */
export async function whyStopped(db: Kysely<Database>): Promise<Fault | null> {
  const cap = await readKill(db)
  if (cap === 'stopped' || cap === null) return emergencyOf(cap === 'stopped', null)
  return emergencyOf(false, { cap, spent: new Usd(await readSpentToday(db)) })
}

/**
 * Has every process look at once when everything has to stop; to be called when a cost has been committed, so that of
 * two that reach the limit together the later one sees both.
 */
export async function announceEmergency(db: Kysely<Database>): Promise<void> {
  // A changed configuration is what they listen to, and where they look.
  if ((await whyStopped(db)) !== null) await notifyConfig(db)
}

/** @param byHand everything was stopped by a command */
export function emergencyOf(byHand: boolean, kill: Kill): Fault | null {
  if (byHand) {
    const message = 'Everything is stopped: emergency_stop is set. Resume with: moose budget resume'
    return new Fault('emergency_stop', message, { by_hand: true })
  }
  if (kill === null || kill.spent.isZero() || kill.spent.lessThan(kill.cap)) return null
  const message =
    `Everything is stopped: the day has reached emergency_kill. ${shownUsd(kill.spent)} of ${shownUsd(kill.cap)} are ` +
    'spent today (UTC). Raise it with: moose budget cap kill USD'
  return new Fault('emergency_stop', message, { by_hand: false })
}
