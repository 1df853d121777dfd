import type { Effort } from './effort.ts'
import { type Charset, isReadAgain, NAMING_LENGTH } from './text/charset.ts'
import { Column } from './text/column.ts'
import type { Places } from './text/occurrences.ts'
import { type Fold, Vocabulary } from './text/vocabulary.ts'
import { marksOf, readTextFile } from './text-file.ts'

/** In the order of their codes. */
const ENDINGS = ['', '\n', '\r\n', '\r'] as const
const [NONE, LF, CRLF, CR] = [0, 1, 2, 3]

/** What stood there before, to be put back. */
type Undo = { at: number; count: number; ids: Int32Array; endings: Int32Array }

/**
 * A text file while an answer is applied to it. Lines are numbers of a vocabulary, so that they are compared and moved
 * as numbers: an answer may hold 2,000 pairs, and each may stand anywhere in a file of a million lines.
 */
export class EditedText {
  readonly #effort: Effort
  readonly #words = new Vocabulary()
  readonly #charset: Charset
  #marks: string
  /** A character of the block in hand that the encoding of the file has not. */
  #strange: string | null = null
  readonly #ids: Column
  readonly #endings: Column
  /** The lines before the answer. */
  readonly #first: Int32Array
  /** The lines by what they have in common, of the folds that were asked for. */
  readonly #folded = new Map<Fold, Column>()
  #undo: Undo[] = []
  /** Whether a block has changed it since it was read. */
  #isChanged = false

