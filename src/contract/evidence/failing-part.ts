/** A run of lines of what a check printed; all of them together, joined by line ends, are all of it. */
export type OutputPart = { text: string; failing: boolean }

/** Lines that say what went wrong, by the words and marks of the usual tools. */
const SAYS_FAILURE =
  /\b(?:FAIL(?:ED|URE|URES)?|ERRORS?|[A-Za-z]*Error|[A-Za-z]*Exception|panic(?:ked)?|Traceback|not ok|[Aa]ssertion|[Ee]xpected|[Aa]ctual|[Rr]eceived)\b|\berror(?:\[|:| TS)|[✗✖×❌]|^E {3}/
/** Counts and summaries of what went well. */
const SAYS_NONE =
  /\b(?:0|no|zero) (?:fail|error|problem|warning)|\b(?:fail|failed|failures|errors?):? 0\b|passed successfully/i
/** Around such a line. */
const LINES_BEFORE = 1
const LINES_AFTER = 3
/** Where no line says it, it is at the end. */
const LAST_LINES = 12
/** A line is looked at so far. */
const MOST_OF_LINE = 1_000
const MOST_NAMES = 50

/**
 * Tells the lines of an output that say what failed from the rest. Where none does, the last twelve are called failing.
 *
 * @param names of what failed, as the check's report has them; a line with the last part of one is failing
 */
export function failingParts(output: string, names: readonly string[]): OutputPart[] {
  if (output === '') return []
  const lines = output.split('\n')
  const last = names
    .slice(0, MOST_NAMES)
    .map(lastPart)
    .filter((name) => name !== '')
  const said = [...lines.keys()].filter((index) => isFailing(String(lines[index]).slice(0, MOST_OF_LINE), last))
  const marked = new Set(
    said.length === 0
      ? [...lines.keys()].slice(-LAST_LINES)
      : said.flatMap((index) => [...around(index)].filter((near) => near >= 0 && near < lines.length)),
  )
  const parts: { lines: string[]; failing: boolean }[] = []
  for (const [index, line] of lines.entries()) {
    const failing = marked.has(index)
    const open = parts.at(-1)
    if (open?.failing === failing) open.lines.push(line)
    else parts.push({ lines: [line], failing })
  }
  return parts.map((part) => ({ text: part.lines.join('\n'), failing: part.failing }))
}

/** By its words alone. */
export function saysFailure(line: string): boolean {
  return SAYS_FAILURE.test(line) && !SAYS_NONE.test(line)
}

function isFailing(line: string, names: readonly string[]): boolean {
  if (names.some((name) => line.includes(name))) return true
  return saysFailure(line)
}

function* around(index: number): Generator<number> {
  for (let near = index - LINES_BEFORE; near <= index + LINES_AFTER; near += 1) yield near
}

/** Of `vitest: a.spec.mjs > cart > totals` it is `totals`, which stands in a line of its own. */
function lastPart(name: string): string {
  return String(name.split(/ > |: /).at(-1)).trim()
}
