import path from 'node:path'
import { toFault } from '../errors.ts'
import type { Check, CheckResult, CheckRunner } from '../pipeline/ports/execution.ts'
import { plainText } from '../process/plain-text.ts'
import { type CommandResult, runCommand } from '../process/run-command.ts'
import { childEnvironment } from '../sandbox/child-environment.ts'
import { OutputTail } from './output-tail.ts'
import { provedCriteria } from './proved-criteria.ts'

const TAIL_BYTES = 16 * 1024
/** POSIX: the shell could not execute (126) or find (127) the command. */
const NOT_STARTED = [126, 127]
/** Runs its parameter with stderr on the same pipe as stdout: two pipes would lose the order of what is printed. */
const ONE_STREAM = 'exec /bin/sh -c "$0" 2>&1'

export type CheckRunnerOptions = {
  /** The `PATH` of the Moose process: where the project's tools are. */
  executablePath: string
}

type RunOptions = Parameters<CheckRunner['run']>[1]
type Ending = Pick<CheckResult, 'outcome' | 'exitCode'>

/**
 * Runs checks with `/bin/sh -c` in the root of the workspace. They are foreign code: they get an environment without
 * any secret, a HOME and a TMPDIR of the attempt's own, a bounded time, and afterwards the tracked files are put back
 * so that the next check sees the commit that will be pushed.
 */
export function createCheckRunner(options: CheckRunnerOptions): CheckRunner {
  return { run: (check, runOptions) => runCheck(options, check, runOptions) }
}

async function runCheck(
  { executablePath }: CheckRunnerOptions,
  check: Check,
  options: RunOptions,
): Promise<CheckResult> {
  const { workspace, criteria, signal } = options
  const env = await childEnvironment(path.dirname(workspace.path), executablePath)
  const tail = new OutputTail()
  const onOutput = (text: string): void => {
    tail.add(text)
    options.onOutput(plainText(text))
  }
  const startedAt = performance.now()
  const ending = await execute(check, { cwd: workspace.path, env, signal, onOutput })
  const durationMs = Math.round(performance.now() - startedAt)
  await workspace.restore()
  return {
    name: check.name,
    run: check.run,
    ...ending,
    durationMs,
    outputTail: tail.read(TAIL_BYTES),
    proves: provedCriteria(check.proves, criteria),
  }
}

async function execute(
  check: Check,
  child: { cwd: string; env: Readonly<Record<string, string>>; signal: AbortSignal; onOutput: (text: string) => void },
): Promise<Ending> {
  try {
    const args = ['-c', ONE_STREAM, check.run]
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
