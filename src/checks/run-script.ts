import { toFault } from '../faults/fault.ts'
import type { CheckResult, ProjectConfig, Script } from '../ports/execution.ts'
import { type Command, type CommandResult, runCommand } from '../process/run-command.ts'
import { plainText } from '../redaction/plain-text.ts'
import { treeIn } from '../sandbox/cache-places.ts'
import { childSetting } from '../sandbox/child-environment.ts'
import type { Toolchains } from '../sandbox/toolchains.ts'
import { OutputTail } from './output-tail.ts'

const TAIL_BYTES = 16 * 1024
/** POSIX: the shell could not execute (126) or find (127) the command. */
const NOT_STARTED = [126, 127]
/**
 * Runs its parameter so that it ends at the first command that fails: with bash, which counts every member of a pipeline,
 * or with sh, which counts the last one, where the PATH has no bash. stderr is on the same pipe as stdout: two pipes
 * would lose the order of what is printed.
 */
const STOPPING_SHELL =
  'exec 2>&1; if command -v bash >/dev/null; then exec bash -e -o pipefail -c "$0"; fi; exec /bin/sh -e -c "$0"'

export type ScriptParts = {
  /** What scripts are handed of the operator's toolchains, the `PATH` among it. */
  toolchains: () => Promise<Toolchains>
  /** Absolute path; keeps the records of running scripts. */
  home: string
}

export type Ending = Pick<CheckResult, 'outcome' | 'exitCode'>

type Options = {
  /** Absolute path of the attempt's folder; the script runs in the tree in it. */
  folder: string
  config: Pick<ProjectConfig, 'cache' | 'env'>
  signal: AbortSignal
  onOutput: (text: string) => void
}

/** Runs a script of `moose.yaml`, foreign code, up to its first command that fails. */
export async function runScript(
  { toolchains, home }: ScriptParts,
  { what, ...script }: Script & { what: 'check' | 'setup' },
  { folder, config, signal, onOutput }: Options,
): Promise<Ending> {
  const { env, takeCaches } = await childSetting(folder, { toolchains: await toolchains(), config })
  try {
    return await execute(script, { cwd: treeIn(folder), env, signal, onOutput, foreign: { home, what } })
  } finally {
    await takeCaches()
  }
}

/** Keeps the last lines of what is printed, and the time. */
export async function observed(
  onOutput: (text: string) => void,
  run: (onOutput: (text: string) => void) => Promise<Ending>,
): Promise<Ending & Pick<CheckResult, 'durationMs' | 'outputTail'>> {
  const tail = new OutputTail()
  const startedAt = performance.now()
  const ending = await run((text) => {
    tail.add(text)
    onOutput(plainText(text))
  })
  return { ...ending, durationMs: Math.round(performance.now() - startedAt), outputTail: tail.read(TAIL_BYTES) }
}

async function execute(
  script: Script,
  child: Pick<Command, 'cwd' | 'env' | 'signal' | 'foreign'> & { onOutput: (text: string) => void },
): Promise<Ending> {
  try {
    const args = ['-c', STOPPING_SHELL, script.run]
    // The tail is kept by onOutput, as plain text.
    const limits = { timeoutMs: script.timeoutMs, maxOutputBytes: 0 }
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
