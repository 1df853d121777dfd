import { Fault } from '../faults/fault.ts'
import { withoutReasoning } from './reasoning.ts'

export const MAX_ANSWER_BYTES = 5 * 1024 * 1024

/**
 * A model's answer as lines with a place in it, for the parser: without its reasoning, and with no line ending, CRLF or
 * LF, at the lines.
 */
export class Answer {
  readonly #lines: readonly string[]
  #position = 0

  /** @throws {Fault} `edits_malformed` for a text that is too large or is no valid Unicode, `reasoning_unclear` */
  constructor(text: string) {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_ANSWER_BYTES) throw malformed(0, 0, `it has ${bytes} bytes, more than ${MAX_ANSWER_BYTES}`)
    if (!text.isWellFormed()) throw malformed(0, 0, 'it contains half a character (a lone UTF-16 surrogate)')
    this.#lines = withoutReasoning(text)
      .replace(/^\ufeff/, '')
      .split('\n')
      .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  }

  /** Number, from 1, of the line that `next` gave last. */
  get line(): number {
    return this.#position
  }

  /** The next line; null at the end. */
  next(): string | null {
    const line = this.#lines[this.#position]
    if (line === undefined) return null
    this.#position += 1
    return line
  }

  /** The lines after the current one, without moving on. */
  *ahead(): Generator<string> {
    for (let at = this.#position; ; at += 1) {
      const line = this.#lines[at]
      if (line === undefined) return
      yield line
    }
  }
}

/**
 * The fault of an answer that does not follow the format.
 *
 * @param block the block (from 1) it concerns; 0 when none had begun
 * @param line the line of the answer (from 1); 0 when it is about the whole
 */
export function malformed(block: number, line: number, what: string): Fault {
  const place = `${block === 0 ? '' : `, block ${block}`}${line === 0 ? '' : `, line ${line}`}`
  return new Fault('edits_malformed', `The answer does not follow the edit format${place}: ${what}.`, { block, line })
}
