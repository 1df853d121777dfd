import { withoutHidden } from './hidden-text.ts'

/** Issues that one order closes; more are left to whoever merges. */
const MOST_ISSUES = 5
const MOST_OF_LINE = 200
const KEYWORD = /^(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)$/i
const ISSUE = /^#([1-9]\d{0,9})$/

/**
 * The numbers of the issues an order says it closes: those of a line of its description that says nothing else, such as
 * `Closes #12` or `- Fixes #1, #2 and #3`. What a reader of the description does not see, or sees as code, does not count.
 * Linear.
 */
export function closedIssues(description: string): number[] {
  const numbers = new Set<number>()
  let fence: string | null = null
  for (const line of withoutHidden(description).split(/\r\n|\r|\n/)) {
    const mark = /^ {0,3}(```|~~~)/.exec(line)?.[1]
    if (mark !== undefined && (fence === null || fence === mark)) fence = fence === null ? mark : null
    else if (fence === null && line.length <= MOST_OF_LINE) for (const issue of issuesOf(line)) numbers.add(issue)
  }
  return [...numbers].slice(0, MOST_ISSUES)
}

function issuesOf(line: string): number[] {
  // Four spaces begin code.
  if (/^(?: {4}|\t)/.test(line)) return []
  const [first, ...words] = line
    .trim()
    .replace(/^[-*] +/, '')
    .replaceAll(/[,:.;](?=\s|$)/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
  if (first === undefined || !KEYWORD.test(first)) return []
  const others = words.filter((word) => word !== 'and' && !KEYWORD.test(word))
  const issues = others.map((word) => ISSUE.exec(word)?.[1])
  return issues.every((issue) => issue !== undefined) ? issues.map(Number) : []
}
