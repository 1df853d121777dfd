import { withLocalTimes } from '../../pages/humanize.ts'

/** Between two facts of a line of a story, and between two commands. */
const BETWEEN = /; |(?<=[.!?]) (?=[A-Z])| (?=(?:then|or): moose )/

/** What others have written stays as it is. */
const IS_WRITTEN = /^Asked: /

/**
 * A line of the story of an escalation as lines that say one fact each, or hold one command; all but the first are indented. Times
 * are those of where the reader is.
 */
export function storyLines(line: string, now: Date): string[] {
  if (IS_WRITTEN.test(line)) return [line]
  const [first = '', ...more] = withLocalTimes(line, now).split(BETWEEN)
  return [first, ...more.map((fact) => `  ${fact.charAt(0).toUpperCase()}${fact.slice(1)}`)]
}
