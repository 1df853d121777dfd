import { type FieldProblem, fieldProblems } from '../../faults/schema-problems.ts'
import { unknownField } from '../plain-words.ts'
import { EditWorkOrder, NewWorkOrder } from '../work-orders.ts'
import type { z } from '../zod.ts'

/** What is looked at in an order, new or edited, beside its schema. */
export type OrderFields = {
  acceptance_criteria?: readonly string[] | undefined
  files_in_scope?: readonly string[] | undefined
  project?: string | undefined
}

export type Checked<Order> = { order: Order; problems: [] } | { problems: FieldProblem[] }

/** A value that may be a new work order, checked against the contract. */
export function checkOrder(value: unknown): Checked<NewWorkOrder> {
  return checked(NewWorkOrder, value)
}

/** The same for one that is to be carried out: without a file that may change it would fail as soon as it is run. */
export function checkOrderToRun(value: unknown): Checked<NewWorkOrder> {
  const result = checkOrder(value)
  if (!('order' in result) || result.order.files_in_scope.length > 0) return result
  const reason = 'is missing: name at least one file, or folder with a / at its end, that may change'
  return { problems: [{ field: 'files_in_scope', reason, path: ['files_in_scope'] }] }
}

/** A value that may say what to change in a work order, checked against the contract. */
export function checkEdit(value: unknown): Checked<EditWorkOrder> {
  return checked(EditWorkOrder, value)
}

function checked<Order>(schema: z.ZodType<Order>, value: unknown): Checked<Order> {
  const parsed = schema.safeParse(value, { error: inPlainWords })
  return parsed.success ? { order: parsed.data, problems: [] } : { problems: fieldProblems(parsed.error) }
}

const KINDS: Record<string, string> = {
  string: 'text',
  array: 'a list',
  boolean: 'true or false',
  object: 'a work order with fields such as title:',
}

/** What zod says in its own words where the contract gives no message, so that it completes the sentence "title …". */
function inPlainWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'is missing'
    const wanted = KINDS[issue.expected]
    return wanted === undefined ? undefined : `must be ${wanted}, not ${kindOf(issue.input)}`
  }
  if (issue.code === 'unrecognized_keys') return unknownField(issue)
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  return undefined
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number') return `the number ${value} (put it in quotes)`
  if (typeof value === 'boolean') return `${value} (put it in quotes)`
  return 'a group of fields'
}

/** Entries of a scope that look like patterns. A file may be called so, therefore they are taken all the same. */
export function wildcardWarnings({ files_in_scope: scope }: OrderFields): { index: number; words: string }[] {
  if (scope === undefined) return []
  const advice = 'is taken literally, as one file of that name; name the files, or a folder with a / at its end'
  return scope.flatMap((entry, index) => (/[*?[]/.test(entry) ? [{ index, words: `"${entry}" ${advice}` }] : []))
}
