import { mkdir } from 'node:fs/promises'
import { Fault } from '../faults/fault.ts'
import { BoundedOutput } from '../process/bounded-output.ts'
import { type Command, type CommandResult, runCommand } from '../process/run-command.ts'
import { accessTo, type GitAccess, type RemoteRepository, withoutToken } from './git-access.ts'
import { gitEnvironment, HARDENED_ARGS } from './git-environment.ts'
import { withoutCredentials } from './repository-url.ts'

export type GitCall = {
  /** Null: it cannot be cancelled. */
  signal: AbortSignal | null
  /** Added to the hardened environment: an index file, an identity. */
  env?: Readonly<Record<string, string>>
} & Partial<Pick<Command, 'cwd' | 'input' | 'timeoutMs' | 'maxOutputBytes' | 'keep' | 'onStdout'>>

const TIMEOUT_MS = 10 * 60_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
/** A hook of the other side prints there as much as it likes, and some of it is searched for what went wrong. */
const MAX_ERROR_BYTES = 64 * 1024
const SHOWN_STDERR = 600

/** Of a git that talked to a repository with a token: stdout is as it came, for reading; stderr is fit to be shown. */
export type RemoteResult = CommandResult & {
  /** A part of stdout as it may be shown. */
  shown: (text: string) => string
}

/** git on this host, hardened: no hooks, no prompts, no configuration but ours. */
export class Git {
  readonly #home: string
  readonly #access: GitAccess | null

  /**
   * @param home absolute path of a private folder that is and stays empty; made when it is missing
   * @param access null: no token and no proxy is known
   */
  constructor(home: string, access: GitAccess | null = null) {
    this.#home = home
    this.#access = access
  }

  /** The whole environment its commands and ssh's are given. */
  get environment(): Record<string, string> {
    const agent = this.#access === null ? null : this.#access.agent
    return { ...gitEnvironment(this.#home), ...(agent === null ? {} : { SSH_AUTH_SOCK: agent }) }
  }

  /** Runs git. A non-zero exit is a result. */
  async run(args: readonly string[], call: GitCall): Promise<CommandResult> {
    await mkdir(this.#home, { recursive: true, mode: 0o700 })
    const { env, ...limits } = call
    return await runCommand({
      // Not a folder that foreign code can write to: git would look for a repository there.
      cwd: '/',
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      maxErrorBytes: MAX_ERROR_BYTES,
      ...limits,
      command: 'git',
      args: [...HARDENED_ARGS, ...args],
      env: { ...this.environment, ...env },
    })
  }

  /** Runs a git that talks to this repository, with what that needs. */
  async runRemote(repository: RemoteRepository, args: readonly string[], call: GitCall): Promise<RemoteResult> {
    const { args: more, env, token } = await accessTo(repository, this.#access)
    const result = await this.run([...more, ...args], { ...call, env: { ...env, ...call.env } })
    if (token === null) return { ...result, shown: (text) => text }
    return { ...result, stderr: cleaned(result.stderr, token), shown: (text) => withoutToken(text, token) }
  }

  /**
   * Runs git where only success makes sense.
   *
   * @throws {Fault} `command_failed` with what git said; also when the output was too long to be read whole
   */
  async succeed(args: readonly string[], call: GitCall): Promise<CommandResult> {
    const result = await this.run(args, call)
    if (result.exitCode !== 0) throw gitFailed(args, result)
    if (result.stdout.droppedBytes > 0 && call.keep === undefined) {
      const message = `git ${verb(args)} answered more than Moose reads (${MAX_OUTPUT_BYTES} bytes).`
      throw new Fault('command_failed', message)
    }
    return result
  }
}

function cleaned(output: BoundedOutput, token: string): BoundedOutput {
  const text = output.text()
  const clean = withoutToken(text, token)
  if (clean === text) return output
  const copy = new BoundedOutput(Buffer.byteLength(clean), 'head')
  copy.write(Buffer.from(clean))
  return copy
}

/** The Fault for a git that failed although nothing about the request explains it. */
export function gitFailed(args: readonly string[], result: CommandResult): Fault {
  const how = result.endedBy === null ? `exit ${result.exitCode}` : result.endedBy
  return new Fault('command_failed', `git ${verb(args)} failed (${how}): ${whatGitSaid(result)}`, {
    exitCode: result.exitCode,
  })
}

/** The last lines of git's stderr, fit to be shown: no credentials, no control characters, bounded. */
export function whatGitSaid(result: CommandResult): string {
  const text = withoutCredentials(result.stderr.text())
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  return text === '' ? 'it said nothing' : text.slice(-SHOWN_STDERR)
}

/** The git command among the arguments: `fetch`. */
function verb(args: readonly string[]): string {
  return args
    .filter((arg) => !arg.startsWith('-'))
    .slice(0, 1)
    .join('')
}
