import type { AttemptRun, StandingRun } from '../db/attempts/attempts.ts'
import { Fault } from '../faults/fault.ts'

/** Takeovers of an attempt before it is held: what ended its workers would end the next one too. */
const MOST_TAKEOVERS = 3
/**
 * An attempt whose process died twice may be the cause. Such attempts are resumed one at a time, so that a crash counts
 * against one of them only.
 */
const SUSPECT_FROM = 2

type Count = Pick<StandingRun, 'takeovers' | 'isLeftBehind'>

/** How many processes were gone while they carried it out. */
export function deathsOf({ takeovers, isLeftBehind }: Count): number {
  return isLeftBehind ? takeovers + 1 : takeovers
}

/** Whether the attempt is held for a human instead of being resumed. */
export function isUnstable(run: Count): boolean {
  return deathsOf(run) > MOST_TAKEOVERS
}

/**
 * The suspects among the runs of one process that have to wait until another suspect has ended.
 *
 * @param standing in the order in which they are resumed
 */
export function waitingSuspects<Run extends Count>(standing: readonly Run[]): ReadonlySet<Run> {
  const suspects = standing.filter((run) => deathsOf(run) >= SUSPECT_FROM && !isUnstable(run))
  const waiting = suspects.filter(({ isLeftBehind }) => isLeftBehind)
  return new Set(waiting.length === suspects.length ? waiting.slice(1) : waiting)
}

/** @param step in which the last one of them was gone */
export function unstable({ workOrderId, attempt }: AttemptRun, deaths: number, step: string): Fault {
  const id = workOrderId.slice(0, 8)
  const message =
    `${deaths} workers died or hung while they carried attempt ${attempt} out, the last one at ${step}; no other worker takes ` +
    `it over. Look at what it does there with: moose show ${id}   Begin anew with: moose retry ${id}   ` +
    'What was answered and paid is not paid again.'
  return new Fault('attempt_unstable', message, { id: workOrderId, attempt, deaths, step })
}
