import type { BaseCheck } from '../contract/base-checks.ts'
import type { Check } from '../ports/execution.ts'

type Ending = Pick<BaseCheck, 'outcome' | 'exit_code' | 'output_tail'>

/** Lines from the end that are looked at: what a shell or a runner says of a missing program comes last. */
const LAST_LINES = 50
const MOST_OF_LINE = 500

/** What shells say of a program they do not find: of dash, bash and zsh. */
const NOT_FOUND = [/: (?:line )?\d+: ([^:\s]+): (?:command )?not found$/, /: command not found: ([^:\s]+)$/]
/** make and just name the exit code of the command that they ran. */
const ENDED_BY = [/^g?make(?:\[\d+\])?: \*\*\* .*\bError (126|127)$/, /^error: Recipe .* with exit code (126|127)$/]
/** The last line of one that used more than it may, which Moose adds to what it printed. */
const ENDED_BY_LIMIT = /^The check was ended: (it .{1,200}?)\. /
/** `python -m pytest` without pytest. The interpreter says it, and not a test that imports something. */
const NO_MODULE = /(?:^|\/)python[\d.]*(?:\.exe)?: No module named ['"]?([\w.]+)/
/** The manifest has no script of the name that is run. */
const NO_SCRIPT = [/^npm (?:error|ERR!) Missing script: /, /ERR_PNPM_NO_SCRIPT/, /^error Command ".*" not found\.$/]

/**
 * Why a check that ended so on the base commit cannot be run as things are, as the end of a sentence; null: it ran, and
 * passed or failed. It is told only from what says so without doubt: exit codes of shells, and the words of the program that
 * looked for another. A test that fails because a library is missing is a failed check.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html (2.8.2, exit status)
 */
export function whyNotRunnable(check: Pick<Check, 'run' | 'timeoutMs'>, ending: Ending): string | null {
  const { outcome, exit_code: exitCode } = ending
  if (outcome === 'passed') return null
  if (outcome === 'timed_out') return `it did not end within ${check.timeoutMs / 1000} s`
  const lines = lastLines(ending)
  if (outcome === 'crashed') return whyCrashed(exitCode, lines)
  const byRunner = lines.map((line) => firstOf(ENDED_BY, line)).find((code) => code !== null)
  if (byRunner !== undefined) return whyCrashed(Number(byRunner), lines)
  const module = NO_MODULE.exec(String(lines.at(-1)))?.[1]
  if (module !== undefined && runsModule(check.run, module)) return `the Python module ${module} is missing`
  if (lines.some((line) => NO_SCRIPT.some((pattern) => pattern.test(line))))
    return 'the package has no script of this name'
  return null
}

function whyCrashed(exitCode: number | null, lines: readonly string[]): string {
  const missing = lines.map((line) => firstOf(NOT_FOUND, line)).findLast((name) => name !== null)
  if (exitCode === 127) return `${missing === undefined ? 'a program' : missing} is missing (exit code 127)`
  if (exitCode === 126) return 'a program cannot be executed (exit code 126)'
  const limit = ENDED_BY_LIMIT.exec(String(lines.at(-1)))?.[1]
  if (limit !== undefined) return limit
  return 'it was ended by a signal, or left its work tree in a state that cannot be put right'
}

function runsModule(run: string, module: string): boolean {
  return run.split(/\s+/).some((word, index, words) => word === '-m' && words[index + 1] === module)
}

function firstOf(patterns: readonly RegExp[], line: string): string | null {
  for (const pattern of patterns) {
    const found = pattern.exec(line)?.[1]
    if (found !== undefined) return found
  }
  return null
}

function lastLines({ output_tail: tail }: Ending): string[] {
  return tail
    .trimEnd()
    .split('\n')
    .slice(-LAST_LINES)
    .map((line) => line.slice(0, MOST_OF_LINE).trimEnd())
}

/** What runtimes say of a library they do not find. */
const NO_LIBRARY = [
  /^(?:E +)?(?:ModuleNotFoundError|ImportError): No module named/,
  /\bError: Cannot find (?:module|package) '/,
  /: no required module provides package /,
  /: error: package [\w.]+ does not exist$/,
  /^error\[E0432\]: unresolved import/,
]
/** What clients say of a service that is not there: a database, a registry's audit, Docker. */
const NO_SERVICE = [
  /\bECONNREFUSED\b/,
  /\bgetaddrinfo (?:ENOTFOUND|EAI_AGAIN)\b/,
  /\bConnectionRefusedError\b/,
  /\bjava\.net\.(?:ConnectException|UnknownHostException)\b/,
  /\bdial (?:tcp|udp|unix)(?: \S{1,200})?: (?:connect: connection refused|lookup )/,
  /\bconnection to server at .{1,200} failed: Connection refused/,
  /(?:Temporary failure in name resolution|[Cc]ould not resolve host)/,
  /Cannot connect to the Docker daemon/,
  /^npm (?:error|ERR!) (?:audit endpoint returned an error|network )/,
]
/** What package managers say when `package.json` asks for another version of them. */
const OTHER_VERSION = [
  /\bERR_PNPM_(?:BAD_PM_VERSION|UNSUPPORTED_ENGINE)\b/,
  /\bresolve package manager dependencies\b/,
  /This project's package\.json defines "packageManager":/,
  /^This project is configured to use \w+ because /,
]
/** What tools say when the repository asks for another version of them, or of what runs them. */
const OTHER_TOOL = [
  /\bDetected (?:Maven|JDK) [Vv]ersion:? .{1,200} is not in the allowed range/,
  /^npm (?:error|ERR!) code EBADENGINE$/,
  /\brequires a different Python: /,
  /^Current Python version \(.{1,100}\) is not allowed by the project/,
  /^error: No interpreter found for Python /,
  /\bgo\.mod requires go >= /,
  /\brequires rustc \d/,
]
const NO_TERMINAL =
  /(?:\bnot a (?:tty|terminal)|\bstdin is not|\bInappropriate ioctl for device|\/dev\/tty: |\bEOFError: EOF when reading a line)/i

/** What the output of a check or of set-up that failed or was ended suggests; null: nothing. */
export function hintOf(ending: Ending): string | null {
  if (ending.outcome === 'passed') return null
  const lines = lastLines(ending)
  if (lines.some((line) => NO_TERMINAL.test(line)))
    return 'it seems to ask for a terminal: checks have none, and read an empty stdin'
  const says = (patterns: readonly RegExp[]) => lines.some((line) => patterns.some((pattern) => pattern.test(line)))
  if (says(OTHER_VERSION))
    return 'package.json asks for another version of the package manager: install that version, or let corepack fetch it'
  if (says(OTHER_TOOL))
    return 'the repository asks for another version of a tool than was found: install that version, as it is said there'
  if (says(NO_SERVICE))
    return 'it seems to need a service that does not answer from here: leave out what needs it, or have it run on this machine'
  if (says(NO_LIBRARY)) return 'this looks like a missing dependency: have setup: of moose.yaml install it'
  if (ending.outcome === 'timed_out' && /[?:>]$/.test(String(lines.at(-1))))
    return 'its last line looks like a question: checks have no terminal, and read an empty stdin'
  return null
}
