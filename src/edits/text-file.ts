import { BOM, type Charset, charsetOf } from './text/charset.ts'

export type LineEnding = '\n' | '\r\n'

/** One line and how it ends; only a last line may end in nothing, or in a lone CR, which is text elsewhere. */
export type Line = { text: string; ending: LineEnding | '\r' | '' }

/** A file as its lines. Its byte order marks, of which there is one at most by right, are kept apart: no SEARCH has to know. */
export type TextFile = { charset: Charset; marks: string; lines: readonly Line[] }

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
  const marks = marksOf(content)
  const lines: Line[] = []
  for (let from = marks.length; from < content.length; ) {
    const newline = content.indexOf('\n', from)
    const to = newline === -1 ? content.length : newline
    const endsInCr = to > from && content[to - 1] === '\r'
    const ending = `${endsInCr ? '\r' : ''}${newline === -1 ? '' : '\n'}` as const
    lines.push({ text: content.slice(from, endsInCr ? to - 1 : to), ending })
    from = to + 1
  }
  return { charset, marks, lines }
}

/** The byte order marks that a text starts with. */
export function marksOf(text: string): string {
  let count = 0
  while (text[count] === BOM) count += 1
  return BOM.repeat(count)
}
