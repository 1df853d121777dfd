import { AsyncLocalStorage } from 'node:async_hooks'
import { type DestinationStream, pino } from 'pino'
import type { Config } from './config.ts'
import {
  createRedaction,
  type KnownSecret,
  knownSecrets,
  type SecretSettings,
  withStringsReplaced,
} from './redaction/redaction.ts'

export type Log = ReturnType<typeof createLog>

/** What every line says that is written in the course of something: which order, attempt, step and trace. */
export type LogFields = Readonly<Record<string, string | number>>

/**
 * What programs log in with without Moose knowing it, such as the operator's own gh: GitHub and the providers. Taken out
 * of the log alone; in what a step makes, a text that looks like a token may belong there.
 */
const FOREIGN_TOKEN =
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|sk-(?:ant|proj)-[A-Za-z0-9_-]{20,})/g

const inForce = new AsyncLocalStorage<LogFields>()

/**
 * The service's own log: JSON lines on stderr, so that stdout stays for results. What a work order, a repository or a
 * model said is logged only as a redacted field, never as part of the message.
 *
 * @param options.secrets taken out of every text of a line; its names and numbers stay
 */
export function createLog(
  level: 'debug' | 'info' | 'warn' | 'error' | 'silent',
  options: { secrets: readonly KnownSecret[]; destination?: DestinationStream } = { secrets: [] },
) {
  const { secrets, destination = pino.destination(2) } = options
  const redacted = createRedaction(secrets)
  const quiet = (text: string) => redacted(text).replace(FOREIGN_TOKEN, '[redacted]')
  const hooks = { streamWrite: (line: string) => withStringsReplaced(line, quiet) }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, mixin: logFields, hooks }, destination)
}

/** The log of a program with this configuration: at its level, without its secrets. */
export function createLogFor(config: SecretSettings & Pick<Config, 'logLevel'>): Log {
  return createLog(config.logLevel, { secrets: knownSecrets(config) })
}

/** Runs something whose lines have these fields beside those in force already, also what it begins and leaves running. */
export function withLogFields<Result>(fields: LogFields, run: () => Result): Result {
  return inForce.run({ ...logFields(), ...fields }, run)
}

/** A new object each time: pino writes into it. */
function logFields(): Record<string, string | number> {
  return { ...inForce.getStore() }
}
