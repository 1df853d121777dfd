/** A small project whose check fails with a real tool. Its output is recorded by `scripts/record-failing-suites.ts`. */
export type FailingSuite = {
  /** Of the recording, `TOOL/NAME`. */
  name: string
  /** Of the project, by their paths. */
  files: Readonly<Record<string, string>>
  /** The script of the check. */
  run: string
  /** Lines, or parts of lines, that somebody has to read to mend it: the assertion or the first error. */
  told: readonly string[]
}

/** The lines of a text, one for each number from 0. */
export function numbered(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\n')
}
