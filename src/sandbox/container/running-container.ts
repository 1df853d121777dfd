import { setTimeout as sleep } from 'node:timers/promises'
import { whenOver } from '../../async/deadline.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { startParting } from '../../process/parting-command.ts'
import { endWithProcess } from '../../process/process-group.ts'
import { type Command, type CommandResult, runCommand } from '../../process/run-command.ts'
import { commandCancelled } from '../../process/wait-for-end.ts'
import type { Engine } from './engine.ts'

/** How long the client may still be there when its container is gone. */
const CLIENT_GRACE_MS = 20_000
const LOOK_AGAIN_MS = 200
/** Of what the engine says when it cannot start a container. */
const ERROR_BYTES = 4_096

export type ContainerRun = Pick<
  Command,
  'args' | 'cwd' | 'input' | 'timeoutMs' | 'maxOutputBytes' | 'signal' | 'onOutput'
> & {
  name: string
  /** For people. */
  what: string
}

/**
 * Runs a container to its end through the engine's client. It is the container that is ended when it takes too long or is
 * cancelled, and the client ends with it: a client that is killed leaves its container behind.
 *
 * @throws {Fault} `command_timed_out`, what the signal aborts with, `sandbox_unavailable` when there is no engine
 */
export async function runClient(engine: Engine, run: ContainerRun): Promise<CommandResult> {
  const { command, args, env } = engine.client
  const removal = { command, args: [...args, ...(await engine.removal(run.name))], env }
  if (run.signal?.aborted === true) throw commandCancelled(run.signal)
  const container = new RunningContainer(engine, run.name)
  const onAbort = () => container.end(commandCancelled(run.signal))
  const takeBack = whenOver(run.timeoutMs, () => container.end(timedOut(run)))
  run.signal?.addEventListener('abort', onAbort, { once: true })
  const forget = endWithProcess(() => startParting(removal))
  try {
    const { input, maxOutputBytes, onOutput } = run
    const outcome = await runCommand({
      command,
      env,
      cwd: run.cwd,
      maxOutputBytes,
      signal: container.clientSignal,
      args: [...args, ...run.args],
      ...(input === undefined ? {} : { input }),
      ...(onOutput === undefined ? {} : { onOutput }),
      maxErrorBytes: Math.max(maxOutputBytes, ERROR_BYTES),
      timeoutMs: run.timeoutMs + 2 * CLIENT_GRACE_MS,
    }).catch((error: unknown) => engine.unreachable(error))
    const isLost = outcome instanceof Fault || outcome.exitCode === null
    const why = await container.ended({ isLost })
    if (why !== null) throw why
    if (outcome instanceof Fault) throw outcome
    return outcome
  } finally {
    takeBack()
    run.signal?.removeEventListener('abort', onAbort)
    forget()
  }
}

function timedOut({ what, timeoutMs }: ContainerRun): Fault {
  const message = `The container of a ${what} was ended: it took longer than ${timeoutMs / 1000} s.`
  return new Fault('command_timed_out', message, { command: what, timeoutMs })
}

/** One that is being run, or is still being made. */
class RunningContainer {
  readonly #engine: Engine
  readonly #name: string
  readonly #client = new AbortController()
  #why: Fault | null = null
  #hasEnded = false
  #ending: Promise<void> = Promise.resolve()

  constructor(engine: Engine, name: string) {
    this.#engine = engine
    this.#name = name
  }

  get clientSignal(): AbortSignal {
    return this.#client.signal
  }

  /** Ends it, whatever it does, for the first reason that is given. */
  end(why: Fault): void {
    if (this.#why !== null) return
    this.#why = why
    this.#ending = this.#removeUntilEnded().catch((error: unknown) => this.#client.abort(toFault(error)))
  }

  /** One that is not there yet cannot be removed, so it is tried until the client has seen it end. */
  async #removeUntilEnded(): Promise<void> {
    const until = performance.now() + CLIENT_GRACE_MS
    while (!this.#hasEnded && performance.now() < until) {
      await this.#engine.remove(this.#name)
      if (!this.#hasEnded) await sleep(LOOK_AGAIN_MS)
    }
    if (!this.#hasEnded) this.#client.abort(this.#why)
  }

  /**
   * The client has ended; a container that it may have left is removed.
   *
   * @returns why the container was ended; null: it ended by itself
   */
  async ended({ isLost }: { isLost: boolean }): Promise<Fault | null> {
    this.#hasEnded = true
    await this.#ending
    if (isLost || this.#why !== null) await this.#engine.remove(this.#name).catch(() => false)
    return this.#why
  }
}
