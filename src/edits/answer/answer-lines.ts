import { Fault } from '../../faults/fault.ts'
import { withoutReasoning } from '../reasoning.ts'
import { exactHeader } from './headings.ts'
import { fenceOf } from './line-shapes.ts'

export const MAX_ANSWER_BYTES = 5 * 1024 * 1024

/** A line that is a fence, by its index. Bare: nothing stands behind its mark. */
export type Fence = { at: number; isBare: boolean }

/** A model's answer as lines, without its reasoning, with a place in it. No line has its LF or CRLF. */
export class AnswerLines {
  readonly all: readonly string[]
  /** Index of the next line. */
  at = 0
  /** By their mark all fences, and the bare ones among them, ascending. */
  readonly #fences = new Map<string, { all: Fence[]; bare: Fence[] }>()
  /** Indices of the lines that are a header in the exact form, ascending. */
  readonly #headers: number[] = []

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
      if (exactHeader(line) !== null) this.#headers.push(at)
      const fence = fenceOf(line)
      if (fence !== null) this.#addFence(fence.mark, { at, isBare: fence.info === '' })
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
    const bare = this.#fences.get(mark)?.bare ?? []
    return bare[firstBehind(bare, index, ({ at }) => at)]?.at ?? null
  }

  /** The fences with a mark behind `index`. A caller looks at few of them: none are copied. */
  *fencesAfter(mark: string, index: number): Generator<Fence> {
    const all = this.#fences.get(mark)?.all ?? []
    for (let place = firstBehind(all, index, ({ at }) => at); ; place += 1) {
      const fence = all[place]
      if (fence === undefined) return
      yield fence
    }
  }

  /** Index of the first header in the exact form behind `index`; that behind the last line where there is none. */
  nextHeader(index: number): number {
    return this.#headers[firstBehind(this.#headers, index, (at) => at)] ?? this.all.length
  }

  #addFence(mark: string, fence: Fence): void {
    const known = this.#fences.get(mark) ?? { all: [], bare: [] }
    known.all.push(fence)
    if (fence.isBare) known.bare.push(fence)
    this.#fences.set(mark, known)
  }
}

/** Place of the first of ascending items that stands behind an index. */
function firstBehind<Item>(items: readonly Item[], index: number, placeOf: (item: Item) => number): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const item = items[middle]
    if (item !== undefined && placeOf(item) > index) high = middle
    else low = middle + 1
  }
  return low
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
