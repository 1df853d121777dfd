/** How the lines of a replacement are to be indented in a file; null: it cannot be said of one. */
type Reindent = (line: string) => string | null

/**
 * Where a SEARCH differs from lines of a file by one indentation that all its lines have in common, and by spaces at line
 * ends: how lines of its REPLACE are indented there. Null: they differ in more.
 */
export function reindentation(search: readonly string[], lines: readonly string[]): Reindent | null {
  const [from, to] = [commonIndent(search), commonIndent(lines)]
  if (from === null || to === null) return null
  const isSame = search.every((line, index) => {
    const other = String(lines[index])
    if (isBlank(line) || isBlank(other)) return isBlank(line) && isBlank(other)
    return line.slice(from.length).trimEnd() === other.slice(to.length).trimEnd()
  })
  return isSame ? (line) => reindented(line, from, to) : null
}

function reindented(line: string, from: string, to: string): string | null {
  if (isBlank(line)) return ''
  if (line.startsWith(from)) return to + line.slice(from.length)
  // Further out than every line of the SEARCH: only a shift can be carried over.
  if (to.startsWith(from)) return to.slice(from.length) + line
  const shift = from.startsWith(to) ? from.slice(to.length) : null
  return shift !== null && line.startsWith(shift) ? line.slice(shift.length) : null
}

/** The longest white space that all lines with any text start with; null where none has text. */
function commonIndent(lines: readonly string[]): string | null {
  let common: string | null = null
  for (const line of lines) {
    if (isBlank(line)) continue
    const indent = line.slice(0, line.length - line.trimStart().length)
    if (common === null) common = indent
    else while (!indent.startsWith(common)) common = common.slice(0, -1)
  }
  return common
}

function isBlank(line: string): boolean {
  return line.trim() === ''
}
