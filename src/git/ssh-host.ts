import { toFault } from '../faults/fault.ts'
import { runCommand } from '../process/run-command.ts'
import type { Git } from './git.ts'

const TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 256 * 1024

/** Where ssh would go, and as whom. */
export type SshTarget = { host: string; user: string }

/**
 * What ssh makes of a host that may be an alias of the operator's `~/.ssh/config`; no connection is made.
 *
 * @param options of ssh, such as another configuration
 * @returns null when ssh cannot tell: it is not there, refuses the name or its configuration, or takes too long
 * @see https://man.openbsd.org/ssh#G
 */
export async function sshTargetOf(
  git: Git,
  { host, user }: { host: string; user: string | null },
  options: readonly string[] = [],
): Promise<SshTarget | null> {
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(host)) return null
  // Of a checkout's origin, which is not refused yet; `Match exec` of the operator's configuration may name it.
  if (user !== null && !/^[A-Za-z0-9._][A-Za-z0-9._%+-]*$/.test(user)) return null
  try {
    const { exitCode, stdout } = await runCommand({
      command: 'ssh',
      args: [...options, '-G', ...(user === null ? [] : ['-l', user]), '--', host],
      cwd: '/',
      env: git.environment,
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      keep: 'head',
      signal: null,
    })
    if (exitCode !== 0) return null
    const said = stdout.text()
    const [, target] = /^hostname ([a-z0-9][a-z0-9.-]*)$/im.exec(said) ?? []
    const [, login] = /^user ([A-Za-z0-9._][A-Za-z0-9._-]*)$/m.exec(said) ?? []
    return target === undefined || login === undefined ? null : { host: target.toLowerCase(), user: login }
  } catch (error) {
    const { code } = toFault(error)
    if (code === 'command_missing' || code === 'command_timed_out') return null
    throw error
  }
}
