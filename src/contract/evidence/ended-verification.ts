import { z } from '../zod.ts'

/** A verification of a pull request that came to nothing. */
export const EndedVerification = z
  .object({
    attempt: z.number().int(),
    /** The commit that was verified; null: none was made. */
    head_sha: z.string().nullable(),
    /** The commit of the base that it builds on. */
    base_sha: z.string().nullable(),
    /** What it ended with; null: nothing says so. */
    code: z.string().nullable(),
    /** The check that failed; null: none. */
    check: z.string().nullable(),
    /** Of a check one line of what it printed, else why it ended so; null: nothing says so. */
    said: z.string().nullable(),
  })
  .openapi('EndedVerification')
export type EndedVerification = z.infer<typeof EndedVerification>

const MOST_SAID = 300

/** Such as `check "lint" failed: 3 errors`. */
export function whatFailed({ code, check, said }: EndedVerification): string {
  const line = said === null ? '' : said.replaceAll(/\s+/g, ' ').trim()
  const short = line.length > MOST_SAID ? `${line.slice(0, MOST_SAID).toWellFormed()}…` : line
  if (check !== null) return `check "${check}" failed${short === '' ? '' : `: ${short}`}`
  if (code === 'merge_conflict' && short !== '') return short
  return `${code === null ? 'it came to nothing' : code}${short === '' ? '' : `: ${short}`}`
}
