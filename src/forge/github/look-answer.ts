import { z } from 'zod'
import { Fault } from '../../faults/fault.ts'
import type { WatchedPullRequest } from '../../ports/pull-request.ts'
import { accountOf } from './accounts.ts'
import { Contexts, Reviews } from './seen-parts.ts'

/** Far more than GitHub allows. */
const LONGEST_LOGIN = 200
/** Of a longer list a schema says only that. */
const MOST_ERRORS = 10_000

const Sha = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/)

/** `baseRefOid` is where the base stood when somebody last pushed to the branch. */
const BaseRef = z
  .object({ target: z.object({ oid: Sha, statusCheckRollup: z.object({ state: z.string() }).nullish().catch(null) }) })
  .nullish()

/** Who ended it is told where it can be read, and no reason to know less of the rest; a ghost has no login. */
const Timeline = z
  .object({ nodes: z.array(z.object({ actor: accountOf(z.string().min(1).max(LONGEST_LOGIN)).nullable() })) })
  .nullable()

export const PullRequestNode = z.object({
  id: z.string(),
  number: z.number().int(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  isDraft: z.boolean(),
  headRefOid: Sha,
  baseRefName: z.string(),
  baseRef: BaseRef.catch(null),
  reviewDecision: z.string().nullable(),
  updatedAt: z.string().nullish().catch(null),
  mergeable: z.string().nullish().catch(null),
  mergeCommit: z.object({ oid: Sha }).nullable(),
  /** Of whichever form: only whether they are the same counts. */
  autoMergeRequest: z.unknown().optional(),
  isInMergeQueue: z.unknown().optional(),
  reviewThreads: z.unknown().optional(),
  reviews: z.unknown().optional(),
  comments: z.unknown().optional(),
  latestReviews: Reviews.catch(null),
  statusCheckRollup: z.object({ state: z.string(), contexts: Contexts.catch(null) }).nullable(),
  timelineItems: Timeline.catch(null),
})
export type PullRequestNode = z.infer<typeof PullRequestNode>

/** Another kind of thing has none of the fields asked for; an id that cannot be resolved comes as null. */
const MissingNode = z.strictObject({}).or(z.null())

/** In the order of the ids. Each is read for itself, so that one of unknown form takes nothing from the others. */
export const Answer = z.object({
  data: z.object({ viewer: accountOf(z.string()).nullish().catch(null), nodes: z.array(z.unknown()) }),
  errors: z
    .array(
      z.object({ path: z.array(z.string().or(z.number())).optional(), type: z.string().optional().catch(undefined) }),
    )
    .max(MOST_ERRORS)
    .optional(),
})
export type Answer = z.infer<typeof Answer>

/** Whether GitHub has not told what it says of the reviews of one, which would look as if it asked for none. */
export function isReviewHidden({ errors = [] }: Answer, index: number): boolean {
  return errors.some(({ path = [] }) => path[1] === index && path[2] === 'reviewDecision')
}

const NOT_SHOWN: ReadonlySet<string | undefined> = new Set(['NOT_FOUND', 'FORBIDDEN'])

/** Whether GitHub says that one is not there, or is not shown to the account; null also stands for what it failed to tell. */
function isGone({ errors = [] }: Answer, index: number): boolean {
  const those = errors.filter(({ path = [] }) => path.length === 0 || (path[0] === 'nodes' && path[1] === index))
  return those.length === 0 || those.some(({ path = [], type }) => path.length === 2 && NOT_SHOWN.has(type))
}

/** Null: it cannot be seen. A Fault: it was not told, cannot be read, or is about another one. */
export function nodeOf(
  host: string,
  { number, nodeId }: WatchedPullRequest,
  { answer, index }: { answer: Answer; index: number },
): PullRequestNode | Fault | null {
  const node = answer.data.nodes[index]
  const isMissing = MissingNode.safeParse(node).success
  if (isMissing && isGone(answer, index)) return null
  const seen = PullRequestNode.safeParse(node)
  if (seen.success && seen.data.id === nodeId && seen.data.number === number) return seen.data
  if (isMissing) {
    const message = `GitHub (${host}) failed to tell about pull request #${number}. It is asked again at the next look.`
    return new Fault('github_unreachable', message, { host, number })
  }
  const what = seen.success ? 'told of another one instead' : 'answered in a form Moose does not know'
  const message = `GitHub (${host}) was asked about pull request #${number} and ${what}. Look at it on GitHub.`
  return new Fault('github_failed', message, { host, number }, seen.error)
}
