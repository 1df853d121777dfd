import { z } from './zod.ts'

const KINDS: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  boolean: 'true or false',
  object: 'an object',
}

const UNITS: Record<string, string> = { string: 'characters', array: 'entries' }

/**
 * What zod says in its own words where the contract gives no message, so that it completes the sentence "title …":
 * `title is missing`, `limit must be at most 1000`.
 *
 * @returns undefined where zod's own words stay
 */
export function plainWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return ofWrongType(issue.expected, issue.input)
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  if (issue.code === 'unrecognized_keys') return unknownField(issue)
  if (issue.code === 'too_big') return `must ${bound(issue.origin, 'most', issue.maximum)}`
  if (issue.code === 'too_small') {
    const isEmpty = issue.origin === 'string' && issue.minimum === 1
    return isEmpty ? 'is empty' : `must ${bound(issue.origin, 'least', issue.minimum)}`
  }
  return issue.code === 'invalid_format' && issue.format === 'uuid' ? 'must be a UUID' : undefined
}

/** The names there are stand in the schema that refused the others. */
export function unknownField({ inst }: z.core.$ZodRawIssue): string {
  const known = inst instanceof z.ZodObject ? Object.keys(inst.shape) : []
  return known.length === 0 ? 'is not a known field' : `is not a known field; there are: ${known.join(', ')}`
}

function ofWrongType(expected: string, input: unknown): string {
  if (input === undefined) return 'is missing'
  return Number.isNaN(input) ? `must be ${wanted(expected)}` : `must be ${wanted(expected)}, not ${kindOf(input)}`
}

function wanted(expected: string): string {
  const kind = KINDS[expected]
  return kind === undefined ? `of type ${expected}` : kind
}

function bound(origin: string, which: 'least' | 'most', value: number | bigint): string {
  const unit = UNITS[origin]
  return unit === undefined ? `be at ${which} ${value}` : `have at ${which} ${value} ${unit}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'boolean') return `${value}`
  return typeof value === 'string' ? 'a string' : 'an object'
}
