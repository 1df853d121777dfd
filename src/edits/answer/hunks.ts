import type { Replacement } from '../edit.ts'

/** A place where a diff changes a file. */
export type Hunk = Replacement & {
  /** What it says of the end of the file, before and after: that no newline stands there. */
  unended: { before: boolean; after: boolean }
}

/** Where the lines of a hunk end: how many of each side are announced; null: nothing says so. */
type Announced = { before: number; after: number } | null

const RANGES = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@/

/** The line of the old file a hunk starts at, and how long its sides are; null: its header does not say. */
export function rangesOf(header: string): { line: number; before: number; after: number } | null {
  const [start, line, before = '1', after = '1'] = RANGES.exec(header) ?? []
  if (start === undefined) return null
  return { line: Number(line), before: Number(before), after: Number(after) }
}

/**
 * Reads the lines of a hunk from index `at`. What is announced counts where it fits; else the hunk ends at the first line
 * that is none of a hunk, or that starts another file.
 *
 * @param ends whether a line is behind the diff, whatever it looks like
 * @returns the hunk, and the index of the line behind it
 */
export function readHunk(
  all: readonly string[],
  at: number,
  { announced, end }: { announced: Announced; end: number },
): { hunk: Hunk; next: number } {
  const fits = announced !== null && announcedEnd(all, at, announced, end)
  const next = typeof fits === 'number' ? fits : looseEnd(all, at, end)
  const hunk = {
    line: at,
    search: new Array<string>(),
    replace: new Array<string>(),
    unended: { before: false, after: false },
  }
  let last = ' '
  for (const line of all.slice(at, next)) {
    const [sign = ' '] = line
    if (sign === '\\') {
      if (last !== '+') hunk.unended.before = true
      if (last !== '-') hunk.unended.after = true
      continue
    }
    if (sign !== '+') hunk.search.push(line.slice(1))
    if (sign !== '-') hunk.replace.push(line.slice(1))
    last = sign
  }
  return { hunk, next }
}

function isOfHunk(line: string): boolean {
  const [sign] = line
  return sign === undefined || ' +-\\'.includes(sign)
}

function announcedEnd(
  all: readonly string[],
  from: number,
  sides: { before: number; after: number },
  end: number,
): number | null {
  let { before, after } = sides
  let at = from
  for (; at < end && (before > 0 || after > 0); at += 1) {
    const line = String(all[at])
    if (!isOfHunk(line)) return null
    const [sign = ' '] = line
    if (sign !== '+' && sign !== '\\') before -= 1
    if (sign !== '-' && sign !== '\\') after -= 1
  }
  if (before !== 0 || after !== 0) return null
  while (at < end && all[at]?.startsWith('\\') === true) at += 1
  const behind = at < end ? String(all[at]) : ''
  return behind === '' || !isOfHunk(behind) || startsFile(all, at) ? at : null
}

/** Blank lines at the end belong to the words after the diff. */
function looseEnd(all: readonly string[], from: number, end: number): number {
  let at = from
  while (at < end && isOfHunk(String(all[at])) && !startsFile(all, at)) at += 1
  while (at > from && all[at - 1] === '') at -= 1
  return at
}

/** Whether two lines name the file before and after, as they do at the start of a diff. */
export function startsFile(all: readonly string[], at: number): boolean {
  return all[at]?.startsWith('--- ') === true && all[at + 1]?.startsWith('+++ ') === true
}
