import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import { toFault } from '../../faults/fault.ts'
import type { Checked, OrderFields } from './order-problems.ts'
import { wildcardWarnings } from './wildcard-warnings.ts'
import { yamlProblems } from './yaml-problems.ts'

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
    return [{ unreadable: toFault(error).message }]
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
