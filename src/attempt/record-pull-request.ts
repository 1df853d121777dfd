import type { Kysely } from 'kysely'
import type { Actor } from '../contract/actor.ts'
import { type MergedBy, mergedByText } from '../contract/evidence/merged-by.ts'
import type { AttemptKey } from '../db/attempts/attempts.ts'
import { recordPullRequestEvent } from '../db/github-events.ts'
import { recordPullRequestOutcome, withdrawPullRequestOutcome } from '../db/outcome-vectors.ts'
import { noteReopened } from '../db/pull-requests/given-up.ts'
import { askedInsteadOf, mergeAskedOf } from '../db/pull-requests/merge-asked.ts'
import { type PullRequestBrief, setPullRequestState } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { lockOrderStanding } from '../db/work-orders/order-standing.ts'
import type { EndedBy, PullRequest, WatchedPullRequest } from '../ports/pull-request.ts'
import { standing } from '../work-order/standing.ts'
import type { Status } from '../work-order/status.ts'
import { moveByPullRequests, tellOfPullRequest } from './move-by-pull-requests.ts'

type Found = AttemptKey & {
  pullRequest: PullRequest
  /** Its state as known when the forge was asked; undefined: the answer is of this moment. */
  known?: WatchedPullRequest['known']
  /** Who has done it: through Moose, or as its forge tells; null: its forge does not; left out: it is not known. */
  by?: { through: 'moose'; actor: Actor } | { through: 'forge'; account: EndedBy } | null
}

/**
 * Records the state of an attempt's pull request on its forge, with the event and the outcome, and moves its order to
 * where that puts it (`standing`), in one transaction. A repetition changes nothing; neither does an answer older than the
 * recorded state, unless it is a merge.
 */
export async function recordPullRequest(db: Kysely<Database>, found: Found, now: Date): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const before = await lockOrderStanding(transaction, found.workOrderId)
    const was = before.pulls.find(({ attempt }) => attempt === found.attempt)
    if (was === undefined || isOvertaken(was, found)) return
    const { state, mergeSha } = found.pullRequest
    const changed = await setPullRequestState(transaction, found, { state, mergeSha, at: now })
    const mergedBy = state === 'merged' ? await mergerOf(transaction, found) : null
    if (changed || state !== 'open') await recordHappened(transaction, { ...found, mergedBy }, before.status)
    const { lost } = found.pullRequest
    const ended_at = state === 'open' ? null : now
    const is = { ...was, ...(changed ? { state, merge_sha: mergeSha, ended_at, lost } : {}), merged_by: mergedBy }
    const order = { ...before, pulls: before.pulls.map((pull) => (pull === was ? is : pull)) }
    const next = standing(order, order.pulls)
    if (next !== null) await moveByPullRequests(transaction, order, next, is)
    else if (changed) await tellOfPullRequest(transaction, order, is)
    if (changed && state === 'open') await noteReopened(transaction, found, now)
  })
}

function isOvertaken(was: PullRequestBrief, { pullRequest, known }: Found): boolean {
  if (pullRequest.state === 'merged') return false
  if (was.state === 'merged') return true
  if (known === undefined) return false
  return was.state !== known.state || Number(was.ended_at) !== Number(known.endedAt)
}

/** Null: it is not known. What Moose's own account, or a bot, has merged while its forge was to merge it was merged by that. */
async function mergerOf(db: Kysely<Database>, { by, ...key }: Found): Promise<MergedBy | null> {
  if (by === undefined) return null
  if (by !== null && by.through === 'moose')
    return by.actor.kind === 'moose' ? { is: 'rule', name: null } : { is: 'person', name: by.actor.name }
  const login = by === null ? null : by.account.login
  const isOther = by !== null && !by.account.isMoose && !by.account.login.endsWith('[bot]')
  const asked = isOther ? null : await mergeAskedOf(db, key)
  // While it was being asked it may as well have been told to merge at once.
  if (asked?.is === 'waiting') return { is: 'auto_merge', name: null }
  return asked?.is === 'asking' ? { is: 'rule', name: null } : { is: 'person', name: login }
}

type Happened = Found & { mergedBy: MergedBy | null }

/** @param status of the order before: one that another pull request has completed says nothing about a closed one */
async function recordHappened(db: Kysely<Database>, found: Happened, status: Status): Promise<void> {
  const { workOrderId, pullRequest, mergedBy } = found
  const { state, number, branch, url, mergeSha, lost } = pullRequest
  // Nothing has happened on its forge that anything could be learnt from.
  if (lost !== undefined) {
    await recordPullRequestOutcome(db, found, { outcome: 'superseded', metadata: { pr_url: url, lost } })
    return
  }
  const action = state === 'open' ? 'reopened' : state
  const merger = mergedBy === null ? {} : { merged_by: mergedBy }
  const metadata = { pr_url: url, merge_sha: mergeSha, ...merger }
  await recordPullRequestEvent(db, { workOrderId, action, number, branch, metadata })
  if (state === 'open') return await withdrawPullRequestOutcome(db, found)
  const asked = pullRequest.holdsOther === true ? await askedInsteadOf(db, found, pullRequest.headSha) : null
  if (state === 'merged' && asked !== null) return await recordUnverified(db, found, asked)
  const outcome = state === 'closed' && status === 'completed' ? 'superseded' : state
  await recordPullRequestOutcome(db, found, { outcome, metadata: { pr_url: url, ...merger } })
}

/** Its forge was to merge one commit by itself, and it, or a person, merged what somebody pushed behind it. */
async function recordUnverified(db: Kysely<Database>, found: Happened, asked: string): Promise<void> {
  const { workOrderId, attempt, pullRequest, mergedBy } = found
  const { number, url, headSha: merged } = pullRequest
  const merger = mergedBy === null ? {} : { merged_by: mergedBy }
  const shas = { verified_sha: asked, merged_sha: merged }
  const outcome = { outcome: 'merged_unverified', metadata: { pr_url: url, ...shas, ...merger } } as const
  if (!(await recordPullRequestOutcome(db, found, outcome))) return
  const message =
    `pull request #${number} was merged${mergedByText(mergedBy)} at ${merged.slice(0, 12)}, which Moose has not verified: ` +
    `its forge was asked to merge ${asked.slice(0, 12)} by itself, and another commit was pushed behind it`
  const data = { code: 'merged_unverified', ...shas }
  await recordEvent(db, { workOrderId, attempt, type: 'pull_request', message, data })
}
