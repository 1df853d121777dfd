import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'
import { asksTheSame } from '../work-orders/order-conditions.ts'
import { isSuspended } from '../work-orders/suspended-orders.ts'
import { failedVerification } from './attempt-steps.ts'

/** How the last attempt of an order ended. */
export type LastAttempt = {
  /** Null: it ended well. One that is still ending was cancelled: an order that ends otherwise ends with its attempt. */
  code: string | null
  /** The last failure that its checks found in a change, whatever ended it then; null: none. */
  checkFailed: string | null
  /** Whether it rests and is resumed by the next claim. */
  goesOn: boolean
  /** The order asks for something else by now. */
  isOfOther: boolean
  /** Answers of models it has had. */
  answers: number
  /** Whether one of them was a recording. */
  isReplayed: boolean
}

/** Null: there is none. */
export async function lastAttemptOf(db: Kysely<Database>, workOrderId: string): Promise<LastAttempt | null> {
  const row = await db
    .selectFrom('attempts')
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .where('attempts.work_order_id', '=', workOrderId)
    .select(
      sql<
        string | null
      >`case attempts.status when 'running' then 'attempt_cancelled' else attempts.error ->> 'code' end`.as('code'),
    )
    .select((eb) => [
      eb
        .and([
          isSuspended(eb),
          eb(sql<number>`coalesce(asked_anew_after, 0)`, '<', eb.ref('attempts.number')),
          ASKS_THE_SAME,
        ])
        .as('goesOn'),
      ASKS_THE_SAME.as('asksTheSame'),
      failedVerification().as('checkFailed'),
      callsOf('answer is not null or replayed').as('answers'),
      callsOf('replayed').as('replayed'),
    ])
    .orderBy('attempts.number', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return null
  const { code, checkFailed, goesOn, asksTheSame, answers, replayed } = row
  const had = { answers: Number(answers), isReplayed: Number(replayed) > 0 }
  return { code, checkFailed, goesOn: goesOn === true, isOfOther: !asksTheSame, ...had }
}

const ASKS_THE_SAME = asksTheSame('attempts')

/** The attempts of an order that were begun for what it asks for now. */
export async function attemptsAsAsked(db: Kysely<Database>, workOrderId: string): Promise<ReadonlySet<number>> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .where('attempts.work_order_id', '=', workOrderId)
    .where(ASKS_THE_SAME)
    .select('attempts.number')
    .execute()
  return new Set(rows.map(({ number }) => number))
}

function callsOf(which: 'answer is not null or replayed' | 'replayed') {
  return sql<string>`(
    select count(*) from model_calls as call
    where call.work_order_id = attempts.work_order_id and call.attempt = attempts.number and (${sql.raw(which)})
  )`
}

/**
 * The attempt that made the commit of the last attempt of an order, where its checks had passed and only its push was rejected;
 * null: the last attempt ended otherwise, or the order asks for something else by now.
 */
export async function rejectedPushOf(db: Kysely<Database>, workOrderId: string): Promise<number | null> {
  const row = await db
    .selectFrom('attempts')
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .where('attempts.work_order_id', '=', workOrderId)
    .select(sql<number>`coalesce(attempts.verifies, attempts.number)`.as('maker'))
    .select(sql<boolean>`(attempts.error ->> 'code' = 'push_rejected' and ${ASKS_THE_SAME})`.as('isRejectedPush'))
    .orderBy('attempts.number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.isRejectedPush === true ? row.maker : null
}
