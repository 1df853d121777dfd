import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { StringDecoder } from 'node:string_decoder'
import { Fault } from '../faults/fault.ts'
import { observeCommand } from '../telemetry/observe-command.ts'
import { BoundedOutput, type KeptPart } from './bounded-output.ts'
import { type ForeignChild, type ForeignCode, foreignChild } from './foreign-child.ts'
import { endWithProcess, signalGroup } from './process-group.ts'
import { commandCancelled, waitForEnd } from './wait-for-end.ts'

export type Command = {
  /** An absolute path, or a name looked up in `env.PATH`. There is never a shell between. */
  command: string
  args: readonly string[]
  /** Absolute path of an existing folder. */
  cwd: string
  /** The whole environment of the child; nothing is inherited. */
  env: Readonly<Record<string, string>>
  /** What the child reads from stdin; without it stdin is empty. */
  input?: string | Uint8Array
  timeoutMs: number
  /** Kept of stdout and of stderr each; the rest is read and dropped. */
  maxOutputBytes: number
  /** Kept of stderr where less is wanted of it: of its beginning and its end, half each. */
  maxErrorBytes?: number
  /** Which part of a longer output is kept; without it half of each end. */
  keep?: KeptPart
  /** Null: it cannot be cancelled. */
  signal: AbortSignal | null
  /** Told of every piece of stdout and stderr in the order of arrival; characters are never cut. */
  onOutput?: (text: string) => void
  /** Told of every piece of stdout as it came; must not throw. */
  onStdout?: (bytes: Uint8Array) => void
  /** From descriptor 3 on: what the child reads there, or who is told of the lines that it writes there. */
  descriptors?: readonly Descriptor[]
  /** For a program that runs foreign code: nothing it starts outlives it, wherever that went. */
  foreign?: ForeignCode
}

export type Descriptor = Uint8Array | ((line: string) => void)

export type CommandResult = {
  /** Null when a signal ended the child. */
  exitCode: number | null
  /** The signal that ended the child; null when it exited. */
  endedBy: NodeJS.Signals | null
  stdout: BoundedOutput
  stderr: BoundedOutput
  durationMs: number
}

/**
 * Runs a program in a process group of its own and waits for it. A non-zero exit is a result. When the program ends,
 * is cancelled or takes too long, whatever is left of its group is killed; the call settles then, even if a process
 * outside the group still holds a pipe. A descendant that starts its own session escapes the group; where `foreign` is
 * given it is found and killed too, on Linux. Elsewhere the group is what can be ended.
 *
 * @throws {Fault} `command_missing` (no such program or working folder), `command_timed_out`, `attempt_cancelled` or
 *   the Fault the signal was aborted with
 */
export function runCommand(command: Command): Promise<CommandResult> {
  return observeCommand(command.command, () => runObserved(command))
}

async function runObserved(command: Command): Promise<CommandResult> {
  if (command.signal?.aborted === true) throw commandCancelled(command.signal)
  if (command.foreign === undefined) return await run(command, null)
  const foreign = foreignChild(command.foreign, command.cwd)
  try {
    return await run({ ...command, env: { ...command.env, ...foreign.environment } }, foreign)
  } finally {
    await foreign.end()
  }
}

async function run(command: Command, foreign: ForeignChild | null): Promise<CommandResult> {
  const startedAt = performance.now()
  const stdout = new BoundedOutput(command.maxOutputBytes, keptPart(command))
  const stderr = errorOutput(command)
  const child = start(command)
  if (child.pid !== undefined) foreign?.started(child.pid)
  collect(child.stdout, stdout, command.onOutput)
  if (command.onStdout !== undefined) child.stdout?.on('data', command.onStdout)
  collect(child.stderr, stderr, command.onOutput)
  const pid = await spawned(child, command)
  const forget = endWithProcess(() => {
    signalGroup(pid, 'SIGKILL')
    foreign?.kill()
  })
  try {
    feed(child, command.input)
    const { exitCode, endedBy } = await waitForEnd({ child, pid, foreign }, command)
    return { exitCode, endedBy, stdout, stderr, durationMs: Math.round(performance.now() - startedAt) }
  } finally {
    forget()
  }
}

function keptPart(command: Command): KeptPart {
  return command.keep === undefined ? 'ends' : command.keep
}

function errorOutput(command: Command): BoundedOutput {
  const { maxErrorBytes, maxOutputBytes } = command
  if (maxErrorBytes === undefined) return new BoundedOutput(maxOutputBytes, keptPart(command))
  return new BoundedOutput(maxErrorBytes, 'ends')
}

function start(command: Command): ChildProcess {
  const { descriptors = [] } = command
  const options: SpawnOptions = {
    cwd: command.cwd,
    env: { ...command.env },
    // Its own group (setsid), so that all of it can be signalled; execa 10 would do the same but waits for the pipes.
    detached: true,
    stdio: [command.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...descriptors.map(() => 'pipe' as const)],
  }
  const child = spawn(command.command, [...command.args], options)
  for (const [index, descriptor] of descriptors.entries()) connect(child.stdio[3 + index], descriptor)
  return child
}

/** A child may end without reading what it is given there. */
function connect(stream: ChildProcess['stdio'][number] | undefined, descriptor: Descriptor): void {
  if (!(stream instanceof Socket)) return
  stream.on('error', () => {})
  if (typeof descriptor === 'function') createInterface({ input: stream }).on('line', descriptor)
  else stream.end(descriptor)
}

function collect(stream: ChildProcess['stdout'], kept: BoundedOutput, onOutput: Command['onOutput']): void {
  if (stream === null) return
  const decoder = new StringDecoder('utf8')
  stream.on('data', (chunk: Buffer) => {
    kept.write(chunk)
    if (onOutput === undefined) return
    const text = decoder.write(chunk)
    if (text !== '') onOutput(text)
  })
}

function feed(child: ChildProcess, input: Command['input']): void {
  if (input === undefined || child.stdin === null) return
  // A child may end without reading its input (EPIPE); its exit code says whether that was wrong.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
}

/** Waits for the child to exist and gives its pid. */
function spawned(child: ChildProcess, command: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => {
      if (child.pid !== undefined) resolve(child.pid)
    })
    // Later errors (a signal that cannot be delivered) have no one to tell: 'exit' decides.
    child.on('error', (error) => reject(startFault(command, error)))
  })
}

function startFault({ command, cwd }: Command, error: Error): Fault {
  const code = 'code' in error ? String(error.code) : 'unknown'
  if (!existsSync(cwd)) {
    return new Fault('command_missing', `Cannot run ${command}: its working folder ${cwd} is gone.`, { command }, error)
  }
  if (code === 'ENOENT' || code === 'EACCES') {
    const why = code === 'ENOENT' ? 'is not installed or not on the PATH' : 'may not be executed'
    return commandMissing(command, why, error)
  }
  return new Fault(
    'command_failed',
    `Cannot run ${command}: the system refused to start it (${code}).`,
    { code },
    error,
  )
}

/** @param why as the end of a sentence about the program */
export function commandMissing(command: string, why: string, cause?: unknown): Fault {
  const message = `Cannot run ${command}: it ${why}. Install it, then try again (moose doctor tells what is missing).`
  return new Fault('command_missing', message, { command }, cause)
}
