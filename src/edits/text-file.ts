import { isUtf8 } from 'node:buffer'

export type LineEnding = '\n' | '\r\n'

/** One line and how it ends; only a last line may end in nothing. A lone CR is text. */
export type Line = { text: string; ending: LineEnding | '' }

/** A file as its lines. The byte order mark is kept apart, so that no SEARCH has to know of it. */
export type TextFile = { bom: boolean; lines: readonly Line[] }

export const BOM = '\ufeff'

/** Why bytes cannot be edited as text; null when they can. Completes "the file …". */
export function textProblem(bytes: Buffer): string | null {
  if (bytes.includes(0)) return 'is binary (it holds a NUL byte); it can only be deleted or renamed'
  if (!isUtf8(bytes)) return 'is not valid UTF-8; it can only be deleted or renamed'
  return null
}

/** The lines of a file without a `textProblem`. */
export function readTextFile(bytes: Buffer): TextFile {
  const content = bytes.toString('utf8')
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
  return { bom, lines }
}
