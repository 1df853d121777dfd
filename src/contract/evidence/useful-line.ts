import { saysFailure } from './failing-part.ts'

const MOST_LINES = 200
const MOST_OF_LINE = 1_000
const LONGEST = 240

/** What was thrown, what was expected, or an error and its place. */
const SAYS_WHY = [
  /^panic: |^fatal error: |^error\[E\d+\]|\berror TS\d+: |^\s+\d+:\d+ +error /,
  / [!=]== |expected: <|==> |Cannot find|: undefined: |[Tt]imed out|Exceeded timeout/,
  /^(?:\[ERROR\] )?\S+\.\w+:\[?\d+(?:[:,]\d+)?\]?:? \S/,
  /^\s+\S+\.\w+:\d+: \S/,
]
/** With what it says behind it, and not below. */
const THROWN = /(?:Error|Exception)(?: \[\w+\])?: \S/
/** One of the two sides of a comparison. */
const SIDE = /^\s*(?:[Ee]xpected|[Rr]eceived|[Aa]ctual|left|right|got|want|Error name|Error message): *\S/
const ASSERTION = /^\s*(?:assert|assertion)\b/
/** A stack, a piece of source, or the head of what says more. */
const SAYS_WHERE = /^\s*(?:at |❯ |--> |File "|>? ?\d* ?\||expect\(|>|[-+] (?:Expected|Received)\b)|:\d+: \w*$|:\d+: in /
/** The message stands in the line behind it. */
const PANICKED = / panicked at \S+:\d+:\d+:$/

/**
 * Of the useful part of an output the one line that says most: of the first failure the line that says why, with the two
 * sides that were compared; else one that says what failed. Empty where there is none.
 */
export function usefulLine(told: string): string {
  const lines = told.split('\n').slice(0, MOST_LINES)
  let best = { at: -1, score: 0 }
  for (const [at, line] of lines.entries()) {
    // The next account begins; what is known of the first is enough.
    if (line.trim() === '' && best.score > 1) break
    const score = scoreOf(
      line.slice(0, MOST_OF_LINE),
      at > 0 && PANICKED.test(String(lines[at - 1]).slice(-MOST_OF_LINE)),
    )
    if (score > best.score) best = { at, score }
  }
  return withSides(lines, best.at).slice(0, LONGEST).toWellFormed()
}

function scoreOf(line: string, isMessage: boolean): number {
  if (line.trim() === '') return 0
  if (/^E {3,}\S/.test(line)) return 5
  if (isMessage) return 4
  if (SAYS_WHERE.test(line)) return 1
  if (SAYS_WHY.some((pattern) => pattern.test(line))) return 4
  if (THROWN.test(line) && !line.endsWith(':')) return 4
  if (ASSERTION.test(line) || SIDE.test(line)) return 3
  return saysFailure(line) ? 2 : 1
}

function withSides(lines: readonly string[], at: number): string {
  const chosen = lines[at]
  if (chosen === undefined) return ''
  const following = lines.slice(at + 1, at + 3)
  const end = following.findIndex((line) => !SIDE.test(line.slice(0, MOST_OF_LINE)))
  const sides = end === -1 ? following : following.slice(0, end)
  return [chosen.replace(/^E {3,}/, ''), ...sides]
    .map((line) => line.trim().slice(0, MOST_OF_LINE))
    .join(', ')
    .replace(':, ', ': ')
}
