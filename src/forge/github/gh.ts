import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type Clock, NEVER_ABORTED } from '../../clock.ts'
import type { Config } from '../../config.ts'
import { Fault } from '../../faults/fault.ts'
import { withoutToken } from '../../git/git-access.ts'
import { withoutCredentials } from '../../git/repository-url.ts'
import { type Command, type CommandResult, runCommand } from '../../process/run-command.ts'
import { commandCancelled } from '../../process/wait-for-end.ts'

export const MAX_OUTPUT_BYTES = 8 * 1024 * 1024
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
  /** There was more of it than is kept: its middle is missing. */
  isCut: boolean
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

/**
 * The token for a host; null when neither the configuration nor the operator's gh has one for exactly this host.
 *
 * @throws {Fault} `command_missing` (no gh to ask), `github_unauthorized` (it does not answer)
 */
export type TokenFor = (host: string) => Promise<string | null>

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

/** How to give Moose a token for a host, as words in a sentence. */
export function tokenVariables(host: string): string {
  return host === 'github.com' ? 'set GH_TOKEN' : `set GH_HOST=${host} and GH_ENTERPRISE_TOKEN`
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
  return {
    exitCode,
    stdout: stdout.text(),
    isCut: stdout.droppedBytes > 0,
    shown: (part) => withoutToken(part, token),
    said,
  }
}

/** Runs the gh of the given PATH. @throws {Fault} `command_missing` that says how to get it, and those of `runCommand` */
export async function runGhCommand(command: Omit<Command, 'command'>): Promise<CommandResult> {
  try {
    return await runCommand({ ...command, command: 'gh' })
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'command_missing') throw error
    const message =
      'gh, the program Moose speaks to GitHub with, is not installed or not on the PATH. ' +
      'Install it (https://cli.github.com; Debian and Ubuntu: apt install gh), then see: moose doctor'
    throw new Fault('command_missing', message, { command: 'gh' }, error)
  }
}

const HOUR_MS = 3_600_000

/** Counts requests to the API of GitHub. */
export type ApiCalls = {
  add(count: number): void
  lastHour(): number
}

export function createApiCalls(clock: Clock): ApiCalls {
  let calls: { at: number; count: number }[] = []
  const recent = () => {
    const since = clock.now().getTime() - HOUR_MS
    calls = calls.filter(({ at }) => at > since)
    return calls
  }
  return {
    add(count) {
      recent().push({ at: clock.now().getTime(), count })
    },
    lastHour: () => recent().reduce((total, { count }) => total + count, 0),
  }
}

/** What GitHub asks for between two requests that change something. */
const APART_MS = 1_000

/**
 * Runs what changes something at a host of GitHub: one after the other in the order they came, each at least a second
 * after the last one has ended. A host is a token (tokens.ts).
 *
 * @throws {Fault} `attempt_cancelled` or what the signal was aborted with, at once, when it waits; what it throws itself
 * @see https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#pause-between-mutative-requests
 */
export type MutationPace = <T>(host: string, signal: AbortSignal, mutate: () => Promise<T>) => Promise<T>

export function createMutationPace(clock: Clock): MutationPace {
  /** When the last of a host has ended, or will have; in ms. */
  const lastEnds = new Map<string, Promise<number>>()
  return async (host, signal, mutate) => {
    const known = lastEnds.get(host)
    const before = known === undefined ? Promise.resolve(Number.NEGATIVE_INFINITY) : known
    const { promise: mine, resolve: end } = Promise.withResolvers<number>()
    lastEnds.set(host, mine)
    let began = false
    try {
      const left = (await unlessAborted(before, signal)) + APART_MS - clock.now().getTime()
      // A clock that was set back must not stop everything until it has caught up.
      if (left > 0) await pause(clock, Math.min(left, APART_MS), signal)
      began = true
      return await mutate()
    } finally {
      // One that never began is as if it had not queued: the next one waits for the one before it.
      end(began ? clock.now().getTime() : before)
    }
  }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    throw signal.aborted ? commandCancelled(signal) : error
  }
}

function unlessAborted<T>(event: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(commandCancelled(signal))
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    event.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}
