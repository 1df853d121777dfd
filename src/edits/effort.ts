/** Lines that are compared for one answer: as many pairs as it may hold, in a file of 100,000 lines, fit in. */
const COMPARED_LINES = 20_000_000
/** Characters that are compared to find the lines most like a SEARCH, for all problems of an answer. */
const EXPLAINED_CHARACTERS = 8_000_000

/**
 * What applying one answer may cost. Up to 2,000 pairs can each have to be looked for in a file of any length; so what is
 * compared is counted, and an answer that asks for too much is refused.
 */
export class Effort {
  #lines = COMPARED_LINES
  #characters = EXPLAINED_CHARACTERS

  /** Notes lines that were compared one by one. */
  compare(lines: number): void {
    this.#lines -= lines
  }

  /** Notes lines that were looked at or moved as a whole, which takes a fraction of the time. */
  move(lines: number): void {
    this.#lines -= lines / 16
  }

  /** Whether too much was compared already. */
  get isSpent(): boolean {
    return this.#lines < 0
  }

  /** Whether a file of so many characters may still be searched for similar lines. */
  mayExplain(characters: number): boolean {
    if (characters > this.#characters) return false
    this.#characters -= characters
    return true
  }
}
