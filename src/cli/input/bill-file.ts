import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { BillBody as Bill, type BillBody } from '../../contract/budget-changes.ts'
import { plainWords } from '../../contract/plain-words.ts'
import { nameTwice, utf8Text } from '../../contract/strict-json.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { fieldProblems } from '../../faults/schema-problems.ts'
import type { Cli } from '../cli.ts'
import { harmless } from '../pages/terminal-text.ts'
import { type CsvRow, readCsv } from './csv.ts'
import { whyUnreadable } from './read-orders.ts'

/** Ten thousand entries fit well. */
const MOST_BYTES = 2_000_000
const SHOWN_PROBLEMS = 20

/** What a file says was charged, and where each entry stands: `bill.csv:3:`. */
type Read = { entries: unknown; at: (index: number) => string }

/**
 * A provider's bill: CSV with the columns `request_id` and `cost_usd` (others are passed over), or JSON as
 * `POST /api/budget/reconcile` takes it, or only its list of entries.
 *
 * @param name a path; `-` is stdin
 * @throws {Fault} `request_invalid` naming every line and field that is wrong
 */
export async function readBill(cli: Cli, name: string, period: Omit<BillBody, 'entries'>): Promise<BillBody> {
  const text = (await textOf(cli, name)).replace(/^\u{feff}/u, '')
  const shown = name === '-' ? 'stdin' : name
  const { entries, at } = /^\s*[[{]/.test(text) ? fromJson(shown, text) : fromCsv(shown, text)
  const parsed = Bill.safeParse({ entries, ...period }, { error: plainWords })
  if (parsed.success) return parsed.data
  const problems = fieldProblems(parsed.error).map(({ field, reason, path: [, index, ...rest] }) =>
    typeof index === 'number' ? [at(index), ...rest.map(String), reason].join(' ') : `${shown}: ${field} ${reason}`,
  )
  throw refused(problems)
}

async function textOf(cli: Cli, name: string): Promise<string> {
  if (name === '-') return bounded('stdin', await cli.readStdin())
  const file = path.resolve(cli.cwd, name)
  try {
    const found = await stat(file)
    if (!found.isFile())
      throw new Fault('request_invalid', `${name} is no file. Name a CSV or JSON file, or - for stdin.`)
    if (found.size > MOST_BYTES) throw tooLarge(name)
    return bounded(name, utf8Text(await readFile(file), name))
  } catch (error) {
    if (error instanceof Fault) throw error
    const message = `Cannot read ${name}: ${whyUnreadable(error)}. Name a CSV or JSON file, or - for stdin.`
    throw new Fault('request_invalid', message, { file: name }, error)
  }
}

function bounded(name: string, text: string): string {
  if (Buffer.byteLength(text) > MOST_BYTES) throw tooLarge(name)
  return text
}

function tooLarge(name: string): Fault {
  return new Fault('request_invalid', `${name} is larger than ${MOST_BYTES} bytes. Split the bill.`, { file: name })
}

function fromJson(name: string, text: string): Read {
  const value = jsonOf(name, text)
  const isWrapped = typeof value === 'object' && value !== null && !Array.isArray(value) && 'entries' in value
  return { entries: isWrapped ? value.entries : value, at: (index) => `${name}: entries[${index}]` }
}

function jsonOf(name: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    const twice = nameTwice(text)
    if (twice === null) return value
    throw refused([`${name}: names ${JSON.stringify(twice)} twice in one object`])
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('request_invalid', `${name} is no JSON: ${toFault(error).message}.`, { file: name }, error)
  }
}

function fromCsv(name: string, text: string): Read {
  const { rows, problems } = readCsv(text)
  if (problems.length > 0) throw refused(problems.map(({ line, words }) => `${name}:${line}: ${words}`))
  const [header, ...data] = rows
  const column = (wanted: string) => {
    const index = header === undefined ? -1 : header.cells.findIndex((cell) => cell.trim().toLowerCase() === wanted)
    if (index < 0) throw refused([`${name}:1: the header has no column ${wanted}; it must be: request_id,cost_usd`])
    return index
  }
  const [id, cost] = [column('request_id'), column('cost_usd')]
  const cell = ({ cells }: CsvRow, index: number) => cells[index]?.trim()
  return {
    entries: data.map((row) => ({ request_id: cell(row, id), cost_usd: cell(row, cost) })),
    at: (index) => `${name}:${data[index]?.line}:`,
  }
}

function refused(problems: readonly string[]): Fault {
  const rest = problems.length - SHOWN_PROBLEMS
  const list = problems.slice(0, SHOWN_PROBLEMS).map((problem) => `  ${harmless(problem)}`)
  const more = rest > 0 ? [`  and ${rest} more`] : []
  const message = `The bill was refused; nothing was changed.\n${[...list, ...more].join('\n')}`
  return new Fault('request_invalid', message, { problems: problems.slice(0, SHOWN_PROBLEMS).join('\n') })
}
