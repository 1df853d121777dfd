import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import type { NewWorkOrder } from '../contract/work-orders.ts'
import { toFault } from '../errors.ts'
import { checkOrder } from './order-problems.ts'

/** YAML lets a few bytes stand for gigabytes through aliases; no order needs many. */
const MAX_ALIASES = 100

export type OrderFile = {
  orders: NewWorkOrder[]
  /** Where, which field and why, all at once: `order.yaml:12: files_in_scope[1] "../x" leaves the repository (..)`. */
  problems: string[]
}

/** An order somewhere in a document: its value and the way to it. */
type Candidate = { value: unknown; path: readonly PropertyKey[] }

/**
 * The work orders of a YAML or JSON text: one, a list, `{ work_orders: […] }`, or several documents between `---`.
 *
 * @param name how the file is called in problems
 */
export function readOrderFile(name: string, text: string): OrderFile {
  const lines = new LineCounter()
  const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })]
  const at = (offset: number) => `${name}:${lines.linePos(offset).line}:`
  const broken = documents.flatMap(({ errors }) => errors.map((error) => `${at(error.pos[0])} ${error.message}`))
  if (broken.length > 0) return { orders: [], problems: broken }

  const read = documents.map((document) => readDocument(document, at))
  const file = { orders: read.flatMap(({ orders }) => orders), problems: read.flatMap(({ problems }) => problems) }
  if (file.orders.length === 0 && file.problems.length === 0) file.problems.push(`${name}:1: there is no work order`)
  return file
}

function readDocument(document: Document.Parsed, at: (offset: number) => string): OrderFile {
  const found: OrderFile = { orders: [], problems: [] }
  const where = (path: readonly PropertyKey[]) => at(offsetOf(document, path))
  for (const candidate of candidatesOf(document)) {
    if ('unreadable' in candidate) return { orders: [], problems: [`${where([])} ${candidate.unreadable}`] }
    const checked = checkOrder(candidate.value)
    if ('order' in checked) found.orders.push(checked.order)
    for (const { field, reason, path } of checked.problems) {
      const subject = field === '' ? 'this' : field
      found.problems.push(`${where([...candidate.path, ...path])} ${subject} ${reason}`)
    }
  }
  return found
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
