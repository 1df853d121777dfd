import { z } from 'zod'
import type { SeenParts } from '../../ports/pull-request.ts'
import { accountOf } from './accounts.ts'

/** Far more than GitHub allows. */
const LONGEST_WORD = 500
const Word = z.string().transform((text) => text.slice(0, LONGEST_WORD).toWellFormed().replaceAll('\0', ''))

/** Each is told where it can be read, and no reason to know less of the rest. */
export const Reviews = z
  .object({
    nodes: z.array(
      z.object({ state: Word, submittedAt: z.string().nullable(), author: accountOf(Word).nullable() }).nullable(),
    ),
  })
  .nullish()

const CheckRun = z
  .object({ name: Word, status: Word, conclusion: Word.nullable(), detailsUrl: Word.nullable() })
  .transform(({ name, status, conclusion, detailsUrl: url }) => ({
    name,
    state: conclusion === null ? status : conclusion,
    url,
  }))
const StatusContext = z
  .object({ context: Word, state: Word, targetUrl: Word.nullable() })
  .transform(({ context: name, state, targetUrl: url }) => ({ name, state, url }))
export const Contexts = z
  .object({ totalCount: z.number().int(), nodes: z.array(CheckRun.or(StatusContext).nullable().catch(null)) })
  .nullish()

type Node = {
  latestReviews?: z.infer<typeof Reviews>
  statusCheckRollup: { contexts?: z.infer<typeof Contexts> } | null
}

/** Null: GitHub told neither reviews nor check runs, or in no form that is known. */
export function partsIn({ latestReviews, statusCheckRollup: rollup }: Node): SeenParts | null {
  const contexts = rollup === null ? null : rollup.contexts
  const [hasReviews, hasRuns] = [latestReviews, contexts].map((part) => part !== null && part !== undefined)
  if (hasReviews !== true && hasRuns !== true) return null
  const reviews = latestReviews?.nodes.flatMap((review) => (review === null ? [] : [reviewIn(review)]))
  const runs = contexts?.nodes.flatMap((run) => (run === null ? [] : [{ ...run, url: pageIn(run.url) }]))
  return {
    reviews: reviews === undefined ? [] : reviews,
    check_runs: runs === undefined ? [] : runs,
    check_run_count: contexts === null || contexts === undefined ? 0 : contexts.totalCount,
  }
}

type Review = NonNullable<NonNullable<z.infer<typeof Reviews>>['nodes'][number]>

function reviewIn({ state, submittedAt, author }: Review): SeenParts['reviews'][number] {
  const at = submittedAt === null ? Number.NaN : Date.parse(submittedAt)
  return { by: author === null ? null : author.login, state, at: Number.isNaN(at) ? null : new Date(at).toISOString() }
}

/** An address that a browser may be sent to. */
export function pageIn(url: string | null): string | null {
  return url !== null && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : null
}
