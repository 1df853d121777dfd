import { type Kysely, sql } from 'kysely'
import {
  AT_REST,
  type CameOfReview,
  type FollowUpKind,
  FollowUpTask,
  FollowUpView,
} from '../contract/evidence/follow-up.ts'
import { z } from '../contract/zod.ts'
import type { AttemptKey } from './attempts/attempts.ts'
import type { PullRequestRow } from './pull-requests/pull-requests.ts'
import { isLastSeen, type SeenAs } from './pull-requests/seen-pull-requests.ts'
import type { Database } from './schema.ts'
import { recordEvent } from './work-order-events.ts'

type Db = Kysely<Database>

const MOST_OF_REASON = 2_000

/** A reaction that was begun, whatever came of it. */
export type BegunFollowUp = {
  id: string
  kind: FollowUpKind
  headSha: string
  fingerprint: string
  /** Of a review that has still to be answered; null: of any other. */
  task: FollowUpTask | null
  /** Of the comments that it is about. */
  keys: readonly string[]
  /** Of those, the keys of what the model says it did not carry out. */
  notDone: readonly string[]
  outcome: string | null
  /** A model was asked to resolve a conflict in it. */
  isResolving: boolean
  /** Whether what it is about was answered on the forge. */
  isAnswered: boolean
  /** A human has allowed it beyond the bounds. */
  isAllowed: boolean
  /** What conflicted where no model could be asked, in the words it was begun with, and why none could; null: it ended otherwise. */
  byHand: { conflict: string; why: string } | null
  /** The commit it made or verified; null: none. */
  madeSha: string | null
  at: Date
}

/** Those of an order, the earliest first; the bounds are counted from them. */
export async function followUpsOf(db: Db, workOrderId: string): Promise<BegunFollowUp[]> {
  const rows = await db
    .selectFrom('follow_ups')
    .leftJoin('attempts', (join) =>
      join
        .onRef('attempts.work_order_id', '=', 'follow_ups.work_order_id')
        .onRef('attempts.follows', '=', 'follow_ups.id'),
    )
    .select(['follow_ups.id', 'kind', 'follow_ups.head_sha', 'fingerprint', 'outcome', 'answered', 'at', 'allowed_by'])
    .select(['attempts.resolving', 'attempts.head_sha as made_sha', 'because'])
    .select(sql<string | null>`left(attempts.error -> 'details' ->> 'by_hand', ${MOST_OF_REASON})`.as('by_hand'))
    .select(sql<unknown>`case when kind = 'review' and not answered then task end`.as('task'))
    .select(sql<unknown>`coalesce(task -> 'keys', '[]')`.as('keys'))
    .select(sql<unknown>`coalesce(jsonb_path_query_array(task, '$.came.not_done[*].comment'), '[]')`.as('not_done'))
    .where('follow_ups.work_order_id', '=', workOrderId)
    .orderBy('follow_ups.id')
    .execute()
  return rows.map(({ id, kind, head_sha: headSha, fingerprint, task, outcome, ...row }) => ({
    id,
    kind,
    headSha,
    fingerprint,
    task: taskIn(task),
    ...keysIn(row),
    outcome,
    isResolving: row.resolving !== null,
    isAnswered: row.answered,
    isAllowed: row.allowed_by !== null,
    byHand: row.by_hand === null ? null : { conflict: row.because, why: row.by_hand },
    madeSha: row.made_sha,
    at: row.at,
  }))
}

/** Comments are numbered from 1, in the order of their keys. */
function keysIn({ keys: stored, not_done: numbers }: { keys: unknown; not_done: unknown }) {
  const keys = FollowUpTask.shape.keys.parse(stored)
  const left = new Set(Numbers.parse(numbers))
  return { keys, notDone: keys.filter((_, index) => left.has(index + 1)) }
}

const Numbers = z.array(z.number())

/** What a human has allowed beyond the bounds for one pull request counts for no later one of its order. */
export const IS_COUNTED = sql<boolean>`(follow_ups.allowed_by is null or not exists (
  select from pull_requests as later
  where later.work_order_id = follow_ups.work_order_id and later.created_at > follow_ups.at))`

/** Those of an order that are counted for its last pull request, the earliest first. */
export async function countedFollowUps(db: Db, workOrderId: string) {
  const rows = await db
    .selectFrom('follow_ups')
    .select(['kind', 'allowed_by'])
    .where('work_order_id', '=', workOrderId)
    .where(IS_COUNTED)
    .orderBy('id')
    .execute()
  return rows.map(({ kind, allowed_by: allowedBy }) => ({ kind, isAllowed: allowedBy !== null }))
}

/** The kind of the reaction to an open pull request of an order that is under way; null: none is. */
export async function reactionUnderWay(db: Db, workOrderId: string): Promise<FollowUpKind | null> {
  const row = await db
    .selectFrom('follow_ups')
    .select('kind')
    .where('work_order_id', '=', workOrderId)
    .where('outcome', 'is', null)
    .where('kind', '<>', 'rerun')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : row.kind
}

