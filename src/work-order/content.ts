import { z } from 'zod'
import { CONTROL, NOT_IN_PROSE, SPACE } from './character-sets.ts'
import { ScopePath } from './scope.ts'

export const RISK_LEVELS = ['low', 'medium', 'high'] as const
export type RiskLevel = (typeof RISK_LEVELS)[number]

export const LIMITS = {
  title: 200,
  description: 20_000,
  criterion: 1_000,
  criteria: 50,
  files: 200,
  context: 50,
  dependencies: 50,
} as const

/** Postgres stores no lone surrogate. */
const HALF_CHARACTER = 'contains half of a character'

/** Text of at most so many characters, counted as Postgres and JSON Schema count them: an emoji is one. */
export const textOfAtMost = (max: number) =>
  z
    .string()
    .refine((text) => isOfAtMost(text, max), `is longer than ${max} characters`)
    .meta({ maxLength: max })

function isOfAtMost(text: string, max: number): boolean {
  return text.length <= max || (text.length <= 2 * max && Array.from(text).length <= max)
}

/**
 * One line of text without control characters: it becomes a commit subject and a pull-request title. Space around it does
 * not count. The pattern says the same to readers of the contract.
 */
const singleLine = (max: number) =>
  z
    .string()
    .trim()
    .min(1, 'is empty')
    .refine((text) => isOfAtMost(text, max), `is longer than ${max} characters`)
    .refine((text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), 'must be a single line without control characters')
    .refine((text) => text.isWellFormed(), HALF_CHARACTER)
    .meta({
      maxLength: max,
      pattern: String.raw`^[${SPACE}]*[^${SPACE}${CONTROL}][^${CONTROL}\u2028\u2029]*[${SPACE}]*$`,
    })

/** Text of several lines; tabs and newlines are fine, other control characters are not. */
const prose = (max: number) =>
  textOfAtMost(max)
    .refine((text) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text), 'contains control characters')
    .refine((text) => text.isWellFormed(), HALF_CHARACTER)
    .meta({ pattern: `^[^${NOT_IN_PROSE}]*$` })

const unique = (values: readonly string[]) => new Set(values).size === values.length

/**
 * What a human approves: the part of a work order whose change withdraws the approval. The field names are the
 * columns of `work_orders`.
 */
export const WorkOrderContent = z.object({
  title: singleLine(LIMITS.title),
  description: prose(LIMITS.description),
  acceptance_criteria: z
    .array(singleLine(LIMITS.criterion))
    .max(LIMITS.criteria, `has more than ${LIMITS.criteria} entries`),
  files_in_scope: z
    .array(ScopePath)
    .max(LIMITS.files, `has more than ${LIMITS.files} entries`)
    .refine(unique, 'names a file twice')
    .meta({ uniqueItems: true }),
  /** Files of the repository, or folders, that are to be read and not changed. */
  context: z
    .array(ScopePath)
    .max(LIMITS.context, `has more than ${LIMITS.context} entries`)
    .refine(unique, 'names a file twice')
    .meta({ uniqueItems: true })
    .optional(),
  risk_level: z.enum(RISK_LEVELS),
})
export type WorkOrderContent = z.infer<typeof WorkOrderContent>

/** What is to be read beside the scope: first what the project shows with every order. */
export function contextFilesOf(
  { context: ofProject }: { context: readonly string[] },
  { context: ofOrder = [] }: Pick<WorkOrderContent, 'context'>,
): string[] {
  return [...new Set([...ofProject, ...ofOrder])]
}
