import path from 'node:path'
import type { BaseCheck } from '../contract/base-checks.ts'
import { type Fault, toFault } from '../faults/fault.ts'
import type { Check, CheckResult, CheckRunner, Script } from '../ports/execution.ts'
import type { Workspace } from '../ports/workspace.ts'
import { provedCriteria } from '../work-order/proves.ts'
import { FailureExcerpt } from './excerpt/failure-excerpt.ts'
import type { Block } from './excerpt/failure-format.ts'
import { KnownFailures } from './excerpt/kept-failures.ts'
import { ReportFile } from './excerpt/report/report-file.ts'
import { FailingTests, newFailures } from './failing-tests.ts'
import { movedByChange } from './moved-by-change.ts'
import { type Ending, observed, runScript, type ScriptParts } from './run-script.ts'
import { testsLost } from './tests-run.ts'

const MOST_TOLD_BYTES = 4_000

type RunOptions = Parameters<CheckRunner['run']>[1]

/**
 * Runs checks as shell scripts in the root of the workspace; each ends at its first command that fails. They are foreign
 * code: they get an environment without any secret, a HOME that is empty but for the attempt's caches, an empty TMPDIR and
 * a bounded time, and afterwards the workspace is put back so that the next check sees the commit that will be pushed. A
 * check after which that cannot be done has not passed, and no other is run in that workspace: each of them is told as
 * crashed.
 */
export function createCheckRunner(options: CheckParts): CheckRunner {
  const spoiled = new WeakMap<Workspace, string>()
  return {
    run: (check, runOptions) => runCheck({ ...options, spoiled }, check, runOptions),
    fix: (check, runOptions) => runFix({ ...options, spoiled }, check, runOptions),
  }
}

type CheckParts = ScriptParts & {
  /** Takes secrets out of a line of output before it is cut. */
  redacted: (text: string) => string
}

type RunnerParts = CheckParts & {
  /** Workspaces that could not be put back, with the check that left them so. */
  spoiled: WeakMap<Workspace, string>
}

async function runFix(
  parts: RunnerParts,
  { fix, timeoutMs }: Parameters<CheckRunner['fix']>[0],
  options: Parameters<CheckRunner['fix']>[1],
): Promise<CheckResult['outcome']> {
  if (parts.spoiled.has(options.workspace)) return 'crashed'
  const { outcome } = await runIn(parts, { run: fix, timeoutMs }, { ...options, use: 'checks' })
  return outcome
}

async function runCheck(parts: RunnerParts, check: Check, options: RunOptions): Promise<CheckResult> {
  const failing = new FailingTests(options.workspace.path)
  const { base } = options
  const before = new KnownFailures(base === undefined ? [] : failedOnBase(base.check, base.change))
  const excerpt = new FailureExcerpt(options.workspace.path, parts.redacted, before)
  const onOutput = (text: string): void => {
    failing.add(text)
    options.onOutput(text)
  }
  const ending = await observed(onOutput, (print) => {
    const printed = (text: string): void => {
      excerpt.add(text)
      print(text)
    }
    return runAndRestore(parts, check, { ...options, onOutput: printed, before })
  })
  const { network, reported, names, ...ended } = ending
  const result: CheckResult = {
    name: check.name,
    run: check.run,
    ...ended,
    ...(network === null ? {} : { network }),
    proves: provedCriteria(check.proves, options.criteria),
    failures: ending.outcome === 'failed' ? failing.read(names) : null,
    failedBefore: false,
    baseline: false,
    newFailures: null,
  }
  const judged = base === undefined ? result : judgedByBase(result, base.check, base.change)
  const isTold = judged.outcome === 'passed' || judged.told !== undefined
  return isTold ? judged : { ...judged, ...toldOf(excerpt, reported, judged) }
}

function toldOf(
  excerpt: FailureExcerpt,
  reported: readonly Block[],
  { failures, newFailures }: CheckResult,
): Pick<CheckResult, 'told' | 'identity'> {
  const added = newFailures === null ? [] : newFailures
  const judged = { reported, added, old: failures === null ? 0 : failures.length - added.length }
  const told = excerpt.read(MOST_TOLD_BYTES, judged)
  const identity = excerpt.identity(judged)
  return identity === null ? { told } : { told, identity }
}