export type NewFollowUp = {
  workOrderId: string
  kind: FollowUpKind
  headSha: string
  baseSha: string | null
  fingerprint: string
  because: string
  task: FollowUpTask | null
  /** The number of the attempt that is made for it; null: none is. */
  attempt: number | null
  /** The escalation whose answer allows it beyond the bounds; null: it is within them. */
  allowedBy: string | null
}

/** Begins a reaction. @returns its id; null: the same was begun before, or the answer that allows it is used up */
export async function beginFollowUp(db: Db, begun: NewFollowUp): Promise<string | null> {
  const row = await db
    .insertInto('follow_ups')
    .values({
      work_order_id: begun.workOrderId,
      kind: begun.kind,
      head_sha: begun.headSha,
      base_sha: begun.baseSha,
      fingerprint: begun.fingerprint,
      because: begun.because.slice(0, MOST_OF_REASON),
      task: begun.task === null ? null : JSON.stringify(begun.task),
      attempt: begun.attempt,
      allowed_by: begun.allowedBy,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return row === undefined ? null : row.id
}

/** What an attempt that follows is to do; `task` null: git and the checks alone. `isAllowed`: a human allowed it beyond the bounds. */
export async function followUpOf(db: Db, id: string): Promise<{ task: FollowUpTask | null; isAllowed: boolean }> {
  const one = db.selectFrom('follow_ups').select(['task', 'allowed_by']).where('id', '=', id)
  const { task, allowed_by: allowedBy } = await one.executeTakeFirstOrThrow()
  return { task: taskIn(task), isAllowed: allowedBy !== null }
}

/**
 * @param outcome `succeeded`, or the code of what ended it
 * @param came what is kept of a review, to be answered
 */
export async function endFollowUp(db: Db, id: string, outcome: string, came?: CameOfReview): Promise<void> {
  const kept = came === undefined ? null : sql<string>`task || ${JSON.stringify({ came })}::jsonb`
  const ended = kept === null ? { outcome } : { outcome, task: kept }
  await db.updateTable('follow_ups').set(ended).where('id', '=', id).execute()
}

/** Of a rerun whose result has still to come. */
const RERUNNING: readonly string[] = ['asked', 'running']

/**
 * Keeps what became of checks that were run again; where another process has kept something since `before`, that stays, and where
 * the order has ended meanwhile no result is waited for.
 */
export async function keepRerun(db: Db, id: string, { before, now }: { before: string | null; now: string }) {
  const hasEnded = sql<boolean>`exists (
    select from work_orders where work_orders.id = work_order_id and work_orders.status in ('completed', 'cancelled'))`
  const outcome = RERUNNING.includes(now) ? sql<string>`case when ${hasEnded} then 'unfinished' else ${now} end` : now
  await db
    .updateTable('follow_ups')
    .set({ outcome })
    .where('id', '=', id)
    .where('outcome', 'is not distinct from', before)
    .execute()
}

/** Ends those of an order whose attempt was never begun: the order has ended, or does something else. An attempt ends its own. */
export async function endUnbegun(db: Db, workOrderId: string): Promise<void> {
  await sql`
    update follow_ups set outcome = 'attempt_cancelled'
    where work_order_id = ${workOrderId} and outcome is null and kind <> 'rerun'
      and not exists (
        select from work_orders as wo where wo.id = work_order_id and wo.follows = follow_ups.id
          and wo.status in ('pending', 'in_progress'))
      and not exists (
        select from attempts where attempts.work_order_id = follow_ups.work_order_id and attempts.follows = follow_ups.id)
  `.execute(db)
}

/** Ends the reruns of an order that has ended before their result was seen. */
export async function endReruns(db: Db, workOrderId: string): Promise<void> {
  await db
    .updateTable('follow_ups')
    .set({ outcome: 'unfinished' })
    .where('work_order_id', '=', workOrderId)
    .where('kind', '=', 'rerun')
    .where((eb) => eb.or([eb('outcome', 'is', null), eb('outcome', 'in', RERUNNING)]))
    .execute()
}

/**
 * Holds the answers of one for a minute, or for a minute more. A process that stands still for longer loses them to another one.
 *
 * @param by what the process that holds them is known by, the same each time
 * @returns false: another process holds them, or they are all given
 */
export async function holdAnswers(db: Db, id: string, by: string): Promise<boolean> {
  const row = await db
    .updateTable('follow_ups')
    .set({ answering_by: by, answering_until: sql<Date>`moose_now() + interval '1 minute'` })
    .where('id', '=', id)
    .where('answered', '=', false)
    .where(sql<boolean>`(answering_by = ${by} or answering_until is null or answering_until < moose_now())`)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function freeAnswers(db: Db, id: string, by: string): Promise<void> {
  await db
    .updateTable('follow_ups')
    .set({ answering_by: null, answering_until: null })
    .where('id', '=', id)
    .where('answering_by', '=', by)
    .execute()
}

/** Nothing of it is left to be answered on the forge. @param posted how many of its answers stand there */
export async function followUpAnswered(db: Db, id: string, posted: number): Promise<void> {
  await db.updateTable('follow_ups').set({ answered: true, posted }).where('id', '=', id).execute()
}

/**
 * Keeps how an open pull request was seen to stand, unless something else was seen since.
 *
 * @param handsOff the commit of another push that Moose keeps its hands off; null: it follows the pull request
 * @returns whether it stood otherwise before
 */
export async function noteFollowUp(
  db: Db,
  { workOrderId, attempt }: AttemptKey,
  { view, handsOff, as }: { view: FollowUpView; handsOff: string | null; as: SeenAs },
): Promise<boolean> {
  const { at: _, ...same } = view
  await holdOrder(db, workOrderId)
  const changed = await db
    .updateTable('pull_requests')
    .set({ follow_up: JSON.stringify(view), hands_off: handsOff })
    // What one more reaction was allowed for is over.
    .$if(AT_REST.includes(view.state), (update) => update.set({ allowed_sha: null }))
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .where('state', '=', 'open')
    .where(isLastSeen(as))
    .where(
      sql<boolean>`(follow_up - 'at' is distinct from ${JSON.stringify(same)}::jsonb or hands_off is distinct from ${handsOff}::text)`,
    )
    .returning('number')
    .executeTakeFirst()
  return changed !== undefined
}

/** Where an order stands is read with how its pull request does, so that neither moves until the transaction ends. */
export async function holdOrder(db: Db, workOrderId: string): Promise<void> {
  await db.selectFrom('work_orders').select('id').where('id', '=', workOrderId).forNoKeyUpdate().execute()
}

/**
 * The last answer by which a human has allowed one more reaction of an order, beyond the bounds, to this commit of its branch.
 *
 * @returns the id of its escalation; null: there is none, or it is used up
 */
export async function allowedReaction(db: Db, workOrderId: string, headSha: string): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select id from (
      select id from order_escalations
      where work_order_id = ${workOrderId} and cause = 'follow_up_exhausted' and closed_as = 'decided'
        and option in ('retry', 'model')
      order by decided_at desc limit 1) as answered
    where not exists (select from follow_ups where allowed_by = answered.id)
      and exists (select from pull_requests where work_order_id = ${workOrderId} and state = 'open' and allowed_sha = ${headSha})
  `.execute(db)
  const [row] = rows
  return row === undefined ? null : row.id
}

/** Has the open pull request of an order, of which Moose does no more, looked at anew. @returns false when it is none */
export async function lookAnew(db: Db, workOrderId: string): Promise<boolean> {
  return await db.transaction().execute(async (transaction) => {
    await holdOrder(transaction, workOrderId)
    const row = await transaction
      .updateTable('pull_requests')
      .set({ follow_up: null, allowed_sha: sql<string>`head_sha` })
      .where('work_order_id', '=', workOrderId)
      .where('state', '=', 'open')
      .where(sql<boolean>`follow_up ->> 'code' = 'follow_up_exhausted'`)
      .returning('number')
      .executeTakeFirst()
    if (row === undefined) return false
    const message = `pull request #${row.number}: a human allows one more reaction`
    await recordEvent(transaction, { workOrderId, type: 'pull_request', message })
    return true
  })
}

