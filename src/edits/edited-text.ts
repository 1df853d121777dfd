import type { Effort } from './effort.ts'
import { NOWHERE, occurrences, type Places } from './occurrences.ts'
import { BOM, readTextFile } from './text-file.ts'

/** In the order of their codes. */
const ENDINGS = ['', '\n', '\r\n'] as const
const [NONE, LF, CRLF] = [0, 1, 2]

/** What stood there before, to be put back. */
type Undo = { at: number; count: number; ids: Int32Array; endings: Uint8Array }

/**
 * A text file while an answer is applied to it. Lines are numbers of a vocabulary, so that they are compared and moved
 * as numbers: an answer may hold 2,000 pairs, and each may stand anywhere in a file of a million lines.
 */
export class EditedText {
  readonly #effort: Effort
  readonly #words = new Vocabulary()
  #bom: boolean
  /** The first `#length` of each count. */
  #ids: Int32Array
  #endings: Uint8Array
  #length: number
  /** How many lines have each ending. */
  readonly #ended = [0, 0, 0]
  #undo: Undo[] = []
  /** Whether a block has changed it since it was read. */
  #isChanged = false

  /** @param bytes without a `textProblem` */
  constructor(bytes: Buffer, effort: Effort) {
    const { bom, lines } = readTextFile(bytes)
    this.#effort = effort
    this.#bom = bom
    this.#ids = Int32Array.from(lines, ({ text }) => this.#words.enter(text))
    this.#endings = Uint8Array.from(lines, ({ ending }) => ENDINGS.indexOf(ending))
    this.#length = lines.length
    this.#count(this.#ids, this.#endings, 1)
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** With one for the end of each line. */
  get characters(): number {
    return this.#words.characters
  }

  /**
   * Makes one block's changes: all of them, or none.
   *
   * @param make says what speaks against them
   */
  change(make: () => readonly string[]): readonly string[] {
    if (this.#isChanged) this.#readAgain()
    const reasons = make()
    const isBinary = reasons.length === 0 && this.#words.holdsNul
    const all = isBinary ? ['would become binary: the new text holds a NUL character'] : reasons
    const done = this.#undo.splice(0)
    this.#isChanged = all.length === 0
    if (!this.#isChanged) for (const step of done.toReversed()) this.#put(step, step.count)
    return all
  }

  /** See `occurrences`. */
  occurrences(search: readonly string[]): Places {
    const wanted = search.map((text) => this.#words.idOf(text))
    const known = wanted.filter((id) => id !== undefined)
    if (known.length < wanted.length) return NOWHERE
    const lines = { ids: this.#ids.subarray(0, this.#length), timesOf: (id: number) => this.#words.timesOf(id) }
    return occurrences(lines, known, this.#effort)
  }

  /**
   * Replaces `count` lines from index `at`.
   *
   * - Lines at the start and the end of the replacement that equal those they replace stay as they are, byte for byte.
   *   The others get the file's dominant line ending; LF when there is none or a tie.
   * - Whether the file ends in a newline is the file's property and stays: a file without a final newline has none
   *   afterwards, wherever the change was. To add one, let the replacement end at the end of the file in an empty line.
   *   It cannot be taken away. A file that was empty gets one.
   */
  replace(at: number, count: number, replacement: readonly string[]): void {
    const ending = Number(this.#ended[CRLF]) > Number(this.#ended[LF]) ? CRLF : LF
    const endsInNewline = this.isEmpty || this.#endings[this.#length - 1] !== NONE
    const ids = Int32Array.from(replacement, (text) => this.#words.enter(text))
    const head = commonLength(this.#ids.subarray(at, at + count), ids)
    const tail = commonLength(this.#ids.subarray(at + head, at + count).toReversed(), ids.subarray(head).toReversed())
    const fresh = ids.subarray(head, ids.length - tail)
    this.#splice(at + head, count - head - tail, fresh, new Uint8Array(fresh.length).fill(ending))
    // A line that was the last one and is no more.
    const before = at + head - 1
    if (before >= 0 && before < this.#length - 1 && this.#endings[before] === NONE) this.#end(before, ending)
    if (!endsInNewline && !this.isEmpty) this.#endWithoutNewline()
  }

  /** Replaces every line. */
  replaceAll(lines: readonly string[]): void {
    this.replace(0, this.#length, lines)
  }

  lines(): string[] {
    return Array.from(this.#ids.subarray(0, this.#length), (id) => this.#words.textOf(id))
  }

  /** The bytes of the file. The byte order mark is never doubled, and a file without text is empty: it has none. */
  toBuffer(): Buffer {
    const content = this.lines()
      .map((text, index) => text + ENDINGS[Number(this.#endings[index])])
      .join('')
    return Buffer.from(this.#bom && content !== '' && !content.startsWith(BOM) ? BOM + content : content)
  }

  #endWithoutNewline(): void {
    const last = this.#length - 1
    if (this.#words.textOf(Number(this.#ids[last])) !== '') this.#end(last, NONE)
    else this.#splice(last, 1, new Int32Array(0), new Uint8Array(0))
  }

  #end(at: number, ending: number): void {
    if (this.#endings[at] === ending) return
    this.#splice(at, 1, this.#ids.slice(at, at + 1), Uint8Array.of(ending))
  }

  /** Each block finds the file as if it had been written and read: new text may begin with a mark or end in a CR. */
  #readAgain(): void {
    if (this.isEmpty) this.#bom = false
    const first = this.isEmpty ? '' : this.#words.textOf(Number(this.#ids[0]))
    if (first.startsWith(BOM)) {
      this.#bom = true
      const isMark = first === BOM && this.#endings[0] === NONE
      const rest = isMark ? [] : [this.#words.enter(first.slice(BOM.length))]
      this.#splice(0, 1, Int32Array.from(rest), this.#endings.slice(0, rest.length))
    }
    if (this.#words.endsInCr) this.#takeInCrs()
    this.#undo = []
  }

  #takeInCrs(): void {
    this.#effort.compare(this.#length)
    for (let at = 0; at < this.#length; at += 1) {
      const text = this.#words.textOf(Number(this.#ids[at]))
      if (this.#endings[at] !== LF || !text.endsWith('\r')) continue
      this.#splice(at, 1, Int32Array.of(this.#words.enter(text.slice(0, -1))), Uint8Array.of(CRLF))
    }
  }

  #splice(at: number, count: number, ids: Int32Array, endings: Uint8Array): void {
    const removed = { ids: this.#ids.slice(at, at + count), endings: this.#endings.slice(at, at + count) }
    this.#undo.push({ at, count: ids.length, ...removed })
    this.#put({ at, ids, endings }, count)
  }

  /** Puts lines in place of `count` others. */
  #put({ at, ids, endings }: Omit<Undo, 'count'>, count: number): void {
    this.#count(this.#ids.subarray(at, at + count), this.#endings.subarray(at, at + count), -1)
    const length = this.#length - count + ids.length
    if (length > this.#ids.length) this.#grow(length)
    if (ids.length !== count) {
      this.#effort.move(this.#length - at)
      this.#ids.copyWithin(at + ids.length, at + count, this.#length)
      this.#endings.copyWithin(at + ids.length, at + count, this.#length)
    }
    this.#ids.set(ids, at)
    this.#endings.set(endings, at)
    this.#length = length
    this.#count(ids, endings, 1)
  }

  #grow(length: number): void {
    const [ids, endings] = [this.#ids, this.#endings]
    this.#ids = new Int32Array(length * 2)
    this.#endings = new Uint8Array(length * 2)
    this.#ids.set(ids)
    this.#endings.set(endings)
  }

  #count(ids: Int32Array, endings: Uint8Array, by: 1 | -1): void {
    for (const id of ids) this.#words.count(id, by)
    for (const ending of endings) this.#ended[ending] = Number(this.#ended[ending]) + by
  }
}

function commonLength(some: Int32Array, others: Int32Array): number {
  let length = 0
  while (length < others.length && length < some.length && some[length] === others[length]) length += 1
  return length
}

/** Texts of lines as numbers, with how many lines have each. */
class Vocabulary {
  readonly #ids = new Map<string, number>()
  readonly #texts: string[] = []
  readonly #times: number[] = []
  /** Those that hold a NUL, and those that end in a CR. */
  readonly #nul = new Set<number>()
  readonly #cr = new Set<number>()
  #characters = 0
  #nulLines = 0
  #crLines = 0

  /** The number of a text, a new one where it is new. No line has it yet by that. */
  enter(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#texts.push(text) - 1
    this.#ids.set(text, id)
    this.#times.push(0)
    if (text.includes('\0')) this.#nul.add(id)
    if (text.endsWith('\r')) this.#cr.add(id)
    return id
  }

  /** Undefined: no line ever had this text. */
  idOf(text: string): number | undefined {
    return this.#ids.get(text)
  }

  textOf(id: number): string {
    return String(this.#texts[id])
  }

  timesOf(id: number): number {
    return Number(this.#times[id])
  }

  /** Notes that one line more, or less, has a text. */
  count(id: number, by: 1 | -1): void {
    this.#times[id] = this.timesOf(id) + by
    this.#characters += by * (this.textOf(id).length + 1)
    if (this.#nul.has(id)) this.#nulLines += by
    if (this.#cr.has(id)) this.#crLines += by
  }

  /** Of all lines, with one for the end of each. */
  get characters(): number {
    return this.#characters
  }

  /** Whether some line holds a NUL. */
  get holdsNul(): boolean {
    return this.#nulLines > 0
  }

  /** Whether the text of some line ends in a CR. */
  get endsInCr(): boolean {
    return this.#crLines > 0
  }
}
