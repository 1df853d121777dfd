import { spawn } from 'node:child_process'

/**
 * Starts a program that goes on without us and is not waited for: what Moose still has to have done when it exits, where
 * there is no time left to wait for anything. It prints nowhere; that it cannot be started is not told.
 */
export function startParting(program: {
  command: string
  args: readonly string[]
  /** Its whole environment. */
  env: Readonly<Record<string, string>>
}): void {
  const child = spawn(program.command, [...program.args], {
    cwd: '/',
    env: { ...program.env },
    detached: true,
    stdio: 'ignore',
  })
  child.on('error', () => {})
  child.unref()
}
