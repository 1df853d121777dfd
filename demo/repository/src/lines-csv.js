const HEADER = 'text,quantity,price,tax'

/**
 * The lines of a CSV file as they would stand in an invoice file. Fields cannot hold a comma; empty lines are skipped.
 * Throws a RangeError for a file that cannot be read so.
 */
export function parseLines(csv) {
  const [header, ...rows] = csv.split(/\r?\n/)
  if (header !== HEADER) throw new RangeError(`the first line must be ${HEADER}`)
  return rows.filter((row) => row.trim() !== '').map(parseRow)
}

/** One row of the file. */
function parseRow(row) {
  const fields = row.split(',').map((field) => field.trim())
  if (fields.length !== 4) throw new RangeError('a line must have four fields')
  const [text, quantity, price, tax] = fields
  return { text, quantity: Number(quantity), price, tax }
}
