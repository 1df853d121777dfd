import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'

const EDGES = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
] as const
const LINES = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'] as const
const NO_BORDERS = Object.fromEntries([...EDGES, ...LINES].map((name) => [name, '']))

/**
 * Rows as aligned columns without borders; wide characters and colours are counted as the terminal shows them.
 *
 * @returns lines without trailing spaces
 */
export function table(rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [] },
  })
  drawn.push(...rows.map((row) => [...row]))
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const INDENT = '    '

/**
 * Rows as aligned columns; where these are wider than the terminal, each row goes on in indented lines of its own.
 *
 * @param columns of the terminal; null: as wide as it gets
 */
export function fittedTable(rows: readonly (readonly string[])[], columns: number | null): string {
  const aligned = table(rows)
  if (columns === null || aligned.split('\n').every((line) => widthOf(line) <= columns)) return aligned
  return rows.map((cells) => filled(cells, columns)).join('\n')
}

/** A cell that is longer than a line is broken between its words. */
function filled(cells: readonly string[], columns: number): string {
  const lines: string[] = []
  let line = ''
  for (const { text, gap } of cells.flatMap((cell) => pieces(cell, columns))) {
    const longer = line.trim() === '' ? line + text : line + gap + text
    if (widthOf(longer) <= columns || line.trim() === '') line = longer
    else {
      lines.push(line)
      line = INDENT + text
    }
  }
  return [...lines, line].join('\n')
}

function pieces(cell: string, columns: number): { text: string; gap: string }[] {
  if (cell === '') return []
  if (widthOf(cell) + INDENT.length <= columns) return [{ text: cell, gap: '  ' }]
  return cell.split(' ').map((text, index) => ({ text, gap: index === 0 ? '  ' : ' ' }))
}

function widthOf(line: string): number {
  return stripVTControlCharacters(line).length
}