type Reported = { reported: readonly Block[]; names: readonly string[] | null }
/** With the failures of the report that it wrote. */
type Ended = Ending & Reported

async function runAndRestore(
  parts: RunnerParts,
  check: Check,
  options: RunOptions & { before: KnownFailures },
): Promise<Ended> {
  const { workspace, onOutput } = options
  const culprit = parts.spoiled.get(workspace)
  if (culprit !== undefined) {
    onOutput(`Not run: the check "${culprit}" left the workspace in a state that cannot be put right.\n`)
    return { outcome: 'crashed', exitCode: null, network: null, ...UNREPORTED }
  }
  const report = check.report === null ? null : await ReportFile.before(workspace.path, check.report)
  const ran = await runIn(parts, check, options)
  // What git does not ignore is gone when the workspace is put back.
  const reported = report === null || ran.outcome === 'passed' ? UNREPORTED : await reportedIn(report, options)
  const ending = { ...ran, ...reported }
  const problem = await restore(workspace)
  if (problem === null) return ending
  parts.spoiled.set(workspace, check.name)
  onOutput(`\n${problem.message}\n`)
  return ending.outcome === 'passed' ? { ...ending, outcome: 'crashed' } : ending
}

async function reportedIn(
  report: ReportFile,
  { before, onOutput }: Pick<RunOptions, 'onOutput'> & { before: KnownFailures },
): Promise<Reported> {
  const { blocks, names, problem } = await report.failures(before)
  if (problem !== null) onOutput(`\nThe report ${report.file} of this check was not read to its end: ${problem}.\n`)
  return { reported: blocks, names }
}

const UNREPORTED: Reported = { reported: [], names: null }

/** Leaves the workspace as the script leaves it. */
function runIn(parts: RunnerParts, script: Script, options: Omit<RunOptions, 'criteria'>): Promise<Ending> {
  const { workspace, use } = options
  const places = { folder: path.dirname(workspace.path), borrows: workspace.borrows, image: workspace.image }
  return runScript(parts, { ...script, use }, { ...options, ...places }).catch(endingByLimit)
}

/** A check that uses more than it may is a result; its output says so. */
function endingByLimit(error: unknown): Ending {
  if (toFault(error).code !== 'child_limit') throw error
  return { outcome: 'crashed', exitCode: null, network: null }
}

/** @returns what the check has done to the workspace that cannot be undone; null when all is well */
async function restore(workspace: Workspace): Promise<Fault | null> {
  try {
    await workspace.restore()
    return null
  } catch (error) {
    const fault = toFault(error)
    if (fault.code === 'check_failed' || fault.code === 'command_failed') return fault
    throw error
  }
}

/**
 * The result of a check on a change, judged by what it did on the base commit. One that failed there and fails now is
 * *baseline* where every failure is one of those: it fails no order and proves nothing. Failures that cannot be told apart are
 * never taken for old ones. One that ran tests there and none now has failed, whatever it exits with.
 *
 * @param change the diff from the base, by which errors are followed to where their lines are now; null: it is not known
 */
export function judgedByBase(result: CheckResult, before: BaseCheck, change: string | null): CheckResult {
  const failedBefore = before.outcome !== 'passed'
  const lost = testsLost(result, before)
  if (lost !== null) return { ...result, outcome: 'failed', told: `It ${lost}` }
  if (!failedBefore || result.outcome !== 'failed') return { ...result, failedBefore }
  const added = before.outcome === 'failed' && endAlike(result, before) ? addedFailures(result, before, change) : null
  const baseline = added !== null && added.length === 0
  return { ...result, failedBefore, newFailures: added, baseline, proves: baseline ? [] : result.proves }
}

/** What failed on the base, by the names it has after the change; empty where it cannot be told, or nothing did. */
function failedOnBase({ outcome, failures }: BaseCheck, change: string | null): readonly string[] {
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
