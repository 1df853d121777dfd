import { z } from './zod.ts'

/** US dollars in an answer; for showing, never for adding up. */
export const ShownUsd = z.number().nonnegative()

/** The largest amount; a token of a cheap model costs some hundred-millionths of a dollar. */
const EXACT = /^\d{1,9}(\.\d{1,12})?$/
const WANTED = 'must be an amount in USD, 0 or more, such as 2.5 or "2.50" (at most 9 digits and 12 decimals)'

/**
 * US dollars in a request: a number, which counts to twelve decimals, or decimal text where the sender wants to be sure of
 * every digit. Read it with `statedUsd`.
 */
export const UsdAmount = z
  .union([z.number().min(0, WANTED).lt(1e9, WANTED), z.string().regex(EXACT, WANTED)], WANTED)
  .openapi({ example: '2.50' })
export type UsdAmount = z.infer<typeof UsdAmount>

/** US dollars in an answer that are added up further, every digit of them: a decimal as text, without an exponent. */
export const ExactUsd = z
  .string()
  .regex(/^\d+(\.\d+)?$/)
  .openapi({ example: '12.345678' })
