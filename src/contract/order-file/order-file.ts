import { type Document, isMap, isNode, isScalar, isSeq, Lexer, LineCounter, parseAllDocuments } from 'yaml'
import { toFault } from '../../faults/fault.ts'
import { LIMITS } from '../../work-order/content.ts'
import { type Checked, type OrderFields, wildcardWarnings } from './check-order.ts'
import { type Candidate, type FileProblem, formatOf, type OrderFormat, readCsvRows, readJsonLines } from './formats.ts'
import { cutShortAt, TOO_DEEP, yamlProblems } from './yaml-problems.ts'

/** YAML lets a few bytes stand for gigabytes through aliases; no order needs many. */
const MAX_ALIASES = 100
/** Problems of one order: to find where each stands takes time. */
const TOLD_PROBLEMS = 20

/** What is wrong with a field, or with the order as a whole (`''`), and in which line. */
export type LineProblem = { line: number; field: string; reason: string }

/** One order of a file. */
export type ReadOrder<Order> = {
  /** Where it begins. */
  line: number
  /** As it is written, also of what is no order; null: there is no such text. */
  title: string | null
  /** Null: it is none, and its problems say why. */
  order: Order | null
  problems: LineProblem[]
  /** What is probably not meant and can be stored all the same. */
  warnings: LineProblem[]
  /** The project it names, and where; null: it names none. */
  project: { name: string; line: number } | null
}

export type ReadFile<Order> = {
  orders: ReadOrder<Order>[]
  /** What keeps parts of the file from being read at all. */
  problems: FileProblem[]
}

/** Keys that are there twice are looked for apart, and the parser's warnings would go to stderr past us. */
const READING = { prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const

type Check<Order> = (value: unknown) => Checked<Order>

/** How much of a text is looked at and told, where it is of somebody else: a line of two characters is an order, or a problem. */
export type MostRead = {
  orders: number
  problems: number
  /** Of YAML, signs and words: reading takes time for each of them, however short. */
  tokens: number
}
const WITHOUT_END = Number.POSITIVE_INFINITY
const EVERYTHING: MostRead = { orders: WITHOUT_END, problems: WITHOUT_END, tokens: WITHOUT_END }

/**
 * The work orders of a text: YAML or JSON (one, a list, `{ work_orders: […] }`, or several documents between `---`), JSON
 * lines, or CSV with the names of fields in its first line.
 *
 * @param source.format null: by what the text looks like
 * @param source.check what an order has to be
 * @param source.most left out: everything is read
 */
export function readOrders<Order extends OrderFields>(
  text: string,
  { format, check, most = EVERYTHING }: { format: OrderFormat | null; check: Check<Order>; most?: MostRead },
): ReadFile<Order> {
  const { candidates, problems } = candidatesIn(text, format === null ? formatOf('', text) : format, most)
  const orders = candidates.slice(0, most.orders).map((candidate) => readOrder(candidate, check))
  if (orders.length === 0 && problems.length === 0)
    return { orders, problems: [{ line: 1, reason: 'there is no work order' }] }
  const beyond = candidates[most.orders]
  return { orders, problems: [...(beyond === undefined ? [] : [tooMany(beyond, most)]), ...toldOf(problems, most)] }
}

function tooMany({ at }: Candidate, { orders }: MostRead): FileProblem {
  return { line: at([]), reason: `there are more than ${orders} orders; at most so many are filed at once` }
}

function toldOf(problems: readonly FileProblem[], most: MostRead): FileProblem[] {
  const told = problems.slice(0, most.problems)
  const next = problems[most.problems]
  return next === undefined ? told : [...told, { line: next.line, reason: 'there are more problems, from here on' }]
}

type Candidates = { candidates: Candidate[]; problems: FileProblem[] }

function candidatesIn(text: string, format: OrderFormat, most: MostRead): Candidates {
  if (format === 'csv') return readCsvRows(text, most.orders)
  if (format === 'jsonl') return readJsonLines(text, most)
  if (hasMoreTokens(text, most.tokens)) return { candidates: [], problems: [{ line: 1, reason: TOO_MANY_PARTS }] }
  return readDocuments(text)
}

const TOO_MANY_PARTS = 'this file has more entries than are read at once; take it apart into several'

/** Stops as soon as it is known. */
function hasMoreTokens(text: string, most: number): boolean {
  if (text.length <= most) return false
  let count = 0
  for (const _token of new Lexer().lex(text)) {
    count += 1
    if (count > most) return true
  }
  return false
}

function readOrder<Order extends OrderFields>(candidate: Candidate, check: Check<Order>): ReadOrder<Order> {
  const { value, at } = candidate
  const checked = check(value)
  const told = checked.problems.slice(0, TOLD_PROBLEMS)
  const problems = told.map(({ field, reason, path }) => ({ line: at(path), field, reason }))
  const more = checked.problems.length - TOLD_PROBLEMS
  const line = at([])
  if (more > 0) problems.push({ line, field: 'this order', reason: `has ${more} more problems` })
  const title = titleIn(value)
  if (!('order' in checked)) return { line, title, order: null, problems, warnings: [], project: null }
  const { order } = checked
  const wildcards = wildcardWarnings(order).map(({ index, words }) => ({
    line: at(['files_in_scope', index]),
    field: `files_in_scope[${index}]`,
    reason: words,
  }))
  const project = order.project === undefined ? null : { name: order.project, line: at(['project']) }
  return { line, title, order, problems, warnings: [...cutShort(candidate, order), ...wildcards], project }
}

function cutShort({ at, cutAt }: Candidate, { acceptance_criteria: criteria }: OrderFields): LineProblem[] {
  const count = criteria === undefined ? 0 : criteria.length
  const texts = [
    { field: 'title', path: ['title'] },
    { field: 'description', path: ['description'] },
    ...Array.from({ length: count }, (_, index) => ({
      field: `acceptance_criteria[${index}]`,
      path: ['acceptance_criteria', index],
    })),
  ]
  return texts.flatMap(({ field, path }) => {
    const word = cutAt(path)
    return word === null ? [] : [{ line: at(path), field, reason: `ends before ${word}: ${COMMENT_BEGINS}` }]
  })
}

const COMMENT_BEGINS = 'in YAML # after a space begins a comment; put the whole text in quotes'

/** What names an order for who has written it. */
export function titleIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('title' in value)) return null
  return typeof value.title === 'string' ? value.title.slice(0, LIMITS.title) : null
}

