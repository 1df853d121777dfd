import { type FaultCode, toldToModel } from '../faults/fault.ts'

const SHOWN_START = 1_500
/** A failed check ends with what it printed that says most, of at most 4,000 bytes. */
const SHOWN_END = 4_500

/** Times differ from run to run and say nothing. */
const DURATION = /\b(duration(?:_ms)?["']?[:= ]+)\d[\d.,]*/gi
const TIME = /\b\d[\d.,]*( ?(?:ms|s|sec|secs|seconds?|min|mins|minutes?)\b)?/gi

/**
 * A failure as the next try is told of it. The same failure gives the same text, so that a repeated question is
 * recognized and not paid for again.
 */
export function failureSummary({
  code,
  message,
  details,
}: { code: FaultCode } & Parameters<typeof toldToModel>[0]): string {
  const lasting = toldToModel({ message, details }).replace(DURATION, '$1…').replace(TIME, withoutTime).trim()
  if (lasting.length <= SHOWN_START + SHOWN_END) return `${code}: ${lasting}`
  return `${code}: ${lasting.slice(0, SHOWN_START)}\n[…]\n${lasting.slice(-SHOWN_END)}`
}

/** A number is a time where a unit stands behind it. */
function withoutTime(number: string, unit: string | undefined): string {
  return unit === undefined ? number : `…${unit}`
}
