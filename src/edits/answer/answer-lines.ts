import { Fault } from '../../faults/fault.ts'
import { withoutReasoning } from '../reasoning.ts'
import { fenceOf } from './line-shapes.ts'

export const MAX_ANSWER_BYTES = 5 * 1024 * 1024

/** A model's answer as lines, without its reasoning, with a place in it. No line has its LF or CRLF. */
export class AnswerLines {
  readonly all: readonly string[]
  /** Index of the next line. */
  at = 0
  /** By the mark of a fence the indices of the lines that are such a fence and nothing else, ascending. */
  readonly #bare = new Map<string, number[]>()

  /** @throws {Fault} `edits_malformed` for a text that is too large or is no valid Unicode, `reasoning_unclear` */
  constructor(text: string) {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_ANSWER_BYTES) throw malformed(0, 0, `it has ${bytes} bytes, more than ${MAX_ANSWER_BYTES}`)
    if (!text.isWellFormed()) throw malformed(0, 0, 'it contains half a character (a lone UTF-16 surrogate)')
    this.all = withoutReasoning(text)
      .replace(/^\ufeff/, '')
      .split('\n')
      .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    for (const [at, line] of this.all.entries()) {
      const fence = fenceOf(line)
      if (fence === null || fence.info !== '') continue
      const known = this.#bare.get(fence.mark)
      if (known === undefined) this.#bare.set(fence.mark, [at])
      else known.push(at)
    }
  }

  /** A line by its index; null behind the last. */
  line(index: number): string | null {
    const line = this.all[index]
    return line === undefined ? null : line
  }

  /** Index of the first line from `from` that is not blank; that behind the last line where there is none. */
  nextWord(from: number): number {
    let at = from
    while (at < this.all.length && this.all[at]?.trim() === '') at += 1
    return at
  }

  /** Index of the first line behind `index` that closes a fence; null: none does. */
  closing(mark: string, index: number): number | null {
    const bare = this.#bare.get(mark) ?? []
    let [low, high] = [0, bare.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (Number(bare[middle]) > index) high = middle
      else low = middle + 1
    }
    return bare[low] ?? null
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

const SHOWN_CHARACTERS = 80

/** A line of an answer as it may stand in a message: bounded, without control characters. */
export function shownLine(line: string): string {
  const visible = line
    .slice(0, SHOWN_CHARACTERS * 4)
    .replace(/\p{Cc}/gu, '\ufffd')
    .trim()
  return visible.length > SHOWN_CHARACTERS ? `${visible.slice(0, SHOWN_CHARACTERS)}…` : visible
}
