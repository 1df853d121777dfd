import { pino } from 'pino'

export type Log = ReturnType<typeof createLog>

/**
 * The service's own log: JSON lines on stderr, so that stdout stays for results. What a work order, a repository or a
 * model said is logged only as a redacted field, never as part of the message.
 */
export function createLog(level: 'debug' | 'info' | 'warn' | 'error' | 'silent') {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
}
