import type { BaseCheck } from '../contract/base-checks.ts'
import type { CheckResult } from '../ports/execution.ts'
import { newFailures } from './failing-tests.ts'
import { movedByChange } from './moved-by-change.ts'

/**
 * The result of a check on a change, judged by what it did on the base commit. One that failed there and fails now is
 * *baseline* where every failure is one of those: it fails no order and proves nothing. Failures that cannot be told apart are
 * never taken for old ones.
 *
 * @param change the diff from the base, by which errors are followed to where their lines are now; null: it is not known
 */
export function judgedByBase(result: CheckResult, before: BaseCheck, change: string | null): CheckResult {
  const failedBefore = before.outcome !== 'passed'
  if (!failedBefore || result.outcome !== 'failed') return { ...result, failedBefore }
  const added = before.outcome === 'failed' && endAlike(result, before) ? addedFailures(result, before, change) : null
  const baseline = added !== null && added.length === 0
  return { ...result, failedBefore, newFailures: added, baseline, proves: baseline ? [] : result.proves }
}

/** What failed on the base, by the names it has after the change; empty where it cannot be told, or nothing did. */
export function failedOnBase({ outcome, failures }: BaseCheck, change: string | null): readonly string[] {
  return outcome !== 'failed' || failures === null || change === null ? [] : movedByChange(failures, change)
}

/** A check that fails and names nothing fails of something else. */
function addedFailures({ failures }: CheckResult, before: BaseCheck, change: string | null): readonly string[] | null {
  if (failures === null || failures.length === 0 || before.failures === null || change === null) return null
  return newFailures(movedByChange(before.failures, change), failures)
}

/**
 * A runner that ends with another exit code than before reports something else besides its failures, such as a file that
 * cannot be loaded; some, as Mocha, end with the number of failures.
 *
 * @see https://mochajs.org/#-exit-code
 */
function endAlike(result: CheckResult, before: BaseCheck): boolean {
  if (result.exitCode === before.exit_code) return true
  return result.exitCode === result.failures?.length && before.exit_code === before.failures?.length
}
