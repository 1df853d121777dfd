import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { FollowUpView } from '../../contract/evidence/follow-up.ts'
import { approvalIn } from '../../contract/evidence/seen-approval.ts'
import { endedAsSeen } from '../attempts/ended-verifications.ts'
import { HOLDS_OURS_ALONE } from '../pull-requests/adopted.ts'
import { mergeAskedIn } from '../pull-requests/merge-asked.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED, IS_AS_APPROVED, IS_AS_MADE } from './order-conditions.ts'
import { hiddenTexts, texts } from './work-order-view.ts'

const MAY_BE_MERGED = sql<boolean>`(
  work_orders.status = 'in_progress' and work_orders.phase = 'in_review' and projects.merge_policy = 'auto'
  or merge_asked ->> 'is' in ('asking', 'waiting'))`

/** Another pull request that was merged into the same base after the attempt began that verified this one; the last of them. */
const MERGED_BESIDE = sql<{ number: number; at: string } | null>`(
  select jsonb_build_object('number', other.number, 'at', other.ended_at)
  from pull_requests as other join attempts on attempts.work_order_id = pull_requests.work_order_id
    and attempts.number = coalesce(pull_requests.verified_by, pull_requests.attempt)
  where other.project_id = pull_requests.project_id and other.base = pull_requests.base and other.state = 'merged'
    and other.ended_at >= attempts.claimed_at
  order by other.ended_at desc limit 1
)`

/**
 * An order with its open pull request: one in review in a project of the merge policy `auto`, or one whose forge was asked to
 * merge by itself.
 */
export type MergeCandidate = Awaited<ReturnType<typeof mergeCandidates>>[number]

/** The ids of all candidates, the oldest first. */
export async function mergeCandidateIds(db: Kysely<Database>): Promise<string[]> {
  const candidates = candidatesIn(db).select('work_orders.id')
  const rows = await candidates.orderBy('work_orders.created_at').orderBy('work_orders.id').execute()
  return rows.map(({ id }) => id)
}

function candidatesIn(db: Kysely<Database>) {
  return db
    .selectFrom('work_orders')
    .innerJoin('pull_requests', (join) =>
      join
        .onRef('pull_requests.work_order_id', '=', 'work_orders.id')
        .onRef('pull_requests.number', '=', 'work_orders.github_pr_number')
        .on('pull_requests.state', '=', 'open')
        .on(sql<boolean>`(pull_requests.url is null or pull_requests.url = work_orders.github_pr_url)`),
    )
    .innerJoin('projects', 'projects.id', 'pull_requests.project_id')
    .where(MAY_BE_MERGED)
    .where('projects.removed_at', 'is', null)
}

/** Those of some orders that are candidates, the oldest first. */
export async function mergeCandidates(db: Kysely<Database>, ids: readonly string[]) {
  if (ids.length === 0) return []
  const rows = await candidatesIn(db)
    .select(['work_orders.id', 'work_orders.title', 'work_orders.description', 'work_orders.acceptance_criteria'])
    .select(['work_orders.files_in_scope', 'work_orders.risk_level', 'projects.id as project_id'])
    .select([
      'projects.merge_policy',
      'projects.auto_merge',
      'projects.forge',
      'projects.default_branch as project_base',
    ])
    .select(['pull_requests.number', 'pull_requests.attempt', 'node_id', 'base', 'branch', 'head_sha', 'seen_head_sha'])
    .select(['checks', 'review', 'conflict', 'body', 'follow_up', 'given_up_at', 'merge_asked'])
    .select(sql<string | null>`case when ${HOLDS_OURS_ALONE} then null else adopted_sha end`.as('adopted_sha'))
    .select(['seen_mark', 'seen_at', 'unread_since', 'seen_base', 'seen_draft', 'followed_mark'])
    .select(['seen_changes_requested', 'seen_unanswered', 'seen_absent_checks', 'seen_approval'])
    .select([
      'followed_sha',
      'followed_since',
      'followed_at',
      'seen_auto_merge',
      'seen_open_threads',
      MERGED_BESIDE.as('merged_beside'),
    ])
    .select(endedAsSeen)
    .select(sql<boolean>`coalesce(${IS_APPROVED} and ${IS_AS_APPROVED}, false)`.as('is_approved'))
    .select(IS_AS_MADE.as('is_as_made'))
    .select(
      sql<boolean>`coalesce(work_orders.status = 'in_progress' and work_orders.phase = 'in_review', false)`.as(
        'is_in_review',
      ),
    )
    .where('work_orders.id', 'in', ids)
    .orderBy('work_orders.created_at')
    .orderBy('work_orders.id')
    .execute()
  return rows.map((row) => ({
    ...row,
    description: row.description === null ? '' : row.description,
    acceptance_criteria: texts(row.acceptance_criteria),
    files_in_scope: texts(row.files_in_scope),
    hidden_text: hiddenTexts(row),
    follow_up: row.follow_up === null ? null : FollowUpView.parse(row.follow_up),
    merge_asked: mergeAskedIn(row.merge_asked),
    seen_approval: approvalIn(row.seen_approval),
    merged_beside:
      row.merged_beside === null ? null : { number: row.merged_beside.number, at: new Date(row.merged_beside.at) },
  }))
}
