import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** The user a child runs as; null: ours. Only root may choose. */
export type RunAs = { uid: number; gid: number } | null

export type DaemonOptions = {
  /** Absolute path of the program. */
  command: string
  args: readonly string[]
  /** The whole environment of the child; nothing of ours is inherited. */
  environment: Readonly<Record<string, string>>
  /** Its stdout and stderr are appended here; readable by its owner only. A symbolic link is refused. */
  logFile: string
  runAs: RunAs
}

/** `code` is null when a signal ended it. */
export type DaemonExit = { code: number | null; signal: NodeJS.Signals | null }

export type Daemon = {
  hasExited(): boolean
  /** Keeps our process alive until the daemon ended. */
  waitForExit(): Promise<DaemonExit>
}

/**
 * Starts a program that may outlive us: in a session of its own, so that a Ctrl-C in our terminal does not reach it,
 * and without keeping our process alive.
 *
 * @throws the system's error when the program cannot be executed
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using log = await open(
    options.logFile,
    constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
    0o600,
  )
  const child = spawn(options.command, options.args, {
    cwd: '/',
    detached: true,
    env: { ...options.environment },
    stdio: ['ignore', log.fd, log.fd],
    ...options.runAs,
  })
  const exit = Promise.withResolvers<DaemonExit>()
  let exited = false
  child.once('exit', (code, signal) => {
    exited = true
    exit.resolve({ code, signal })
  })
  await once(child, 'spawn')
  child.unref()
  return {
    hasExited: () => exited,
    waitForExit: () => {
      child.ref()
      return exit.promise
    },
  }
}
