import type { ChildNetwork, NetworkUse } from '../contract/hosts/host-rule.ts'
import { toFault } from '../faults/fault.ts'
import type { CheckResult, ProjectConfig, Script } from '../ports/execution.ts'
import type { CommandResult } from '../process/run-command.ts'
import { plainText } from '../redaction/plain-text.ts'
import { indexIn, restingIn } from '../sandbox/cache-places.ts'
import { childSetting } from '../sandbox/child-environment.ts'
import { placesOf } from '../sandbox/handed-places.ts'
import type { ChildNetworks } from '../sandbox/network/child-network.ts'
import type { ConfinedCommand, Sandbox } from '../sandbox/sandbox.ts'
import type { Toolchains } from '../sandbox/toolchains.ts'
import type { Project } from '../work-order/project.ts'
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
  sandbox: Sandbox
  networks: ChildNetworks
}

/** `network`: null: it was not run, or was ended by a limit. */
export type Ending = Pick<CheckResult, 'outcome' | 'exitCode'> & { network: ChildNetwork | null }

type Options = {
  /** Absolute path of the attempt's folder; the script runs in the tree in it. */
  folder: string
  /** Absolute paths beside it that git in the tree reads. */
  borrows: readonly string[]
  /** Of the workspace. */
  image: string | null
  project: Project
  config: Pick<ProjectConfig, 'cache' | 'env' | 'network'>
  signal: AbortSignal
  onOutput: (text: string) => void
}

/**
 * Runs a script of `moose.yaml`, foreign code, up to its first command that fails.
 *
 * @throws {Fault} those of `Sandbox.run` that say nothing of how a script ends, and `child_limit`, which is printed too
 */
export async function runScript(
  { toolchains, sandbox, networks }: ScriptParts,
  { use, ...script }: Script & { use: NetworkUse },
  { folder, borrows, image, project, config, signal, onOutput }: Options,
): Promise<Ending> {
  const found = await toolchains()
  await using network = await networks.open({ project, use, asked: config.network, onOutput })
  const offline = use === 'checks' && network.told().granted.length === 0
  const wishes = { toolchains: found, config, proxyPort: network.port, offline }
  const { env, takeCaches } = await childSetting(folder, wishes)
  const readable = [...borrows, ...(await placesOf(found)), indexIn(folder), restingIn(folder)]
  const places = { folder, writable: [folder], readable, reach: network.reach, image }
  const what = use === 'setup' ? 'setup' : 'check'
  try {
    const ending = await execute(sandbox, script, { what, ...places, env, signal, onOutput })
    return { ...ending, network: network.told() }
  } finally {
    await takeCaches()
  }
}

/** Keeps the last lines of what is printed, and the time. */
export async function observed<Ended extends Ending>(
  onOutput: (text: string) => void,
  run: (onOutput: (text: string) => void) => Promise<Ended>,
): Promise<Ended & Pick<CheckResult, 'durationMs' | 'outputTail'>> {
  const tail = new OutputTail()
  const startedAt = performance.now()
  const ending = await run((text) => {
    tail.add(text)
    onOutput(plainText(text))
  })
  return { ...ending, durationMs: Math.round(performance.now() - startedAt), outputTail: tail.read(TAIL_BYTES) }
}

async function execute(
  sandbox: Sandbox,
  script: Script,
  child: Omit<ConfinedCommand, 'command' | 'args' | 'timeoutMs' | 'maxOutputBytes'> & Pick<Options, 'onOutput'>,
): Promise<Omit<Ending, 'network'>> {
  try {
    const args = ['-c', STOPPING_SHELL, script.run]
    // The tail is kept by onOutput, as plain text.
    const limits = { timeoutMs: script.timeoutMs, maxOutputBytes: 0 }
    return endingOf(await sandbox.run({ command: '/bin/sh', args, ...limits, ...child }))
  } catch (error) {
    const fault = toFault(error)
    if (fault.code === 'command_timed_out') return { outcome: 'timed_out', exitCode: null }
    if (fault.code === 'child_limit') child.onOutput(`\n${fault.message}\n`)
    if (fault.code !== 'command_missing') throw error
    child.onOutput(fault.message)
    return { outcome: 'crashed', exitCode: null }
  }
}

function endingOf({ exitCode }: CommandResult): Omit<Ending, 'network'> {
  if (exitCode === 0) return { outcome: 'passed', exitCode }
  const crashed = exitCode === null || NOT_STARTED.includes(exitCode)
  return { outcome: crashed ? 'crashed' : 'failed', exitCode }
}
