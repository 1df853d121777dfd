import { lasting } from '../../checks/excerpt/failure-identity.ts'
import type { Repair } from '../../contract/evidence/repair.ts'
import type { Check, CheckResult } from '../../ports/execution.ts'
import { failureSummary } from '../failure-summary.ts'
import { MOST_ANSWERS } from '../steps/propose.ts'
import { checkFailure, isNewFailure } from '../steps/verify.ts'

/** What a commit failed, and what may be done about it, as it was when the commit was verified. */
export type Repairable = {
  /** The checks that failed, in the order they ran. */
  checks: readonly string[]
  /** Of these, those with a `fix`. */
  fixable: readonly string[]
  /** What failed, as it is told. */
  failure: string
  /** Equal for the same failures: those of the same tests with the same assertions. */
  signature: string
  /** What mends a change beside `fix`; null: nothing does. */
  by: 'proposer' | 'aider' | null
  /** How often. */
  most: number
}

/** What has been tried in this attempt. */
export type Tried = {
  /** Times that a model was asked. */
  asked: number
  /** Signatures of the failures it was told. */
  told: readonly string[]
  /** Checks whose `fix` was run since a model made the change. */
  fixed: readonly string[]
  /** Answers of models that the attempt has had. */
  answers: number
}

/** The next repair; `by` null: there is none, and why. */
export type Plan =
  | { by: 'fix'; checks: readonly [string, ...string[]] }
  | {
      by: Exclude<Repair['by'], 'fix'>
      check: string
      number: number
      reason: string
      /** Answers that are left for it and what follows. */
      mostCalls: number
      /** How many comments of a review ask for it; left out: a check has failed. */
      comments?: number
    }
  | { by: null; why: string | null }

/** Failing checks whose failures are told. */
const MOST_TOLD = 3

/** @returns null: no check failed that did not fail on the base commit */
export function repairableOf(
  results: readonly CheckResult[],
  checks: readonly Check[],
  how: Pick<Repairable, 'by' | 'most'>,
): Repairable | null {
  const failing = results.filter(isNewFailure)
  if (failing.length === 0) return null
  const names = failing.map(({ name }) => name)
  const withFix = new Set(checks.flatMap(({ name, fix }) => (fix === null ? [] : [name])))
  return {
    checks: names,
    fixable: names.filter((name) => withFix.has(name)),
    failure: failing.slice(0, MOST_TOLD).map(summaryOf).join('\n\n'),
    signature: JSON.stringify(failing.map(signatureOf)),
    ...how,
  }
}

/** Free repairs first; then a model, as often as it may and as long as it fails in another way than before. */
export function planRepair({ checks, fixable, signature, by, most }: Repairable, tried: Tried): Plan {
  const [fix, ...fixes] = fixable.filter((name) => !tried.fixed.includes(name))
  if (fix !== undefined) return { by: 'fix', checks: [fix, ...fixes] }
  const [check] = checks
  if (check === undefined || by === null) return { by: null, why: null }
  if (tried.told.includes(signature)) return { by: null, why: 'the same failed again after a repair' }
  if (most === 0)
    return { by: null, why: 'repair.max of moose.yaml, or else MOOSE_REPAIR_MAX, is 0, so no model is asked' }
  if (tried.asked >= most) return { by: null, why: `it was repaired ${times(most)}, and no more is allowed` }
  const mostCalls = answersLeft(tried, most)
  if (mostCalls === 0)
    return { by: null, why: `the attempt has had ${tried.answers} answers of models, and no more are asked for` }
  const number = tried.asked + 1
  return { by, check, number, mostCalls, reason: `repair ${number} of ${most}: check "${check}" failed` }
}

/** The first answer and one for each repair, or what a hopeless order may cost: a refinement takes the place of a repair. */
function answersLeft({ answers }: Pick<Tried, 'answers'>, most: number): number {
  return Math.max(0, Math.max(MOST_ANSWERS, 1 + most) - answers)
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

/** A failure is the same one by its name and by its assertion or error; where neither is known, by all that is told of it. */
function signatureOf(result: CheckResult): readonly unknown[] {
  const { name, identity } = result
  const names = namesOf(result)
  if (names === null && identity === undefined) return [name, summaryOf(result).split('\n').map(lasting)]
  return [name, names, identity]
}

/** The names of what failed, where they are known. */
function namesOf({ failures, newFailures }: CheckResult): readonly string[] | null {
  const names = newFailures === null ? failures : newFailures
  return names === null || names.length === 0 ? null : names.map(lasting).toSorted()
}

function summaryOf(result: CheckResult): string {
  const fault = checkFailure([result])
  return fault === null ? '' : failureSummary(fault)
}
