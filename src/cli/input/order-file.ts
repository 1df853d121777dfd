import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import { keysTwice } from '../../contract/repeated-keys.ts'
import { toFault } from '../../faults/fault.ts'
import { type Checked, type OrderFields, wildcardWarnings } from './order-problems.ts'

/** YAML lets a few bytes stand for gigabytes through aliases; no order needs many. */
const MAX_ALIASES = 100
/** Problems of one order: to find where each stands takes time. */
const TOLD_PROBLEMS = 20

export type OrderFile<Order> = {
  orders: Order[]
  /** Where, which field and why, all at once: `order.yaml:12: files_in_scope[1] "../x" leaves the repository (..)`. */
  problems: string[]
  /** What is probably not meant and can be stored all the same; written like the problems. */
  warnings: string[]
  /** Every project that is named, and where: `order.yaml:3:`. */
  projects: { name: string; at: string }[]
}

/** Keys that are there twice are looked for apart, and the parser's warnings would go to stderr past us. */
const READING = { prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const

const TOO_DEEP = 'this is nested too deeply to be read'

type Check<Order> = (value: unknown) => Checked<Order>

/** An order somewhere in a document: its value and the way to it. */
type Candidate = { value: unknown; path: readonly PropertyKey[] }

/**
 * The work orders of a YAML or JSON text: one, a list, `{ work_orders: […] }`, or several documents between `---`.
 *
 * @param name how the file is called in problems
 * @param check what an order has to be
 */
export function readOrderFile<Order extends OrderFields>(
  name: string,
  text: string,
  check: Check<Order>,
): OrderFile<Order> {
  const lines = new LineCounter()
  const documents = [...parseAllDocuments(text, { lineCounter: lines, ...READING })]
  const at = (offset: number) => `${name}:${lines.linePos(offset).line}:`
  const file: OrderFile<Order> = { orders: [], problems: [], warnings: [], projects: [] }
  const broken = documents.flatMap((document) => yamlProblems(document, text))
  file.problems.push(...broken.map(({ offset, words }) => `${at(offset)} ${words}`))
  if (broken.length > 0) return file

  for (const document of documents) readDocument(document, { file, at, check })
  if (file.orders.length === 0 && file.problems.length === 0) file.problems.push(`${name}:1: there is no work order`)
  return file
}

type Reading<Order> = { file: OrderFile<Order>; at: (offset: number) => string; check: Check<Order> }

function readDocument<Order extends OrderFields>(document: Document.Parsed, { file, at, check }: Reading<Order>): void {
  for (const candidate of candidatesOf(document)) {
    if ('unreadable' in candidate) {
      file.problems.push(`${at(offsetOf(document, []))} ${candidate.unreadable}`)
      return
    }
    const where = (path: readonly PropertyKey[]) => at(offsetOf(document, [...candidate.path, ...path]))
    const checked = check(candidate.value)
    for (const { field, reason, path } of checked.problems.slice(0, TOLD_PROBLEMS))
      file.problems.push(`${where(path)} ${field === '' ? 'this' : field} ${reason}`)
    const more = checked.problems.length - TOLD_PROBLEMS
    if (more > 0) file.problems.push(`${where([])} this order has ${more} more problems`)
    if (!('order' in checked)) continue
    const { order } = checked
    file.orders.push(order)
    for (const { index, words } of wildcardWarnings(order))
      file.warnings.push(`${where(['files_in_scope', index])} files_in_scope[${index}] ${words}`)
    if (order.project !== undefined) file.projects.push({ name: order.project, at: where(['project']) })
  }
}

function candidatesOf(document: Document.Parsed): (Candidate | { unreadable: string })[] {
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    return [{ unreadable: error instanceof RangeError ? TOO_DEEP : toFault(error).message }]
  }
  // Nothing between two `---` is nothing, not an order without fields.
  if (value === null) return []
  if (Array.isArray(value)) return inList(value, [])
  if (isWrapped(value)) return inList(value.work_orders, ['work_orders'])
  return [{ value, path: [] }]
}

function inList(values: readonly unknown[], path: readonly PropertyKey[]): Candidate[] {
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

/** An error or a warning of the parser: what it warns of (an unknown tag) would be stored as something else than meant. */
type Complaint = Document.Parsed['errors'][number] | Document.Parsed['warnings'][number]

/** A problem and where in the text it begins, in characters. */
export type YamlProblem = { offset: number; words: string }

/** Characters of a key that are told. */
const LONGEST_KEY = 200

const INDENTATION = 'bad indentation: what belongs to one list or one group begins in the same column'
const NEITHER = 'this is neither "field: value" nor "- entry"; longer text goes below "field: |", indented'

/** The parser's words that speak of its inner life, and ours for them. */
const PLAIN: readonly [RegExp, string][] = [
  [/^All (?:mapping|sequence) items must start|^Sequence item without - indicator/, INDENTATION],
  [/^Implicit (?:map )?keys need/, NEITHER],
  [/^Maximum call stack size/, TOO_DEEP],
  [/^Nested mappings are not allowed in compact/, 'a value with ": " in it must stand in quotes'],
]

/**
 * What keeps a document from being read. A broken line makes the parser stumble over what follows it, so of those only
 * the first is told; keys that are there twice and unknown tags are told one by one.
 */
export function yamlProblems(document: Document.Parsed, text: string): YamlProblem[] {
  const { errors, warnings } = document
  const twice = keysTwice(document).map((offset) => ({ offset, words: `${keyAt(text, offset)} is there twice` }))
  const warned = warnings.map(({ pos: [offset], message }) => ({ offset, words: plain(message) }))
  return [...(errors.length === 0 ? [] : [firstOf(errors)]), ...twice, ...warned]
}

function firstOf(errors: readonly Complaint[]): YamlProblem {
  const [first] = errors
  if (first === undefined) return { offset: 0, words: 'this is no YAML' }
  const stretch = errors.find(({ code }) => code === 'MULTILINE_IMPLICIT_KEY')
  // A key over several lines, after a value that already ended: its last line is the one that is indented too far.
  if (first.code === 'BLOCK_AS_IMPLICIT_KEY' && stretch !== undefined)
    return { offset: stretch.pos[1] - 1, words: INDENTATION }
  return { offset: first.pos[0], words: plain(first.message) }
}

function plain(message: string): string {
  const tag = /^Unresolved tag: (.+)$/.exec(message)
  if (tag !== null) return `the tag ${tag[1]} is not known; put text that begins with ! in quotes`
  const known = PLAIN.find(([pattern]) => pattern.test(message))
  return known === undefined ? message : known[1]
}

/** The key that begins at an offset, as it is written. */
function keyAt(text: string, offset: number): string {
  const [line] = text.slice(offset, offset + LONGEST_KEY).split('\n', 1)
  const key = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^:]*)/.exec(String(line))
  return key === null ? 'a field' : String(key[1]).trim()
}
