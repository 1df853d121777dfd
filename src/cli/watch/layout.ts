/** Cells of the terminal. */
export type Size = { columns: number; rows: number }

/** Where the parts of the screen are; a part of height 0 is left out. */
export type Layout = {
  /** `tiny`: there is no room for anything but a word about it. */
  shape: 'wide' | 'narrow' | 'tiny'
  list: Size
  /** What is known of the selected order: beside the list, or below it. */
  side: Size
}

const HEAD_ROWS = 2
const FOOT_ROWS = 1
const SMALLEST: Size = { columns: 30, rows: 8 }
/** From here on the list and the log stand beside each other. */
const WIDE_COLUMNS = 120
const LIST_SHARE = 0.5
/** Below it the log says too little. */
const SMALLEST_SIDE_ROWS = 5

/** @param footRows of a question, beside the line of keys */
export function layoutOf({ columns, rows }: Size, footRows: number): Layout {
  if (columns < SMALLEST.columns || rows < SMALLEST.rows) {
    return { shape: 'tiny', list: { columns: 0, rows: 0 }, side: { columns: 0, rows: 0 } }
  }
  const body = Math.max(1, rows - HEAD_ROWS - FOOT_ROWS - footRows)
  if (columns >= WIDE_COLUMNS) {
    const left = Math.floor(columns * LIST_SHARE)
    return { shape: 'wide', list: { columns: left, rows: body }, side: { columns: columns - left, rows: body } }
  }
  const below = Math.floor(body / 2)
  const sideRows = below < SMALLEST_SIDE_ROWS ? 0 : below
  return {
    shape: 'narrow',
    list: { columns, rows: body - sideRows },
    side: { columns, rows: sideRows },
  }
}

/**
 * Which lines of a list are seen.
 *
 * @param at the line that must be among them; -1: none
 * @returns from, and to without that one
 */
export function windowOf(lines: number, at: number, rows: number): [from: number, to: number] {
  const from = Math.max(0, Math.min(at - Math.floor(rows / 2), lines - rows))
  return [from, Math.min(lines, from + rows)]
}
