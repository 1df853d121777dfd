import { textOfAtMost } from '../work-order/content.ts'
import { z } from './zod.ts'

/**
 * Whether Postgres can hold it: no NUL, no lone surrogate. Anything else would pass the API and break at the database.
 * @see https://www.postgresql.org/docs/current/datatype-json.html#DATATYPE-JSON
 */
export const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** Text that Postgres can hold. */
export const storedText = (maxLength: number) =>
  textOfAtMost(maxLength)
    .refine(isStorableText, 'contains a NUL or half of a character')
    .meta({ pattern: String.raw`^[^\u0000]*$` })

/** The same of one form; the form, too, admits neither a NUL nor half of a character. */
export const textOfForm = (maxLength: number, form: RegExp, message: string) =>
  storedText(maxLength).regex(form, message).meta({ pattern: form.source })

/**
 * A word of a row: one of those known here, or another that a newer version or a foreign program has written. That one is
 * passed on as it is, so that one row never takes a whole answer down.
 */
export const knownOrOther = <const Word extends string>(known: readonly Word[]) => z.enum(known).or(z.string())

const WANTED_TIME = 'must be a time in UTC such as 2026-12-01T00:00:00Z'

/** As Postgres knows it: it has no year 0. */
export const UtcTime = z.iso
  .datetime(WANTED_TIME)
  .max(40, WANTED_TIME)
  .refine((time) => !time.startsWith('0000'), WANTED_TIME)
  .meta({ pattern: `^(?!0000)${z.core.regexes.datetime({}).source.slice(1)}` })