  /** @param bytes without a `textProblem` */
  constructor(bytes: Buffer, effort: Effort) {
    const { charset, marks, lines } = readTextFile(bytes)
    this.#charset = charset
    this.#effort = effort
    this.#marks = marks
    this.#ids = new Column(Int32Array.from(lines, ({ text }) => this.#words.enter(text)))
    this.#first = this.#ids.slice()
    this.#endings = new Column(Int32Array.from(lines, ({ ending }) => ENDINGS.indexOf(ending)))
    for (const id of this.#ids.slice()) this.#words.count(id, 1)
  }

  get isEmpty(): boolean {
    return this.#ids.length === 0
  }

  get length(): number {
    return this.#ids.length
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
    const isBinary = this.#words.holdsNul
    const unfit = isBinary ? 'would become binary: the new text holds a NUL character' : this.#unwritable()
    const all = reasons.length === 0 && unfit !== null ? [unfit] : reasons
    this.#strange = null
    const done = this.#undo.splice(0)
    this.#isChanged = all.length === 0
    if (!this.#isChanged) for (const step of done.toReversed()) this.#put(step, step.count)
    return all
  }

  /** See `occurrences`. */
  occurrences(search: readonly string[]): Places {
    const wanted = search.map((text) => this.#words.idOf(text))
    return this.#ids.occurrences(wanted, this.#effort)
  }

  /** Whether a line stands anywhere in it, but for the spaces around. A blank line always does. */
  holds(line: string): boolean {
    const fold = 'spaces around'
    return line.trim() === '' || this.#foldedLines(fold).timesOf(this.#words.foldedId(fold, line)) > 0
  }

  /** The same where lines that differ in a fold alone are equal. */
  likeOccurrences(search: readonly string[], fold: Fold): Places {
    const wanted = search.map((text) => this.#words.foldedId(fold, text))
    return this.#foldedLines(fold).occurrences(wanted, this.#effort)
  }

  /** Whether a run of lines stood in the file before the answer. */
  stoodAtFirst(search: readonly string[]): boolean {
    const wanted = search.map((text) => this.#words.idOf(text))
    return new Column(this.#first).occurrences(wanted, this.#effort).count > 0
  }

  /** Whether a run of lines stands at an index. */
  standsAt(at: number, search: readonly string[]): boolean {
    return at >= 0 && search.every((text, offset) => this.#ids.at(at + offset) === this.#words.idOf(text))
  }

  /**
   * Replaces `count` lines from index `at`.
   *
   * - Lines at the start and the end of the replacement that equal those they replace stay as they are, byte for byte. A
   *   line in place of another has its line ending, and the lines after the last one the same; lines in place of none get
   *   the file's dominant line ending; LF when there is none or a tie.
   * - Whether the file ends in a newline is the file's property and stays: a file without a final newline has none
   *   afterwards, wherever the change was. To add one, let the replacement end at the end of the file in an empty line;
   *   `endIn` says it too, and takes it away. A file that was empty gets one.
   */
  replace(at: number, count: number, replacement: readonly string[]): void {
    const dominant = this.#dominant
    const last = this.isEmpty ? LF : Number(this.#endings.at(this.#ids.length - 1))
    const ids = Int32Array.from(replacement, (text) => this.#words.enter(text))
    for (const text of replacement) this.#strange ??= this.#charset.strange(text)
    const old = this.#ids.slice(at, at + count)
    const head = commonLength(old, ids)
    const tail = commonLength(old.subarray(head).toReversed(), ids.subarray(head).toReversed())
    const fresh = ids.subarray(head, ids.length - tail)
    const replaced = this.#endings.slice(at + head, at + count - tail).filter(isNewline)
    const endings = Int32Array.from(fresh, (_, index) => replaced[index] ?? replaced.at(-1) ?? dominant)
    this.#splice(at + head, count - head - tail, fresh, endings)
    // A line that was the last one and is no more.
    const before = at + head - 1
    if (before >= 0 && before < this.#ids.length - 1 && !isNewline(this.#endings.at(before)))
      this.#end(before, dominant)
    if (!isNewline(last) && !this.isEmpty) this.#endWithoutNewline(last)
  }

  /** Replaces every line. */
  replaceAll(lines: readonly string[]): void {
    this.replace(0, this.#ids.length, lines)
  }

  /** Ends the last line in a newline, or in none. @returns why it cannot be; null: it is so, or there is no line */
  endIn(newline: boolean): string | null {
    const last = this.#ids.length - 1
    if (last < 0) return null
    const isEnded = isNewline(this.#endings.at(last))
    if (newline && !isEnded) this.#end(last, this.#dominant)
    if (newline || !isEnded) return null
    if (this.#textAt(last) === '')
      return 'would end in an empty line, which itself ends in a newline. Leave that line out'
    this.#end(last, NONE)
    return null
  }

  get #dominant(): number {
    return this.#endings.timesOf(CRLF) > this.#endings.timesOf(LF) ? CRLF : LF
  }

  lines(from?: number, to?: number): string[] {
    return Array.from(this.#ids.slice(from, to), (id) => this.#words.textOf(id))
  }

  /** The bytes of the file. No byte order mark is added to one, and a file without text is empty: it has none. */
  toBuffer(): Buffer {
    const endings = this.#endings.slice()
    const content = this.lines()
      .map((text, index) => text + ENDINGS[Number(endings[index])])
      .join('')
    const marks = content === '' ? '' : this.#marks
    return this.#charset.encode(marks + (marks === '' ? content : content.slice(marksOf(content).length)))
  }

  /** Why the text cannot be written in the encoding of the file; null: it can. */
  #unwritable(): string | null {
    if (this.#strange === null) return this.#misnamed()
    const { name, isGuessed } = this.#charset
    const what = isGuessed
      ? `is not UTF-8 but seems to be ${name}, and does not have the`
      : `is in ${name}, which has no`
    return `${what} character "${this.#strange}". Write it with the characters of the file`
  }

  /** Why the text would be taken for one in another encoding than its bytes have; null: it would not. */
  #misnamed(): string | null {
    if (this.#words.isAscii || isReadAgain(this.#charset, this.#start)) return null
    const { name, isGuessed } = this.#charset
    const what = isGuessed
      ? `seems to be ${name} and would name another encoding`
      : `is in ${name} and would no longer name it`
    return `${what}. Leave that line as it is; to have it in UTF-8, delete the file and write it anew`
  }

  get #start(): string {
    let start = ''
    for (let at = 0; at < this.#ids.length && start.length < NAMING_LENGTH; at += 1)
      start += this.#textAt(at).slice(0, NAMING_LENGTH) + ENDINGS[Number(this.#endings.at(at))]
    return start
  }

  #textAt(at: number): string {
    return this.#words.textOf(Number(this.#ids.at(at)))
  }

  /** @param ending what the file ended in, which is no newline */
  #endWithoutNewline(ending: number): void {
    const last = this.#ids.length - 1
    if (!isNewline(this.#endings.at(last))) return
    if (this.#textAt(last) !== '') this.#end(last, ending)
    else this.#splice(last, 1, new Int32Array(0), new Int32Array(0))
  }

  #end(at: number, ending: number): void {
    if (this.#endings.at(at) === ending) return
    this.#splice(at, 1, this.#ids.slice(at, at + 1), Int32Array.of(ending))
  }

  /** Each block finds the file as if it had been written and read: new text may begin with a mark or end in a CR. */
  #readAgain(): void {
    // UTF-16 is known by its mark alone.
    if (this.isEmpty && this.#charset.name === 'utf-8') this.#marks = ''
    const first = this.isEmpty ? '' : this.#textAt(0)
    const marks = marksOf(first)
    if (marks !== '') {
      if (this.#marks === '') this.#marks = marks
      const isMark = first === marks && this.#endings.at(0) === NONE
      const rest = isMark ? [] : [this.#words.enter(first.slice(marks.length))]
      this.#splice(0, 1, Int32Array.from(rest), this.#endings.slice(0, rest.length))
    }
    if (this.#words.endsInCr) this.#takeInCrs()
    this.#undo = []
  }

  #takeInCrs(): void {
    this.#effort.compare(this.#ids.length)
    for (let at = 0; at < this.#ids.length; at += 1) {
      const text = this.#textAt(at)
      const ending = this.#endings.at(at)
      if ((ending !== LF && ending !== NONE) || !text.endsWith('\r')) continue
      const fresh = Int32Array.of(this.#words.enter(text.slice(0, -1)))
      this.#splice(at, 1, fresh, Int32Array.of(ending === LF ? CRLF : CR))
    }
  }

  #splice(at: number, count: number, ids: Int32Array, endings: Int32Array): void {
    const removed = { ids: this.#ids.slice(at, at + count), endings: this.#endings.slice(at, at + count) }
    this.#undo.push({ at, count: ids.length, ...removed })
    this.#put({ at, ids, endings }, count)
  }

  /** Puts lines in place of `count` others. */
  #put({ at, ids, endings }: Omit<Undo, 'count'>, count: number): void {
    for (const id of this.#ids.slice(at, at + count)) this.#words.count(id, -1)
    for (const id of ids) this.#words.count(id, 1)
    this.#ids.splice(at, count, ids)
    this.#endings.splice(at, count, endings)
    for (const [fold, column] of this.#folded) column.splice(at, count, this.#words.folded(fold, ids))
  }

  #foldedLines(fold: Fold): Column {
    const known = this.#folded.get(fold)
    if (known !== undefined) return known
    this.#effort.compare(this.#ids.length)
    const column = new Column(this.#words.folded(fold, this.#ids.slice()))
    this.#folded.set(fold, column)
    return column
  }
}

function isNewline(ending: number | undefined): boolean {
  return ending === LF || ending === CRLF
}

function commonLength(some: Int32Array, others: Int32Array): number {
  let length = 0
  while (length < others.length && length < some.length && some[length] === others[length]) length += 1
  return length
}
