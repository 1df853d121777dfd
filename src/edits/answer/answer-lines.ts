import { Fault } from '../../faults/fault.ts'
import { withoutReasoning } from '../reasoning.ts'
import { type Fence, FenceChain, firstBehind } from './fence-chain.ts'
import { exactHeader } from './headings.ts'
import { type FenceLine, fenceOf } from './line-shapes.ts'

export const MAX_ANSWER_BYTES = 5 * 1024 * 1024
/** A file of 5 MB has about 150,000 lines; what has many more is no answer, and would take gigabytes to be read. */
export const MAX_ANSWER_LINES = 500_000

/** A model's answer as lines, without its reasoning, with a place in it. No line has its LF or CRLF. */
export class AnswerLines {
  readonly all: readonly string[]
  /** Index of the next line. */
  at = 0
  /** By their mark all fences, and the bare ones among them, ascending. */
  readonly #fences = new Map<string, { all: (Fence & { indent: string })[]; bare: Fence[] }>()
  /** By the mark and the indentation of the fence that opens a body. */
  readonly #chains = new Map<string, FenceChain>()
  /** Indices of the lines that are a header in the exact form, ascending. */
  readonly #headers: number[] = []

  /** @throws {Fault} `edits_malformed` for a text that is too large, has too many lines or is no valid Unicode, `reasoning_unclear` */
  constructor(text: string) {
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_ANSWER_BYTES) throw malformed(0, 0, `it has ${bytes} bytes, more than ${MAX_ANSWER_BYTES}`)
    const lines = linesIn(text)
    if (lines > MAX_ANSWER_LINES) throw malformed(0, 0, `it has ${lines} lines, more than ${MAX_ANSWER_LINES}`)
    if (!text.isWellFormed()) throw malformed(0, 0, 'it contains half a character (a lone UTF-16 surrogate)')
    this.all = withoutReasoning(text)
      .replace(/^\ufeff/, '')
      .split('\n')
      .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    for (const [at, line] of this.all.entries()) {
      if (exactHeader(line) !== null) this.#headers.push(at)
      const fence = fenceOf(line)
      if (fence !== null) this.#addFence(fence, at)
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

  /** The fences that may stand in a body, or end it, which a fence with this mark and indentation opens. */
  chainOf({ mark, indent }: Omit<FenceLine, 'info'>): FenceChain {
    const key = `${mark}${indent}`
    const known = this.#chains.get(key)
    if (known !== undefined) return known
    const all = (this.#fences.get(mark)?.all ?? []).filter(({ at, isBare, indent: own }) => {
      return (own === '' || own === indent) && (!isBare || this.all[at] === own + mark)
    })
    const chain = new FenceChain(all, ({ at }, next) => this.nextWord(at + 1) < next.at)
    this.#chains.set(key, chain)
    return chain
  }

  /** Index of the first header in the exact form behind `index`; that behind the last line where there is none. */
  nextHeader(index: number): number {
    return this.#headers[firstBehind(this.#headers, index, (at) => at)] ?? this.all.length
  }

  #addFence({ mark, indent, info }: FenceLine, at: number): void {
    const known = this.#fences.get(mark) ?? { all: [], bare: [] }
    const fence = { at, indent, isBare: info === '' }
    known.all.push(fence)
    if (fence.isBare) known.bare.push(fence)
    this.#fences.set(mark, known)
  }
}

function linesIn(text: string): number {
  let count = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

/**
 * The fault of an answer that does not follow the format.
 *
 * @param block the block (from 1) it concerns; 0 when none had begun
 * @param line the line of the answer (from 1); 0 when it is about the whole
 * @param how what the model is to write instead, where that is for the model alone
 */
export function malformed(block: number, line: number, what: string, how: string | null = null): Fault {
  const place = `${block === 0 ? '' : `, block ${block}`}${line === 0 ? '' : `, line ${line}`}`
  const message = `The answer does not follow the edit format${place}: ${what}.`
  const told = how === null ? {} : { for_model: `${message} ${how}.` }
  return new Fault('edits_malformed', message, { block, line, ...told })
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
