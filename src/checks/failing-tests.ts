const MOST_NAMES = 1_000
const MOST_OF_LINE = 2_000
/** TAP: `not ok 3 - name`. pytest: `FAILED path::test - why`. */
const NAMED = [/^not ok(?: \d+)?(?: -)? (.+)$/, /^(?:FAILED|ERROR) (\S+)/]

/** Collects the names of failing tests from what a check prints, piece by piece. */
export class FailingTests {
  readonly #names = new Set<string>()
  #rest = ''

  add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = String(lines.pop()).slice(0, MOST_OF_LINE)
    for (const line of lines) this.#look(line)
  }

  /** Each name once; null: they cannot be told apart. */
  read(): readonly string[] | null {
    this.#look(this.#rest)
    this.#rest = ''
    return this.#names.size === 0 ? null : [...this.#names]
  }

  #look(line: string): void {
    if (this.#names.size >= MOST_NAMES) return
    for (const pattern of NAMED) {
      const name = pattern.exec(line.slice(0, MOST_OF_LINE).trim())?.[1]
      if (name !== undefined) this.#names.add(name)
    }
  }
}

/** What fails only afterwards; null: it cannot be told. */
export function newFailures(
  before: readonly string[] | null,
  after: readonly string[] | null,
): readonly string[] | null {
  if (before === null || after === null) return null
  const old = new Set(before)
  return after.filter((name) => !old.has(name))
}
