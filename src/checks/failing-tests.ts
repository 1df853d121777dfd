import { plainText } from '../redaction/plain-text.ts'
import { cargo, go, gradle, maven, targets } from './reports/compiled.ts'
import { eslint, jest, mocha, nodeSpec, prettier, tap, tsc, vitest } from './reports/javascript.ts'
import { pytest, pythonFormat, pythonLint, unittest } from './reports/python.ts'
import { LONGEST_NAME } from './reports/report-reader.ts'

const LONGEST_LINE = 4_000
const MOST_NAMES = 2_000
/** Of an output that is longer nothing can be told: each line takes some 25 µs, in which this process does nothing else. */
const MOST_LINES = 100_000
/** Empty ones included, which take a microsecond. */
const MOST_LINES_READ = 1_000_000
const MOST_CHARACTERS = 32 * 1024 * 1024
/** Lines after which the names are counted, so that they stay few. */
const LINES_BETWEEN_COUNTS = 1_000

const JAVASCRIPT = [nodeSpec, tap, jest, vitest, mocha, tsc, eslint, prettier]
const PYTHON = [pytest, unittest, pythonLint, pythonFormat]
const COMPILED = [go, cargo, maven, gradle]

/**
 * The failing tests and errors a check named in its output, in the formats of the usual tools. What names no test, or
 * fewer than it counts, cannot be compared with an earlier run.
 */
export class FailingTests {
  readonly #root: string
  readonly #tools = [...JAVASCRIPT, ...PYTHON, ...COMPILED].map((tool) => tool())
  readonly #frame = targets()
  #rest = ''
  /** Those that are not empty. */
  #lines = 0
  #linesRead = 0
  #characters = 0
  /** Nothing can be told any more. */
  #isCut = false

  /** @param root absolute path of the tree the check runs in: another run has another one, and some tools name it */
  constructor(root: string) {
    this.#root = `${root}/`
  }

  /** @param text output in pieces, as it comes */
  add(text: string): void {
    this.#characters += text.length
    if (this.#characters > MOST_CHARACTERS) this.#isCut = true
    if (this.#isCut) return
    const lines = `${this.#rest}${text}`.split('\n')
    this.#rest = String(lines.pop())
    for (const line of lines) this.#line(line)
    if (this.#rest.length > LONGEST_LINE) {
      this.#isCut = true
      this.#rest = this.#rest.slice(0, LONGEST_LINE)
    }
  }

  /**
   * At the end of the output: names as often as they were reported, in no order that means anything. Null: no tool that
   * is known reported a failure, or not all of its failures have a name.
   *
   * @param reported the names in the report that the check wrote, which count where no tool that is known printed a failure;
   *   null: there is none, or it has not all
   */
  read(reported: readonly string[] | null = null): readonly string[] | null {
    this.#line(this.#rest)
    this.#rest = ''
    const printed = this.#tools.map((tool) => tool.report()).filter((report) => report !== null)
    const reports = printed.length > 0 || reported === null ? printed : [{ names: [...reported], isWhole: true }]
    const isTold = reports.length > 0 && reports.every(({ isWhole, names }) => isWhole && names.length > 0)
    const frame = this.#frame.report()
    const names = [...reports, ...(frame === null ? [] : [frame])].flatMap((report) => report.names)
    const isBounded = !this.#isCut && names.length <= MOST_NAMES && names.every(({ length }) => length <= LONGEST_NAME)
    return isTold && isBounded ? names : null
  }

  #line(raw: string): void {
    this.#linesRead += 1
    if (raw.length > LONGEST_LINE || this.#lines >= MOST_LINES || this.#linesRead > MOST_LINES_READ) this.#isCut = true
    if (this.#isCut) return
    // A carriage return within the line makes several of it.
    for (const part of plainText(raw).replaceAll(this.#root, '').split('\n')) {
      const line = part.trimEnd()
      if (line === '') continue
      this.#lines += 1
      if (this.#lines % LINES_BETWEEN_COUNTS === 0 && this.#nameCount() > MOST_NAMES) this.#isCut = true
      for (const tool of this.#tools) tool.line(line)
      this.#frame.line(line)
    }
  }

  #nameCount(): number {
    const reports = [...this.#tools, this.#frame].map((tool) => tool.report())
    return reports.reduce((sum, report) => sum + (report === null ? 0 : report.names.length), 0)
  }
}

/**
 * What fails now and did not fail before; what was reported twice and is now reported three times is new once.
 *
 * @param before as `FailingTests.read` gave it for the base, its places moved by the change (`movedByChange`)
 * @returns null: it cannot be told, and so nothing of it may be called old
 */
export function newFailures(
  before: readonly string[] | null,
  after: readonly string[] | null,
): readonly string[] | null {
  if (before === null || after === null) return null
  const old = before.toSorted()
  const sorted = after.toSorted()
  let at = 0
  return sorted.filter((name) => {
    while (at < old.length && String(old[at]) < name) at += 1
    if (old[at] !== name) return true
    at += 1
    return false
  })
}
