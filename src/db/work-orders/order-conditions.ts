import { type Kysely, type RawBuilder, sql } from 'kysely'
import { ORDER_STATE_RULES, type OrderState } from '../../work-order/order-state.ts'
import type { AttemptKey } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'

/**
 * For a query with `work_orders`: a Director has approved the order. The words of the specification's query, and those of
 * the triggers, the index and the policies in `migrations/`: JSON's `true` or the text `"true"`, which hand-written SQL
 * often has, and nothing else.
 */
export const IS_APPROVED = sql<boolean>`work_orders.metadata ->> 'approved_by_director' = 'true'`

/**
 * For a query with `work_orders`: the name of the proposer it was given to last. `proposer_id` is that name, or in a database of
 * the first Moose the id of its row; it counts where the order was given to one before there was `proposer_name`.
 */
export const PROPOSER_OF_ORDER = sql<string | null>`coalesce(
  work_orders.proposer_name,
  (select proposer_configs.name from proposer_configs where proposer_configs.id::text = work_orders.proposer_id::text),
  work_orders.proposer_id::text
)`

/** For a query with `work_orders`: what an approval covers, as SHA-256 in hexadecimal. */
export const CONTENT_HASH = sql<string>`moose_content_hash(work_orders)`

/**
 * For a query with `work_orders`: the approval was given to the content it has now. Null: it was given before that was kept,
 * and a change of content withdraws it all the same.
 */
export const IS_AS_APPROVED = sql<boolean>`coalesce(work_orders.approved_content = ${CONTENT_HASH}, true)`

/** For a query with `work_orders` and attempts of that name: the order asks for what the attempt was begun for. */
export function asksTheSame(attempts: 'attempts' | 'maker'): RawBuilder<boolean> {
  const [content, project] = [sql.ref(`${attempts}.content`), sql.ref(`${attempts}.project_id`)]
  return sql<boolean>`(${content} = moose_order_content(work_orders)
    and coalesce(work_orders.project_id, ${project}) is not distinct from ${project})`
}

/** For a query with `work_orders` and `attempts`: the order asks for what the change of the attempt was made for. */
export const IS_AS_MADE_BY = sql<boolean>`exists (
  select from attempts as maker where maker.work_order_id = attempts.work_order_id
    and maker.number = coalesce(attempts.verifies, attempts.number) and ${asksTheSame('maker')})`

/** For a query with `work_orders` and `pull_requests`: the order asks for what the change of the pull request was made for. */
export const IS_AS_MADE = sql<boolean>`exists (
  select from attempts where attempts.work_order_id = work_orders.id and attempts.number = pull_requests.attempt
    and ${IS_AS_MADE_BY})`

/** The same of metadata that was read; rows from before the check on the column may hold any JSON. */
export function isApproved(metadata: unknown): boolean {
  if (typeof metadata !== 'object' || metadata === null || !('approved_by_director' in metadata)) return false
  return metadata.approved_by_director === true || metadata.approved_by_director === 'true'
}

/** For a query with `work_orders`: the order is in this state, by the rules of `orderState`. */
export function isInState(state: OrderState) {
  const { status, inReview, approved } = ORDER_STATE_RULES[state]
  const ofPhase = sql`(work_orders.phase is not distinct from 'in_review') = ${inReview}`
  const ofApproval = sql`coalesce(${IS_APPROVED}, false) = ${approved}`
  return sql<boolean>`(work_orders.status = ${status}
    and ${inReview === null ? sql`true` : ofPhase} and ${approved === null ? sql`true` : ofApproval})`
}

/** For a query with `work_orders`: the order ended so many days ago, and nothing has happened to it since. */
export const overFor = (days: number) => sql<boolean>`(
  work_orders.status in ('completed', 'failed', 'cancelled')
  and coalesce(work_orders.updated_at, work_orders.created_at) < moose_now() - make_interval(days => ${days})
)`

/** Approved, and with the content that its change was made for: one edited and approved anew needs a new attempt. */
export async function isStillApproved(db: Kysely<Database>, { workOrderId, attempt }: AttemptKey): Promise<boolean> {
  const row = await db
    .selectFrom('work_orders')
    .innerJoin('attempts', 'attempts.work_order_id', 'work_orders.id')
    .select('work_orders.id')
    .where(IS_APPROVED)
    .where(sql<boolean>`moose_order_content(work_orders) = attempts.content`)
    .where(IS_AS_MADE_BY)
    .where(IS_AS_APPROVED)
    .where('work_orders.id', '=', workOrderId)
    .where('work_orders.status', '=', 'in_progress')
    .where('attempts.number', '=', attempt)
    .executeTakeFirst()
  return row !== undefined
}

/** It verifies a commit, and is no reaction in which a model does something on its branch. */
export function verifiesOnly(of: 'work_orders' | 'attempts' | 'ended'): RawBuilder<boolean> {
  const follows = sql`select from follow_ups where follow_ups.id = ${sql.ref(`${of}.follows`)} and task is not null`
  return sql<boolean>`(${sql.ref(`${of}.verifies`)} is not null and not exists (${follows}))`
}
