import path from 'node:path'
import { type Fault, toFault } from '../faults/fault.ts'
import type { Check, CheckResult, CheckRunner } from '../ports/execution.ts'
import type { Workspace } from '../ports/workspace.ts'
import { type Command, type CommandResult, runCommand } from '../process/run-command.ts'
import { plainText } from '../redaction/plain-text.ts'
import { childEnvironment } from '../sandbox/child-environment.ts'
import { provedCriteria } from '../work-order/proves.ts'
import { FailingTests } from './failing-tests.ts'
import { OutputTail } from './output-tail.ts'

const TAIL_BYTES = 16 * 1024
/** POSIX: the shell could not execute (126) or find (127) the command. */
const NOT_STARTED = [126, 127]
/**
 * Runs its parameter so that it ends at the first command that fails: with bash, which counts every member of a pipeline,
 * or with sh, which counts the last one, where the PATH has no bash. stderr is on the same pipe as stdout: two pipes
 * would lose the order of what is printed.
 */
export const STOPPING_SHELL =
  'exec 2>&1; if command -v bash >/dev/null; then exec bash -e -o pipefail -c "$0"; fi; exec /bin/sh -e -c "$0"'

export type CheckRunnerOptions = {
  /** The `PATH` of the Moose process: where the project's tools are. */
  executablePath: string
  /** Absolute path; keeps the records of running checks. */
  home: string
}

type RunOptions = Parameters<CheckRunner['run']>[1]
type Ending = Pick<CheckResult, 'outcome' | 'exitCode'>

/**
 * Runs checks as shell scripts in the root of the workspace; each ends at its first command that fails. They are foreign
 * code: they get an environment without any secret, an empty HOME and TMPDIR, a bounded time, and afterwards the
 * workspace is put back so that the next check sees the commit that will be pushed. A check after which that cannot be done has not passed, and no other is
 * run in that workspace: each of them is told as crashed.
 */
export function createCheckRunner(options: CheckRunnerOptions): CheckRunner {
  const spoiled = new WeakMap<Workspace, string>()
  return { run: (check, runOptions) => runCheck({ ...options, spoiled }, check, runOptions) }
}

type RunnerParts = CheckRunnerOptions & {
  /** Workspaces that could not be put back, with the check that left them so. */
  spoiled: WeakMap<Workspace, string>
}

async function runCheck(parts: RunnerParts, check: Check, options: RunOptions): Promise<CheckResult> {
  const tail = new OutputTail()
  const failing = new FailingTests()
  const onOutput = (text: string): void => {
    tail.add(text)
    failing.add(text)
    options.onOutput(plainText(text))
  }
  const startedAt = performance.now()
  const ending = await runAndRestore(parts, check, { ...options, onOutput })
  return {
    name: check.name,
    run: check.run,
    ...ending,
    durationMs: Math.round(performance.now() - startedAt),
    outputTail: tail.read(TAIL_BYTES),
    proves: provedCriteria(check.proves, options.criteria),
    failures: ending.outcome === 'failed' ? failing.read() : null,
    failedBefore: false,
    baseline: false,
    newFailures: null,
  }
}

async function runAndRestore(parts: RunnerParts, check: Check, options: RunOptions): Promise<Ending> {
  const { workspace, signal, onOutput } = options
  const culprit = parts.spoiled.get(workspace)
  if (culprit !== undefined) {
    onOutput(`Not run: the check "${culprit}" left the workspace in a state that cannot be put right.\n`)
    return { outcome: 'crashed', exitCode: null }
  }
  const env = { ...options.config.env, ...(await childEnvironment(path.dirname(workspace.path), parts.executablePath)) }
  const foreign = { home: parts.home, what: 'check' } as const
  const ending = await execute(check, { cwd: workspace.path, env, signal, onOutput, foreign })
  const problem = await restore(workspace)
  if (problem === null) return ending
  parts.spoiled.set(workspace, check.name)
  onOutput(`\n${problem.message}\n`)
  return ending.outcome === 'passed' ? { ...ending, outcome: 'crashed' } : ending
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

async function execute(
  check: Check,
  child: Pick<Command, 'cwd' | 'env' | 'signal' | 'foreign'> & { onOutput: (text: string) => void },
): Promise<Ending> {
  try {
    const args = ['-c', STOPPING_SHELL, check.run]
    // The tail is kept by onOutput, as plain text.
    const limits = { timeoutMs: check.timeoutMs, maxOutputBytes: 0 }
    return endingOf(await runCommand({ command: '/bin/sh', args, ...limits, ...child }))
  } catch (error) {
    const fault = toFault(error)
    if (fault.code === 'command_timed_out') return { outcome: 'timed_out', exitCode: null }
    if (fault.code !== 'command_missing') throw error
    child.onOutput(fault.message)
    return { outcome: 'crashed', exitCode: null }
  }
}

function endingOf({ exitCode }: CommandResult): Ending {
  if (exitCode === 0) return { outcome: 'passed', exitCode }
  const crashed = exitCode === null || NOT_STARTED.includes(exitCode)
  return { outcome: crashed ? 'crashed' : 'failed', exitCode }
}
