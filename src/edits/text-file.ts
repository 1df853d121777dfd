import { isUtf8 } from 'node:buffer'

type LineEnding = '\n' | '\r\n'

/** One line and how it ends; only a last line may end in nothing. A lone CR is text. */
export type Line = { text: string; ending: LineEnding | '' }

/** A file as its lines. The byte order mark is kept apart, so that no SEARCH has to know of it. */
export type TextFile = { bom: boolean; lines: readonly Line[] }

const BOM = '\ufeff'

export const EMPTY_FILE: TextFile = { bom: false, lines: [] }

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
  for (const [line] of content.slice(bom ? 1 : 0).matchAll(/[^\n]*\n|[^\n]+$/g)) {
    const ending = line.endsWith('\r\n') ? '\r\n' : line.endsWith('\n') ? '\n' : ''
    lines.push({ text: line.slice(0, line.length - ending.length), ending })
  }
  return { bom, lines }
}

/** The bytes of a file. The byte order mark is never doubled, and a file without text is empty: it has none. */
export function printTextFile({ bom, lines }: TextFile): Buffer {
  const content = lines.map(({ text, ending }) => text + ending).join('')
  return Buffer.from(bom && content !== '' && !content.startsWith(BOM) ? BOM + content : content)
}

/** The line ending most lines have; LF when there is none or a tie. */
export function dominantEnding(lines: readonly Line[]): LineEnding {
  const crlf = lines.filter(({ ending }) => ending === '\r\n').length
  const lf = lines.filter(({ ending }) => ending === '\n').length
  return crlf > lf ? '\r\n' : '\n'
}
