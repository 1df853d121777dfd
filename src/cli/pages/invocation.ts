/** Every command, as hints name them. */
export const COMMANDS = [
  'add',
  'adopt',
  'approve',
  'audit',
  'budget',
  'cancel',
  'check',
  'close',
  'completion',
  'decide',
  'demo',
  'doctor',
  'edit',
  'inbox',
  'init',
  'list',
  'logs',
  'merge',
  'verify',
  'migrate',
  'notify',
  'numbers',
  'open',
  'places',
  'project',
  'proposer',
  'reject',
  'retry',
  'route',
  'run',
  'schema',
  'show',
  'start',
  'status',
  'stop',
  'token',
  'up',
  'watch',
  'why',
  'worker',
] as const

const THROUGH_NPM = 'npm run moose --'

/** `moose` before a command or an option, as its own word: no part of a path, a name or a URL. */
const HINT = new RegExp(`(?<![\\w./-])moose(?= (?:(?:${COMMANDS.join('|')})\\b|<command>|--[a-z]))`, 'g')

/**
 * How this process was started, as it can be typed again: what the launcher passed on, or `./moose` for
 * `node src/cli/main.ts`; with the `--home` it was given.
 *
 * @param words of the command line
 */
export function invocationOf(environment: Record<string, string | undefined>, words: readonly string[]): string {
  const { MOOSE_INVOKED: invoked } = environment
  const program = invoked === undefined || invoked === '' ? './moose' : invoked
  const started = program === THROUGH_NPM ? program : quoted(program)
  const home = homeIn(words)
  return home === null ? started : `${started} --home ${quoted(home)}`
}

function homeIn(words: readonly string[]): string | null {
  const index = words.findLastIndex((word) => word === '--home' || word.startsWith('--home='))
  const [word, next] = words.slice(index, index + 2)
  if (index === -1 || word === undefined) return null
  const home = word === '--home' ? next : word.slice('--home='.length)
  return home === undefined || home === '' ? null : home
}

/** A word as it may be typed into a shell. */
export function quoted(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Text of ours with the commands in it as they have to be typed here. */
export function asInvoked(text: string, invocation: string): string {
  return text.replaceAll(HINT, () => invocation)
}
