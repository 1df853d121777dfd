import { errorCode } from '../faults/error-code.ts'

/** What has to be killed should Moose exit now. */
const running = new Set<() => void>()

/** Signals every process of a group. A group that is gone already is not an error. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): void {
  signalProcess(-leaderPid, signal)
}

/** Signals one process. One that is gone already, or that is not ours to signal, is not an error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // macOS answers EPERM instead of ESRCH for a group of which only zombies are left.
    if (!isGone(error)) throw error
  }
}

function isGone(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ESRCH' || code === 'EPERM'
}

/**
 * Remembers how to kill a child until the returned function is called, so that it ends with Moose: when the process
 * exits, what is still remembered is killed. (A SIGKILL of Moose leaves no time for that.)
 */
export function endWithProcess(kill: () => void): () => void {
  if (running.size === 0) process.on('exit', killAll)
  running.add(kill)
  return () => {
    running.delete(kill)
    if (running.size === 0) process.off('exit', killAll)
  }
}

function killAll(): void {
  for (const kill of running) kill()
}
