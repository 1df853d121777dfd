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
