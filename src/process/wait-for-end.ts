import type { ChildProcess } from 'node:child_process'
import { waitAtMost, whenOver } from '../async/deadline.ts'
import { cancellation } from '../faults/cancellation.ts'
import { Fault } from '../faults/fault.ts'
import type { ForeignChild } from './foreign-child.ts'
import { signalGroup } from './process-group.ts'

/** Between the request to end and the order to. */
const KILL_GRACE_MS = 2_000
/** How long the pipes of a child that has ended may stay open because something else holds them. */
const DRAIN_MS = 200

/** A started child; `foreign` is null for one that runs no foreign code. */
type StartedChild = { child: ChildProcess; pid: number; foreign: ForeignChild | null }

type Limits = { command: string; timeoutMs: number; signal: AbortSignal | null }

/** How a child ended; exactly one of the two is not null. */
export type Ending = { exitCode: number | null; endedBy: NodeJS.Signals | null }

/** Waits until the child has ended by itself, or was ended because of its time or its signal. */
export async function waitForEnd(started: StartedChild, limits: Limits): Promise<Ending> {
  const { child } = started
  const exit = new Promise<Ending>((resolve) => {
    child.once('exit', (exitCode, endedBy) => resolve({ exitCode, endedBy }))
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const watch = watchForStop(limits)
  try {
    const first = await Promise.race([exit, watch.stopped])
    if (first instanceof Fault) await stop(started, exit)
    await releasePipes(started, closed)
    if (first instanceof Fault) throw first
    return first
  } finally {
    watch.end()
  }
}

/** Resolves with the reason when the command has to be stopped before it ends by itself. */
function watchForStop({ command, signal, timeoutMs }: Limits): { stopped: Promise<Fault>; end: () => void } {
  const { promise: stopped, resolve } = Promise.withResolvers<Fault>()
  const onAbort = (): void => resolve(commandCancelled(signal))
  const takeBack = whenOver(timeoutMs, () => {
    const message = `${command} was ended: it took longer than ${timeoutMs / 1000} s.`
    resolve(new Fault('command_timed_out', message, { command, timeoutMs }))
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  return {
    stopped,
    end: () => {
      takeBack()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}

async function stop({ pid, foreign }: StartedChild, exit: Promise<unknown>): Promise<void> {
  if (foreign === null) signalGroup(pid, 'SIGTERM')
  else foreign.ask(pid)
  await waitAtMost(exit, KILL_GRACE_MS)
  foreign?.kill()
  signalGroup(pid, 'SIGKILL')
  await exit
}

/**
 * Lets what the child wrote last arrive, ends what is left of its group, and gives up on pipes that a process outside
 * the group holds. There are two waits because a timer that was late would otherwise run before the last read.
 */
async function releasePipes({ child, pid }: StartedChild, closed: Promise<void>): Promise<void> {
  await waitAtMost(closed, DRAIN_MS)
  signalGroup(pid, 'SIGKILL')
  await waitAtMost(closed, DRAIN_MS)
  for (const stream of child.stdio) stream?.destroy()
}

/** The fault a command ends in when its signal was aborted. */
export function commandCancelled(signal: AbortSignal | null): Fault {
  return cancellation(signal, 'The attempt was cancelled while a command ran.', signal?.reason)
}
