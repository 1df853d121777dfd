/** Every command, as hints name them. */
export const COMMANDS = [
  'add',
  'approve',
  'budget',
  'cancel',
  'check',
  'close',
  'demo',
  'doctor',
  'edit',
  'init',
  'list',
  'logs',
  'merge',
  'migrate',
  'reject',
  'retry',
  'route',
  'run',
  'show',
  'start',
  'status',
  'stop',
  'up',
  'worker',
] as const

const THROUGH_NPM = 'npm run moose --'

/** `moose` before a command or an option, as its own word: no part of a path, a name or a URL. */
const HINT = new RegExp(`(?<![\\w./-])moose(?= (?:(?:${COMMANDS.join('|')})\\b|<command>|--[a-z]))`, 'g')

/**
 * How this process was started, as it can be typed again: what the launcher passed on, or `./moose` for
 * `node src/cli/main.ts`.
 */
export function invocationOf(environment: Record<string, string | undefined>): string {
  const { MOOSE_INVOKED: invoked } = environment
  if (invoked === undefined || invoked === '') return './moose'
  if (invoked === THROUGH_NPM || /^[\w./@%+=:,-]+$/.test(invoked)) return invoked
  return `'${invoked.replaceAll("'", "'\\''")}'`
}

/** Text of ours with the commands in it as they have to be typed here. */
export function asInvoked(text: string, invocation: string): string {
  return text.replaceAll(HINT, () => invocation)
}
