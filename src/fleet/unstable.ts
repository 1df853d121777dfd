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

/**
 * @param gone how many of its processes were, and in which step the last one
 * @param of what it was for: the order of a reaction is in review again, and one that verifies a commit is verified again
 */
export function unstable(
  { workOrderId, attempt }: AttemptRun,
  { deaths, step }: { deaths: number; step: string },
  { follows, verifies }: { follows: string | null; verifies: number | null },
): Fault {
  const id = workOrderId.slice(0, 8)
  const again =
    follows !== null
      ? `Decide what follows with: moose decide ${id}`
      : verifies === null
        ? `Have the model asked again with: moose retry ${id}   or a commit that it left verified without a model: moose verify ${id}`
        : `Begin anew with: moose verify ${id}`
  const message =
    `${deaths} workers died or hung while they carried attempt ${attempt} out, the last one at ${step}; no other worker takes ` +
    `it over. Look at what it does there with: moose show ${id}   ${again}`
  return new Fault('attempt_unstable', message, { id: workOrderId, attempt, deaths, step })
}
