import path from 'node:path'
import { type Fault, toFault } from '../faults/fault.ts'
import type { Check, CheckResult, CheckRunner, Script } from '../ports/execution.ts'
import type { Workspace } from '../ports/workspace.ts'
import { provedCriteria } from '../work-order/proves.ts'
import { FailingTests } from './failing-tests.ts'
import { type Ending, observed, runScript, type ScriptParts } from './run-script.ts'

type RunOptions = Parameters<CheckRunner['run']>[1]

/**
 * Runs checks as shell scripts in the root of the workspace; each ends at its first command that fails. They are foreign
 * code: they get an environment without any secret, a HOME that is empty but for the attempt's caches, an empty TMPDIR and
 * a bounded time, and afterwards the workspace is put back so that the next check sees the commit that will be pushed. A
 * check after which that cannot be done has not passed, and no other is run in that workspace: each of them is told as
 * crashed.
 */
export function createCheckRunner(options: ScriptParts): CheckRunner {
  const spoiled = new WeakMap<Workspace, string>()
  return {
    run: (check, runOptions) => runCheck({ ...options, spoiled }, check, runOptions),
    fix: (check, runOptions) => runFix({ ...options, spoiled }, check, runOptions),
  }
}

type RunnerParts = ScriptParts & {
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
  const onOutput = (text: string): void => {
    failing.add(text)
    options.onOutput(text)
  }
  const ending = await observed(onOutput, (told) => runAndRestore(parts, check, { ...options, onOutput: told }))
  const { network, ...ended } = ending
  return {
    name: check.name,
    run: check.run,
    ...ended,
    ...(network === null ? {} : { network }),
    proves: provedCriteria(check.proves, options.criteria),
    failures: ending.outcome === 'failed' ? failing.read() : null,
    failedBefore: false,
    baseline: false,
    newFailures: null,
  }
}

async function runAndRestore(parts: RunnerParts, check: Check, options: RunOptions): Promise<Ending> {
  const { workspace, onOutput } = options
  const culprit = parts.spoiled.get(workspace)
  if (culprit !== undefined) {
    onOutput(`Not run: the check "${culprit}" left the workspace in a state that cannot be put right.\n`)
    return { outcome: 'crashed', exitCode: null, network: null }
  }
  const ending = await runIn(parts, check, options)
  const problem = await restore(workspace)
  if (problem === null) return ending
  parts.spoiled.set(workspace, check.name)
  onOutput(`\n${problem.message}\n`)
  return ending.outcome === 'passed' ? { ...ending, outcome: 'crashed' } : ending
}

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