/** Gives the open pull request of an order back to Moose. @returns false: Moose follows it */
export async function adoptPullRequest(db: Db, { workOrderId, attempt }: AttemptKey): Promise<boolean> {
  await holdOrder(db, workOrderId)
  const { rows } = await sql`
    update pull_requests
    set adopted_sha = coalesce(hands_off, adopted_sha), hands_off = null, given_up_at = null, follow_up = null
    where work_order_id = ${workOrderId} and attempt = ${attempt} and state = 'open'
      and (hands_off is not null or given_up_at is not null)
    returning number
  `.execute(db)
  return rows.length > 0
}

type Pull = { workOrderId: string; number: number }

/** Keeps that a reaction has found a commit of another push on the branch of an open pull request, as the next look would. */
export async function noteHandsOff(
  db: Db,
  { workOrderId, number }: Pull,
  { sha, why, at }: { sha: string; why: string; at: Date },
): Promise<void> {
  const view: FollowUpView = { state: 'hands_off', why, code: 'hands_off', at: at.toISOString() }
  await db
    .updateTable('pull_requests')
    .set({ follow_up: JSON.stringify(view), hands_off: sha })
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', number)
    .where('state', '=', 'open')
    .execute()
}

function taskIn(stored: unknown): FollowUpTask | null {
  return stored === null ? null : FollowUpTask.parse(stored)
}

/** How an open pull request was last seen to stand; null: it was not yet, or is not open. */
export function followUpIn({ follow_up, state }: Pick<PullRequestRow, 'follow_up' | 'state'>): FollowUpView | null {
  const stored = FollowUpView.safeParse(follow_up)
  return stored.success && state === 'open' ? stored.data : null
}
