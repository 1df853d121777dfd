import type { FaultRecord } from '../errors.ts'

const SHOWN_START = 1_500
/** What a check printed last says most. */
const SHOWN_END = 2_500

/** Times differ from run to run and say nothing. */
const TIMES = [
  /\b(duration(?:_ms)?["']?[:= ]+)\d[\d.,]*/gi,
  /\b()\d[\d.,]*(?= ?(?:ms|s|sec|secs|seconds?|min|mins|minutes?)\b)/gi,
]

/**
 * A failure as the next try of the same work is told of it: the same for the same failure, so that a question that was
 * asked and answered before can be told to be the same.
 */
export function toldFailure({ code, message }: FaultRecord): string {
  const lasting = TIMES.reduce((text, time) => text.replace(time, '$1…'), message).trim()
  if (lasting.length <= SHOWN_START + SHOWN_END) return `${code}: ${lasting}`
  return `${code}: ${lasting.slice(0, SHOWN_START)}\n[…]\n${lasting.slice(-SHOWN_END)}`
}
