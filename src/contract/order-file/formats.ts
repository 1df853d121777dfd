import { CsvError, parse } from 'csv-parse/sync'
import { namesPrototype, nameTwice } from '../strict-json.ts'
import { NewWorkOrder } from '../work-orders.ts'

/** How orders may be written; JSON is read as YAML, of which it is a part. */
export const ORDER_FORMATS = ['yaml', 'json', 'jsonl', 'csv'] as const
export type OrderFormat = (typeof ORDER_FORMATS)[number]

/** A value that may be an order, and in which line a part of it stands. */
export type Candidate = {
  value: unknown
  at: (path: readonly PropertyKey[]) => number
  /** With what a comment begins that cuts this text of it short; null: none does. */
  cutAt: (path: readonly PropertyKey[]) => string | null
}

const NOT_CUT = () => null

/** What keeps a part of a file from being read, and in which line. */
export type FileProblem = { line: number; reason: string }

type Read = { candidates: Candidate[]; problems: FileProblem[] }

const ENDINGS: Readonly<Record<string, OrderFormat>> = { csv: 'csv', jsonl: 'jsonl', ndjson: 'jsonl' }

const FIELDS = Object.keys(NewWorkOrder.shape)
/** Of these, those of which one order has many. */
const LISTS: ReadonlySet<string> = new Set(['acceptance_criteria', 'files_in_scope', 'context', 'depends_on'])

/** By the ending of a name, and where that tells nothing by how the text begins. */
export function formatOf(name: string, text: string): OrderFormat {
  const ending = /\.(\w{1,10})$/.exec(name)?.[1]?.toLowerCase()
  const known = ending === undefined ? undefined : ENDINGS[ending]
  if (known !== undefined) return known
  const [first = '', second = ''] = firstLines(text)
  if (isJson(first) && second.startsWith('{')) return 'jsonl'
  return isHeader(first) ? 'csv' : 'yaml'
}

/** Characters that are looked at to tell a format. */
const LOOKED_AT = 10_000

/** The first two lines that are not empty. */
function firstLines(text: string): string[] {
  const beginning = text.slice(0, LOOKED_AT).replace(/^\ufeff/, '')
  const lines = beginning.split(/\r\n|\n|\r/, MOST_EMPTY).map((line) => line.trim())
  return lines.filter((line) => line !== '').slice(0, 2)
}

const MOST_EMPTY = 100

function isJson(line: string): boolean {
  if (!line.startsWith('{') || !line.endsWith('}')) return false
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

/** A line of names with commas between them, of which one is a title. */
function isHeader(line: string): boolean {
  if (!line.includes(',') || line.includes(':')) return false
  return line.split(',').some((name) => unquoted(name) === 'title')
}

function unquoted(name: string): string {
  return name
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .toLowerCase()
}

/** One order a line; what comes behind the first order, or the first problem, that is too many is not read. @see https://jsonlines.org */
export function readJsonLines(text: string, most: { orders: number; problems: number }): Read {
  const read: Read = { candidates: [], problems: [] }
  for (const [index, content] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n/)
    .entries()) {
    if (content.trim() === '') continue
    const line = index + 1
    const value = jsonOf(content)
    if (typeof value === 'string') read.problems.push({ line, reason: value })
    else read.candidates.push({ value: value.json, at: () => line, cutAt: NOT_CUT })
    if (read.candidates.length > most.orders || read.problems.length > most.problems) break
  }
  return read
}

/** The value of a line; a text: why there is none. */
function jsonOf(line: string): { json: unknown } | string {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    return 'this line is no JSON; every line has to hold one order as JSON'
  }
  if (namesPrototype(line)) return '__proto__ is the name of no field'
  const twice = nameTwice(line)
  return twice === null ? { json } : `${JSON.stringify(twice).slice(0, LONGEST_NAME)} is there twice`
}

const LONGEST_NAME = 200

/**
 * A row an order, and in the first the names of the fields. What an order has several of takes a column for each, all of the
 * same name, or a cell of several lines. An empty cell says nothing.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 * @param mostOrders what comes behind the first that is too many is not read
 */
export function readCsvRows(text: string, mostOrders: number): Read {
  const rows = rowsOf(text, mostOrders)
  if (!Array.isArray(rows)) return { candidates: [], problems: [rows] }
  const [head, ...others] = rows
  if (head === undefined) return { candidates: [], problems: [] }
  const names = head.cells.map((name) => name.trim().toLowerCase())
  const problems = headProblems(names).map((reason) => ({ line: head.line, reason }))
  if (problems.length > 0) return { candidates: [], problems }
  const tooLong = others.filter(({ cells }) => cells.slice(names.length).some((cell) => cell !== ''))
  return {
    candidates: others.map(({ line, cells }) => ({ value: orderOf(names, cells), at: () => line, cutAt: NOT_CUT })),
    problems: tooLong.map(({ line, cells }) => ({
      line,
      reason: `has ${cells.length} cells, and the first line names ${names.length}; text with a comma in it has to stand in quotes`,
    })),
  }
}

function headProblems(names: readonly string[]): string[] {
  const unknown = names.filter((name) => !FIELDS.includes(name))
  if (unknown.length > 0) {
    const known = `there are: ${FIELDS.join(', ')}`
    return unknown.map((name, index) => {
      const shown = JSON.stringify(name).slice(0, LONGEST_NAME)
      return `the column ${shown} is not a known field${index === 0 ? `; ${known}` : ''}`
    })
  }
  const twice = names.filter((name, index) => !LISTS.has(name) && names.indexOf(name) !== index)
  return twice.map((name) => `the column ${name} is there twice`)
}

function orderOf(names: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const order: Record<string, unknown> = {}
  for (const [index, name] of names.entries()) {
    const cell = cells[index]
    if (cell === undefined || cell.trim() === '') continue
    if (LISTS.has(name)) order[name] = [...listOf(order[name]), ...linesOf(cell)]
    else order[name] = name === 'approved' ? booleanOf(cell) : cell
  }
  return order
}

function listOf(before: unknown): unknown[] {
  return Array.isArray(before) ? before : []
}

/** Neither a path nor a criterion goes over several lines. */
function linesOf(cell: string): string[] {
  return cell
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** What is neither stays text, and is refused as such. */
function booleanOf(cell: string): boolean | string {
  const word = cell.trim().toLowerCase()
  return word === 'true' || word === 'false' ? word === 'true' : cell
}

type Row = { line: number; cells: string[] }

/** With the line each begins in; or what keeps the text from being read. */
function rowsOf(text: string, mostOrders: number): Row[] | FileProblem {
  const rows: Row[] = []
  try {
    parse(text, {
      bom: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      // The names of the fields, and one order too many to tell it by.
      ...(Number.isFinite(mostOrders) ? { to: mostOrders + 2 } : {}),
      on_record(cells: string[], { lines }) {
        rows.push({ line: lines - lineBreaks(cells), cells })
        return null
      },
    })
    return rows
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = Number(error['lines'])
    const reason = 'a quote stands where none may, or is not closed'
    return { line: Number.isFinite(line) ? line : 1, reason }
  }
}

function lineBreaks(cells: readonly string[]): number {
  return cells.reduce((count, cell) => count + cell.split(/\r\n|\n|\r/).length - 1, 0)
}
