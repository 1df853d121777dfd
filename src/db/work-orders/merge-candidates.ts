import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { endedAsSeen } from '../attempts/ended-verifications.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED, IS_AS_APPROVED } from './order-conditions.ts'
import { hiddenTexts, texts } from './work-order-view.ts'

/** Looked at at once, the oldest first. */
const MOST = 200

/** An order in review in a project of the merge policy `auto`, with its open pull request. */
export type MergeCandidate = Awaited<ReturnType<typeof mergeCandidates>>[number]

/** @param ids of these orders alone; null: of all */
export async function mergeCandidates(db: Kysely<Database>, ids: readonly string[] | null) {
  const rows = await db
    .selectFrom('work_orders')
    .innerJoin('pull_requests', (join) =>
      join
        .onRef('pull_requests.work_order_id', '=', 'work_orders.id')
        .onRef('pull_requests.number', '=', 'work_orders.github_pr_number')
        .on('pull_requests.state', '=', 'open')
        .on(sql<boolean>`(pull_requests.url is null or pull_requests.url = work_orders.github_pr_url)`),
    )
    .innerJoin('projects', 'projects.id', 'pull_requests.project_id')
    .select(['work_orders.id', 'work_orders.title', 'work_orders.description', 'work_orders.acceptance_criteria'])
    .select(['work_orders.files_in_scope', 'work_orders.risk_level', 'projects.id as project_id'])
    .select(['projects.merge_policy', 'projects.auto_merge', 'projects.forge'])
    .select([
      'pull_requests.number',
      'base',
      'branch',
      'head_sha',
      'seen_head_sha',
      'checks',
      'review',
      'conflict',
      'body',
    ])
    .select(endedAsSeen)
    .select(sql<boolean>`coalesce(${IS_APPROVED} and ${IS_AS_APPROVED}, false)`.as('is_approved'))
    .where('work_orders.status', '=', 'in_progress')
    .where('work_orders.phase', '=', 'in_review')
    .where('projects.merge_policy', '=', 'auto')
    .where('projects.removed_at', 'is', null)
    .$if(ids !== null, (select) => select.where('work_orders.id', 'in', ids))
    .orderBy('work_orders.created_at')
    .limit(MOST)
    .execute()
  return rows.map((row) => ({
    ...row,
    description: row.description === null ? '' : row.description,
    acceptance_criteria: texts(row.acceptance_criteria),
    files_in_scope: texts(row.files_in_scope),
    hidden_text: hiddenTexts(row),
  }))
}
