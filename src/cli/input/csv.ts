import { CsvError, parse } from 'csv-parse/sync'

export type CsvRow = { line: number; cells: string[] }

/**
 * CSV, a row a line: fields may be quoted, but none goes over several lines, so that a problem has exactly one line. Empty
 * lines are passed over.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function readCsv(text: string): { rows: CsvRow[]; problems: { line: number; words: string }[] } {
  const rows: CsvRow[] = []
  const problems: { line: number; words: string }[] = []
  for (const [index, content] of text.split(/\r\n|\n|\r/).entries()) {
    if (content.trim() === '') continue
    const cells = cellsOf(content)
    if (cells === null) problems.push({ line: index + 1, words: 'a quote stands where none may, or is not closed' })
    else rows.push({ line: index + 1, cells })
  }
  return { rows, problems }
}

/** Null for a line that is no CSV. */
function cellsOf(content: string): string[] | null {
  try {
    const [cells] = parse(content)
    return cells === undefined ? [] : cells
  } catch (error) {
    if (error instanceof CsvError) return null
    throw error
  }
}
