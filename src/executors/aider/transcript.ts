import { isSign } from './verdict.ts'

const WHOLE_CHARACTERS = 512 * 1024
const MOST_SIGNS = 2_000
const MOST_CHARACTERS = 4 * 1024 * 1024
/** Lines after a sign, which say more about it. */
const LINES_AFTER = 20
const LAST_LINES = 20
const LONGEST_LINE = 4_000

/**
 * What a verdict is made of, out of whatever Aider prints: all of it up to a bound; from there on the lines that are
 * signs with those that follow, and the last lines. A model makes Aider print as much as it likes, so nothing a verdict
 * depends on may be lost in the middle.
 */
export class Transcript {
  #kept = ''
  #rest = ''
  #signs = 0
  #after = 0
  #last: string[] = []

  write(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = String(lines.pop()).slice(0, LONGEST_LINE)
    for (const line of lines) this.#take(line.slice(0, LONGEST_LINE))
  }

  /** False: more signs were printed than a run can have, or more about them; nothing can be concluded from them. */
  get complete(): boolean {
    return this.#signs <= MOST_SIGNS && this.#kept.length <= MOST_CHARACTERS
  }

  text(): string {
    return [this.#kept, ...this.#last, this.#rest].join('\n')
  }

  #take(line: string): void {
    const sign = isSign(line)
    if (sign) this.#signs += 1
    if (this.#kept.length < WHOLE_CHARACTERS) this.#kept += `${line}\n`
    else if (sign || this.#after > 0) {
      if (this.complete) this.#kept += `${line}\n`
    } else this.#last = [...this.#last.slice(1 - LAST_LINES), line]
    this.#after = sign ? LINES_AFTER : Math.max(0, this.#after - 1)
  }
}
