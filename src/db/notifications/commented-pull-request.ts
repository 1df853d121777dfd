import { type Kysely, type Selectable, sql } from 'kysely'
import type { FollowUpKind } from '../../contract/evidence/follow-up.ts'
import type { AttemptKey } from '../attempts/attempts.ts'
import { COUNTS } from '../budget-entries/counted-entries.ts'
import { REPAIRS, REVIEW_ROUNDS } from '../numbers/merged.ts'
import type { Database } from '../schema.ts'

/** What a comment on the pull request of an order says, as it is now. Amounts are decimals. */
export type CommentedPullRequest = Pick<
  Selectable<Database['work_orders']>,
  'status' | 'phase' | 'attempts' | 'budget_usd'
> & {
  project_id: string
  /** The attempt whose pull request it is. */
  attempt: number
  number: number
  node_id: string | null
  state: 'open' | 'merged' | 'closed'
  /** Of the fault that stopped the order. */
  code: string | null
  /** What a human has to decide about it, by the code of its cause; null: nothing. */
  escalation: string | null
  /** What Moose does about the pull request at this moment. */
  reacting: FollowUpKind | null
  repairs: number
  review_rounds: number
  spent: string
  reverted: boolean
}

/** The pull request on GitHub that an order stands with: an open one before others, a later one before earlier ones; null: none. */
export async function commentedPullRequest(
  db: Kysely<Database>,
  workOrderId: string,
): Promise<CommentedPullRequest | null> {
  const { rows } = await sql<CommentedPullRequest>`
    select wo.status, wo.phase, wo.attempts, wo.budget_usd, left(wo.status_reason ->> 'code', 100) as code,
      (select cause from order_escalations where work_order_id = wo.id and closed_at is null) as escalation,
      pull.project_id, pull.attempt, pull.number, pull.node_id, pull.state,
      (select kind from follow_ups where work_order_id = wo.id and outcome is null and kind <> 'rerun' order by id desc limit 1)
        as reacting,
      (select ${REPAIRS} from follow_ups where work_order_id = wo.id) as repairs,
      (select ${REVIEW_ROUNDS} from follow_ups where work_order_id = wo.id) as review_rounds,
      coalesce((select sum(cost_usd) from budget_entries as entry where entry.work_order_id = wo.id and ${COUNTS}), 0) as spent,
      exists (select from outcome_vectors where work_order_id = wo.id and reverted_at is not null) as reverted
    from work_orders as wo join pull_requests as pull on pull.work_order_id = wo.id
    join projects on projects.id = pull.project_id and projects.forge = 'github'
    where wo.id = ${workOrderId}
    order by pull.state = 'open' desc, pull.attempt desc limit 1
  `.execute(db)
  const [row] = rows
  return row === undefined ? null : row
}

/** What GitHub calls Moose's comment on the pull request of an attempt; null: it is not known which one that is. */
export async function commentIdOf(db: Kysely<Database>, { workOrderId, attempt }: AttemptKey): Promise<string | null> {
  const pull = db.selectFrom('pull_requests').select('comment_id')
  const row = await pull.where('work_order_id', '=', workOrderId).where('attempt', '=', attempt).executeTakeFirst()
  return row === undefined ? null : row.comment_id
}

export async function keepCommentId(db: Kysely<Database>, { workOrderId, attempt }: AttemptKey, id: string) {
  const pull = db.updateTable('pull_requests').set({ comment_id: id })
  await pull.where('work_order_id', '=', workOrderId).where('attempt', '=', attempt).execute()
}
