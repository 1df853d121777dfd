import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { NEVER_ABORTED } from '../../clock.ts'
import type { Config } from '../../config.ts'
import { Fault } from '../../faults/fault.ts'
import { withoutToken } from '../../git/git-access.ts'
import { withoutCredentials } from '../../git/repository-url.ts'
import type { CommandResult } from '../../process/run-command.ts'
import type { ApiCalls } from './api-calls.ts'
import { runGhCommand } from './gh-command.ts'
import { tokenVariables } from './github-faults.ts'
import type { MutationPace } from './mutation-pace.ts'
import type { TokenFor } from './tokens.ts'

const MAX_OUTPUT_BYTES = 8 * 1024 * 1024
/** Only the last of it is shown. */
const MAX_ERROR_BYTES = 64 * 1024
const SHOWN = 600

export type GhCall = {
  host: string
  /** Requests to the API this command makes. */
  apiCalls: number
  /** Whether it may change something on GitHub; then it waits for its turn. */
  mutates: boolean
  /** Of the command itself, without the wait for its turn. */
  timeoutMs: number
  input?: string
  signal: AbortSignal | null
}

/** What gh printed: GitHub or a proxy may repeat the token it was sent. */
export type GhResult = {
  /** Null when a signal ended it. */
  exitCode: number | null
  /** As it came, for reading. */
  stdout: string
  /** A part of stdout as it may be shown, without the token. */
  shown: (text: string) => string
  /** The last of stderr, fit to be shown. */
  said: string
}

/** The real gh, with an environment of ours: a token for one host, no configuration, no prompt, no cache but ours. */
export type Gh = {
  /**
   * Runs gh in a process group of its own. A non-zero exit is a result, and says little: gh exits 1 also after it has
   * done what it was asked to.
   *
   * @throws {Fault} `github_unauthorized` (no token), `command_missing`, `command_timed_out`, `attempt_cancelled`
   */
  run(args: readonly string[], call: GhCall): Promise<GhResult>
}

/** @see https://cli.github.com/manual/gh_help_environment */
export function createGh(
  config: Pick<Config, 'home' | 'executablePath' | 'networkEnvironment'>,
  { tokenFor, apiCalls, pace }: { tokenFor: TokenFor; apiCalls: ApiCalls; pace: MutationPace },
): Gh {
  const home = path.join(config.home, 'gh')
  return {
    async run(args, call) {
      const token = await tokenFor(call.host)
      if (token === null) throw noToken(call.host)
      await mkdir(home, { recursive: true, mode: 0o700 })
      const run = async () => {
        apiCalls.add(call.apiCalls)
        const env = { ...environment(home, config), ...tokenVariable(call.host, token) }
        const bounds = { maxOutputBytes: MAX_OUTPUT_BYTES, maxErrorBytes: MAX_ERROR_BYTES }
        const limits = { timeoutMs: call.timeoutMs, signal: call.signal, ...bounds }
        const input = call.input === undefined ? {} : { input: call.input }
        return fitToShow(await runGhCommand({ args, cwd: home, env, ...limits, ...input }), token)
      }
      if (!call.mutates) return await run()
      return await pace(call.host, call.signal === null ? NEVER_ABORTED : call.signal, run)
    },
  }
}

function environment(home: string, config: Pick<Config, 'executablePath' | 'networkEnvironment'>) {
  return {
    ...config.networkEnvironment,
    PATH: config.executablePath,
    HOME: home,
    GH_CONFIG_DIR: path.join(home, 'config'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
    XDG_CACHE_HOME: path.join(home, 'cache'),
    XDG_STATE_HOME: path.join(home, 'state'),
    XDG_DATA_HOME: path.join(home, 'data'),
    // gh keeps a cache of the server's features in the folder for temporary files.
    TMPDIR: home,
    GH_PROMPT_DISABLED: '1',
    GH_NO_UPDATE_NOTIFIER: '1',
    GH_NO_EXTENSION_UPDATE_NOTIFIER: '1',
    GH_TELEMETRY: 'false',
    DO_NOT_TRACK: '1',
    GH_PAGER: 'cat',
    NO_COLOR: '1',
    LC_ALL: 'C',
  }
}

/**
 * gh keeps the two apart so that a token never goes to another host. For a tenant of ghe.com gh 2.23 reads the second,
 * gh 2.46 the first.
 */
function tokenVariable(host: string, token: string): Record<string, string> {
  if (host === 'github.com') return { GH_TOKEN: token, GH_HOST: host }
  return { GH_ENTERPRISE_TOKEN: token, GH_HOST: host, ...(host.endsWith('.ghe.com') ? { GH_TOKEN: token } : {}) }
}

function noToken(host: string): Fault {
  const message = `Moose has no token for ${host}. Log in: gh auth login --hostname ${host}, or ${tokenVariables(host)}.`
  return new Fault('github_unauthorized', message, { host })
}

function fitToShow({ exitCode, stdout, stderr }: CommandResult, token: string): GhResult {
  const text = withoutToken(withoutCredentials(stderr.text()), token)
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  const said = text === '' ? 'gh said nothing' : text.slice(-SHOWN)
  return { exitCode, stdout: stdout.text(), shown: (part) => withoutToken(part, token), said }
}
