import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { LookedAt } from '../../db/pull-requests/seen-pull-requests.ts'
import { ACCOUNT } from './accounts.ts'
import type { PullRequestNode } from './look-answer.ts'

/**
 * What a look asks for of a pull request, and what is asked for again right before it is merged by rule.
 *
 * @see https://docs.github.com/en/graphql/reference/objects#pullrequest
 */
export const LOOK_FIELDS = `
      id number state isDraft headRefOid baseRefName reviewDecision updatedAt mergeable
      baseRef { target { oid ... on Commit { statusCheckRollup { state } } } }
      mergeCommit { oid }
      autoMergeRequest { enabledAt enabledBy { ${ACCOUNT} } }
      isInMergeQueue
      reviewThreads(last: 100) { pageInfo { hasPreviousPage } nodes { isResolved } }
      latestReviews(last: 20) { nodes { state submittedAt author { ${ACCOUNT} } } }
      reviews { totalCount }
      comments { totalCount }
      statusCheckRollup {
        state
        contexts(first: 50) {
          totalCount
          nodes {
            ... on CheckRun { name status conclusion detailsUrl }
            ... on StatusContext { context state targetUrl }
          }
        }
      }`

/** Of checks that have ended well, or not yet, the names count alone: each of their states would make another mark while they run. */
const PASSED = new Set([
  'SUCCESS',
  'NEUTRAL',
  'SKIPPED',
  'QUEUED',
  'IN_PROGRESS',
  'PENDING',
  'EXPECTED',
  'WAITING',
  'REQUESTED',
])

/** `isRecent`: of `isRecent`, as of the answer. */
type Told = { node: PullRequestNode; isRecent: boolean; now: Date }

/**
 * Another one whenever something of `LOOK_FIELDS` has changed that is told of a pull request. GitHub sets `updatedAt` at a comment, a
 * review or a push, and not where the base moves, a check ends or a thread is resolved.
 */
export function markOf(row: Pick<LookedAt, 'head_sha' | 'base'>, { node: seen, isRecent: recent, now }: Told): string {
  const { state, updatedAt, mergeable, headRefOid, baseRef, reviewDecision, statusCheckRollup: rollup } = seen
  const contexts = rollup?.contexts
  const runs = contexts?.nodes.flatMap((run) => (run === null || PASSED.has(run.state) ? [] : [run]))
  const names = contexts?.nodes.flatMap((run) => (run === null ? [] : [run.name])).toSorted()
  const failing = runs?.map(({ name, state: said, url }) => [name, said, url])
  const checks = [rollup?.state, names, failing, contexts?.totalCount, baseRef?.target]
  const besides = [seen.isDraft, seen.baseRefName, seen.autoMergeRequest, seen.isInMergeQueue]
  const latest = seen.latestReviews?.nodes.map((review) => JSON.stringify(review)).toSorted()
  const said = [seen.reviewThreads, latest, seen.reviews, seen.comments]
  const told: unknown[] = [
    row.head_sha,
    row.base,
    state,
    updatedAt,
    mergeable,
    headRefOid,
    reviewDecision,
    checks,
    besides,
    said,
  ]
  // What may have changed beyond what a look asks for is asked for again in a while.
  if (isCut(seen)) told.push(Math.floor(now.getTime() / CUT_COUNTS_FOR_MS))
  if (recent) told.push('recent')
  return createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 16)
}

const CUT_COUNTS_FOR_MS = 600_000
const OlderThreads = z.object({ pageInfo: z.object({ hasPreviousPage: z.literal(true) }) })

/** Whether a thread that is resolved, or a check that is red, may be another one without being seen here. */
function isCut({ reviewThreads, statusCheckRollup: rollup }: PullRequestNode): boolean {
  if (OlderThreads.safeParse(reviewThreads).success) return true
  const contexts = rollup?.contexts
  if (contexts === undefined || contexts === null) return false
  return contexts.totalCount > contexts.nodes.length && !PASSED.has(String(rollup?.state))
}

/** `updatedAt` has whole seconds; so does the time of an answer. */
const RECENT_MS = 3_000

/**
 * Whether more may have been said in the second of `updatedAt` after the answer, which would then tell the same: what is read by such
 * an answer is read once more.
 *
 * @param answeredAt the time of GitHub's answer, by its own clock; NaN: it told none
 */
export function isRecent({ updatedAt }: Pick<PullRequestNode, 'updatedAt'>, answeredAt: number): boolean {
  if (updatedAt === null || updatedAt === undefined) return false
  return answeredAt - Date.parse(updatedAt) < RECENT_MS
}
