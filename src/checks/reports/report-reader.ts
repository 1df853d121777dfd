/** What one tool reported of its failures. */
export type Report = {
  /** Of tests, or of errors as `tool: file:line: message`; as often as they were reported. */
  names: string[]
  /** Whether these are all of them, by what the tool counts itself. */
  isWhole: boolean
}

/** Reads the output of one tool, a line after the other. */
export type ReportReader = {
  /** @param text a line without its end and without control sequences */
  line: (text: string) => void
  /** Null: the tool reported no failure. */
  report: () => Report | null
}

/** A name that is longer is none that could be compared. */
export const LONGEST_NAME = 1_000

/** The name of a test in its suites, no longer than it takes to be too long: a line could bring a megabyte of suites. */
export function nestedName(tool: string, parts: readonly string[]): string {
  let name = ''
  for (const part of parts) {
    if (name.length > LONGEST_NAME) break
    name += `${name === '' ? `${tool}: ` : ' > '}${part}`
  }
  return name.slice(0, LONGEST_NAME + 1)
}

/** Null where nothing failed: neither was a name read nor did the tool count one. */
export function reportOf(names: string[], isWhole: boolean, counted = 0): Report | null {
  return names.length === 0 && counted === 0 ? null : { names, isWhole }
}

/** The number in a line such as `Tests: 3 failed, 1 passed`; 0 where it has none. */
export function countIn(line: string, pattern: RegExp): number {
  const [, digits = '0'] = pattern.exec(line) ?? []
  return Number(digits)
}