/** What a file is to the command line. */
export type OrderFile<Order> = {
  orders: Order[]
  /** Where, which field and why, all at once: `order.yaml:12: files_in_scope[1] "../x" leaves the repository (..)`. */
  problems: string[]
  /** What is probably not meant and can be stored all the same; written like the problems. */
  warnings: string[]
  /** Every project that is named, and where: `order.yaml:3:`. */
  projects: { name: string; at: string }[]
}

/**
 * As `readOrders`, in the words of the command line.
 *
 * @param name how the file is called in problems; its ending tells CSV and JSON lines
 */
export function readOrderFile<Order extends OrderFields>(
  name: string,
  text: string,
  check: Check<Order>,
): OrderFile<Order> {
  const { orders, problems } = readOrders(text, { format: formatOf(name, text), check })
  const inWords = ({ line, field, reason }: LineProblem) =>
    `${name}:${line}: ${field === '' ? 'this' : field} ${reason}`
  return {
    orders: orders.flatMap(({ order }) => (order === null ? [] : [order])),
    problems: [
      ...problems.map(({ line, reason }) => `${name}:${line}: ${reason}`),
      ...orders.flatMap((order) => order.problems.map(inWords)),
    ],
    warnings: orders.flatMap(({ warnings }) => warnings.map(inWords)),
    projects: orders.flatMap(({ project }) =>
      project === null ? [] : [{ name: project.name, at: `${name}:${project.line}:` }],
    ),
  }
}

/** YAML, of which JSON is a part. */
function readDocuments(text: string): Candidates {
  const lines = new LineCounter()
  const documents = [...parseAllDocuments(text, { lineCounter: lines, ...READING })]
  const lineAt = (offset: number) => lines.linePos(offset).line
  const broken = documents.flatMap((document) => yamlProblems(document, text))
  const problems = broken.map(({ offset, words }) => ({ line: lineAt(offset), reason: words }))
  if (problems.length > 0) return { candidates: [], problems }
  const found: Candidates = { candidates: [], problems }
  for (const document of documents) {
    const values = valuesOf(document)
    if (typeof values === 'string') found.problems.push({ line: lineAt(offsetOf(document, [])), reason: values })
    // One by one: as the arguments of one call, a hundred thousand are more than the stack holds.
    else
      for (const { value, path } of values) {
        const at = (within: readonly PropertyKey[]) => lineAt(offsetOf(document, [...path, ...within]))
        const cutAt = (within: readonly PropertyKey[]) => cutShortAt(document, text, [...path, ...within])
        found.candidates.push({ value, at, cutAt })
      }
  }
  return found
}

type Value = { value: unknown; path: readonly PropertyKey[] }

/** The values of a document that may be orders, and the way to each; a text: why it cannot be read. */
function valuesOf(document: Document.Parsed): Value[] | string {
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    return error instanceof RangeError ? TOO_DEEP : toFault(error).message
  }
  // Nothing between two `---` is nothing, not an order without fields.
  if (value === null) return []
  if (Array.isArray(value)) return inList(value, [])
  if (isWrapped(value)) return inList(value.work_orders, ['work_orders'])
  return [{ value, path: [] }]
}

function inList(values: readonly unknown[], path: readonly PropertyKey[]): Value[] {
  return values.map((value, index) => ({ value, path: [...path, index] }))
}

/** The body of `POST /api/work-orders` is taken as it is. */
function isWrapped(value: unknown): value is { work_orders: unknown[] } {
  return typeof value === 'object' && value !== null && 'work_orders' in value && Array.isArray(value.work_orders)
}

/** Where a field begins; for one that is missing, where the thing begins that lacks it. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = startOf(node, 0)
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      if (pair === undefined) break
      offset = startOf(pair.key, offset)
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      offset = startOf(node, offset)
    } else break
  }
  return offset
}

function startOf(node: unknown, otherwise: number): number {
  return isNode(node) && node.range ? node.range[0] : otherwise
}
