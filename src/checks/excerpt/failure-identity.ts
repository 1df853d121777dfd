import { createHash } from 'node:crypto'
import type { Block } from './failure-format.ts'

/** Two sides are compared: what stands in such a line is their value. */
const COMPARES = /\b(?:expected|actual|received|got|want(?:ed)?|left|right)\b|[!=]=|≠/i
/** A frame of a stack, or a piece of source around a place: how a failure was reached. */
const SAYS_WHERE = /^\s*(?:at |❯ |--> |File "|>? ?\d* ?\|)/

/** What another run of the same failure gives another value. */
const ALWAYS: readonly [pattern: RegExp, instead: string][] = [
  [/\b0x[\da-f]{1,16}\b|@[\da-f]{5,16}\b/gi, '…'],
  [/(?<![\w.])(?:\/private)?\/(?:tmp|var\/tmp|var\/folders)\/[^\s'"`():,]+/g, '…'],
  [/\((?:in )?\d[\d.,]{0,20} ?(?:ms|s|µs|ns|min|m)\)/g, ''],
  [/\b(127\.0\.0\.1|localhost):\d{5}\b/g, '$1'],
  [/\bgoroutine \d{1,20}\b/g, 'goroutine'],
  [/' \(\d{1,20}\) panicked/g, "' panicked"],
  [/(?<=[^\s:(]\.\w{1,10})(?::\d{1,9}){1,2}$/, ''],
  // A line that begins with its place, as compilers and Go have it, and ESLint without the file.
  [/^(\s*\S{1,300}\.\w{1,10})(?::\[?\d{1,9}(?:[:,]\d{1,9})?\]?|\(\d{1,9}(?:,\d{1,9})?\))/, '$1'],
  [/^\s*\d{1,9}:\d{1,9}(?= )/, ''],
]
const UNLESS_COMPARED: readonly [pattern: RegExp, instead: string][] = [
  [/(?<![\w.])\d[\d.]{0,20} ?(?:ms|s|µs|ns|secs?|seconds?|min|minutes?)\b/g, '…'],
  [/(?<=\.\w{1,10})(?::\d{1,9}){1,2}/g, ''],
  [/\blines? \d{1,9}\b/g, 'line'],
]

/**
 * A line of a failure without what differs from run to run, or where the text around it moves: durations, addresses, folders
 * for temporary files, line numbers. Of what is compared the values stay.
 */
export function lasting(line: string): string {
  const rules = COMPARES.test(line) ? ALWAYS : [...ALWAYS, ...UNLESS_COMPARED]
  return rules.reduce((text, [pattern, instead]) => text.replace(pattern, instead), line).trim()
}

/**
 * Equal for the same failures, in whichever order they are told: what failed, and with which assertion or error. Where else it
 * has passed, and the source around it, do not count.
 *
 * @returns null: there are none
 */
export function failureIdentity(blocks: readonly Block[]): string | null {
  if (blocks.length === 0) return null
  const told = blocks.map((block) =>
    block
      .filter(({ text, worth }, at) => at === 0 || (worth !== 'context' && !SAYS_WHERE.test(text)))
      .map(({ text }) => lasting(text))
      .join('\n'),
  )
  const failures = [...new Set(told)].toSorted()
  return createHash('sha256').update(JSON.stringify(failures)).digest('hex').slice(0, 32)
}
