/** A fence whose end was not seen yet. */
type Fence = { sign: string; size: number; indent: number }

const LINE = /[^\r\n]*(?:\r\n|\r|\n|$)/y
const MARKERS = String.raw`[\s>*+\-\d.)]*`
const FENCE = /^([ \t]*)(?:(`{3,})[^`]*$|(~{3,}))/
/** One behind the mark of a quote or of an item: whether it is a fence, and where it ends, is up to what is around it. */
const FENCE_WITHIN = new RegExp(`^(?=\\s*[>*+\\-\\d])${MARKERS}(?:\`{3}[^\`]*$|~{3})`)
const ELEMENT = new RegExp(`^${MARKERS}<[A-Za-z/]`)
/** An element whose text goes on over blank lines. */
const LONG_ELEMENT = new RegExp(`^${MARKERS}<(?:script|pre|style|textarea|\\?|!(?!--))`, 'i')
const NOTHING_BUT_MARKERS = new RegExp(`^${MARKERS}$`)
const TOKEN = /`+|\\[^]|<!--|<(?=[A-Za-z/!?])/g

/**
 * A text of Markdown without the comments that no page shows. One that is not closed ends with the text. A comment within
 * code stays, where it is certain that it is within code: in a fence at the start of a line, or between backticks on a line
 * up to which all of them are closed. Linear.
 *
 * @see https://spec.commonmark.org/0.31.2/#code-spans
 */
export function withoutComments(text: string): string {
  return text.includes('<!--') ? new Reader(text).read() : text
}

class Reader {
  readonly #text: string
  readonly #kept: string[] = []
  #at = 0
  #fence: Fence | null = null
  /** Until the next blank line no backtick is known to begin code. */
  #isOdd = false
  /** The same of a fence, because an element began. */
  #isElement = false
  /** Whether a comment of several lines ended in the line in hand. */
  #isBehindComment = false
  /** From here on nothing is known to be code. */
  #isUnknown = false

  constructor(text: string) {
    this.#text = text
  }

  read(): string {
    while (this.#at < this.#text.length) {
      LINE.lastIndex = this.#at
      const [whole = ''] = LINE.exec(this.#text) ?? []
      const line = whole.replace(/(?:\r\n|\r|\n)$/, '')
      if (this.#isInFence(line)) this.#keep(this.#at + whole.length)
      else if (this.#isBehindComment) this.#readInline(line, this.#at + whole.length)
      else if (line.trim() === '') this.#endParagraph(this.#at + whole.length)
      else if (this.#opensFence(line)) this.#keep(this.#at + whole.length)
      else this.#readInline(line, this.#at + whole.length)
    }
    return this.#kept.join('')
  }

  #keep(end: number): void {
    this.#kept.push(this.#text.slice(this.#at, end))
    this.#at = end
  }

  #endParagraph(end: number): void {
    this.#isOdd = this.#isElement = false
    this.#keep(end)
  }

  /** Whether a line belongs to the fence that is open. Less indented than an indented fence, it ends the list around it. */
  #isInFence(line: string): boolean {
    const fence = this.#fence
    if (fence === null) return false
    const indent = line.length - line.trimStart().length
    const text = line.trim()
    const ends = text.length >= fence.size && text === fence.sign.repeat(text.length)
    const isPlain = !line.slice(0, indent).includes('\t')
    if (fence.indent > 0 && text !== '' && (indent < fence.indent || (ends && (indent > 3 || !isPlain)))) {
      this.#fence = null
      this.#isUnknown = true
      return false
    }
    if (ends && indent <= 3 && isPlain) this.#fence = null
    return true
  }

  #opensFence(line: string): boolean {
    if (this.#isUnknown) return false
    const [, indent = '', ticks, tildes] = FENCE.exec(line) ?? []
    const mark = ticks ?? tildes
    const isCertain = mark !== undefined && /^ {0,3}$/.test(indent) && !this.#isElement
    this.#isUnknown = (mark !== undefined && !isCertain) || FENCE_WITHIN.test(line) || LONG_ELEMENT.test(line)
    if (ELEMENT.test(line)) this.#isOdd = this.#isElement = true
    if (mark === undefined || !isCertain) return false
    this.#fence = { sign: mark.slice(0, 1), size: mark.length, indent: indent.length }
    this.#isOdd = false
    return true
  }

  /** The words of a line, up to its end or to that of a comment which began in it. */
  #readInline(line: string, end: number): void {
    const start = this.#at
    this.#isBehindComment = false
    const closers = new Closers(line)
    TOKEN.lastIndex = 0
    for (let found = TOKEN.exec(line); found !== null; found = TOKEN.exec(line)) {
      const [token] = found
      if (token === '<!--') {
        const to = this.#dropComment(start + found.index, line.slice(0, found.index))
        this.#isBehindComment = to > start + line.length
        if (this.#isBehindComment) return
        TOKEN.lastIndex = to - start
      } else if (token === '<') this.#isOdd = true
      else if (token.startsWith('`') && !this.#isOdd && !this.#isUnknown) {
        const close = closers.behind(token.length, TOKEN.lastIndex)
        // The cells of a table end code.
        const isCode = close !== null && !line.slice(found.index, close).includes('|')
        if (isCode) TOKEN.lastIndex = close + token.length
        else this.#isOdd = true
      }
    }
    this.#keep(end)
  }

  /** @returns index behind the comment */
  #dropComment(from: number, before: string): number {
    const close = this.#text.indexOf('-->', from + 2)
    const to = close === -1 ? this.#text.length : close + 3
    this.#keep(from)
    this.#at = to
    const lines = this.#text.slice(from, to).split(/\r\n|\r|\n/)
    if (NOTHING_BUT_MARKERS.test(before) || lines.length > 1) this.#isOdd = true
    // Only a comment that begins its line, in no list, goes on over the end of a paragraph.
    if (before !== '' && lines.some((line) => line.trim() === '' || FENCE.test(line))) this.#isUnknown = true
    return to
  }
}

/** The runs of backticks of a line, to be asked from its start to its end. */
class Closers {
  readonly #bySize = new Map<number, number[]>()

  constructor(line: string) {
    for (const { 0: run, index } of Array.from(line.matchAll(/`+/g)).toReversed()) {
      const known = this.#bySize.get(run.length)
      if (known === undefined) this.#bySize.set(run.length, [index])
      else known.push(index)
    }
  }

  /** Index of the first run of a size from an index on; null: there is none. */
  behind(size: number, from: number): number | null {
    const left = this.#bySize.get(size) ?? []
    while (left.length > 0 && Number(left.at(-1)) < from) left.pop()
    return left.at(-1) ?? null
  }
}
