import { BOM, type Charset, charsetOf } from './text/charset.ts'

export type LineEnding = '\n' | '\r\n'

/** One line and how it ends; only a last line may end in nothing. A lone CR is text. */
export type Line = { text: string; ending: LineEnding | '' }

/** A file as its lines. The byte order mark is kept apart, so that no SEARCH has to know of it. */
export type TextFile = { charset: Charset; bom: boolean; lines: readonly Line[] }

/** Why bytes cannot be edited as text; null when they can. Completes "the file …". */
export function textProblem(bytes: Buffer): string | null {
  if (charsetOf(bytes) !== null) return null
  const what = isBinary(bytes) ? 'is binary (it holds a NUL byte)' : 'is not UTF-8, and its encoding cannot be told'
  return `${what}; it can only be deleted or renamed`
}

/** Whether bytes are no text in any encoding that is known here. */
export function isBinary(bytes: Buffer): boolean {
  return bytes.includes(0) && charsetOf(bytes) === null
}

/** Whether bytes are text in UTF-8, as programs take it that know no other encoding. */
export function isUtf8Text(bytes: Buffer): boolean {
  return charsetOf(bytes)?.name === 'utf-8'
}

/** The lines of a file without a `textProblem`. */
export function readTextFile(bytes: Buffer): TextFile {
  const charset = charsetOf(bytes)
  if (charset === null) throw new TypeError('the file has no text')
  const content = charset.decode(bytes)
  const bom = content.startsWith(BOM)
  const lines: Line[] = []
  for (let from = bom ? 1 : 0; from < content.length; ) {
    const newline = content.indexOf('\n', from)
    const to = newline === -1 ? content.length : newline
    const isCrlf = newline > from && content[newline - 1] === '\r'
    const ending = newline === -1 ? '' : isCrlf ? '\r\n' : '\n'
    lines.push({ text: content.slice(from, isCrlf ? to - 1 : to), ending })
    from = to + 1
  }
  return { charset, bom, lines }
}
