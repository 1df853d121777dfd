/** Process groups that are alive; each is led by a child Moose spawned as a leader of its own group. */
const running = new Set<number>()

/** Signals every process of a group. A group that is gone already is not an error. */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leaderPid, signal)
  } catch (error) {
    // macOS answers EPERM instead of ESRCH for a group of which only zombies are left.
    if (!isGone(error)) throw error
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')
}

/**
 * Remembers a group until the returned function is called, so that it ends with Moose: when the process exits, what
 * is still remembered is killed. (A SIGKILL of Moose leaves no time for that.)
 */
export function endGroupWithProcess(leaderPid: number): () => void {
  if (running.size === 0) process.on('exit', killAll)
  running.add(leaderPid)
  return () => {
    running.delete(leaderPid)
    if (running.size === 0) process.off('exit', killAll)
  }
}

function killAll(): void {
  for (const leaderPid of running) signalGroup(leaderPid, 'SIGKILL')
}
