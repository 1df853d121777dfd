import { type Insertable, type Kysely, sql } from 'kysely'
import { codesOf } from '../faults/families.ts'
import { failedVerification } from './attempts/attempt-steps.ts'
import type { AttemptKey } from './attempts/attempts.ts'
import type { Database } from './schema.ts'
import { overFor } from './work-orders/order-conditions.ts'

const MOST = 2_147_483_647

/**
 * Keeps one call to a model, also one that failed; the same reservation again changes nothing. What a provider says of
 * its tokens may be more than the column holds, and the order may be gone by now.
 */
export async function recordModelCall(db: Kysely<Database>, call: Insertable<Database['model_calls']>): Promise<void> {
  const { work_order_id: id, input_tokens, output_tokens, duration_ms } = call
  await db
    .insertInto('model_calls')
    .values({
      ...call,
      work_order_id: typeof id === 'string' ? sql<string>`(select id from work_orders where id = ${id})` : null,
      input_tokens: Math.min(input_tokens, MOST),
      output_tokens: Math.min(output_tokens, MOST),
      cache_read_tokens: atMost(call.cache_read_tokens),
      cache_write_tokens: atMost(call.cache_write_tokens),
      reasoning_tokens: atMost(call.reasoning_tokens),
      duration_ms: Math.min(Math.max(0, duration_ms), MOST),
    })
    .onConflict((conflict) => conflict.column('reservation_id').doNothing())
    .execute()
}

function atMost(tokens: number | undefined): number {
  return tokens === undefined ? 0 : Math.min(tokens, MOST)
}

/** What the calls of attempts add up to. */
export type ModelCallTotals = {
  calls: number
  /** Calls that were answered. */
  answers: number
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  durationMs: number
  /** USD of the calls whose price is known. */
  costUsd: number
  /** Calls that answered and whose price is unknown, so that `costUsd` is a lower bound when this is not 0. */
  unpricedCalls: number
}

export async function sumModelCalls(
  db: Kysely<Database>,
  workOrderId: string,
  ...attempts: readonly number[]
): Promise<ModelCallTotals> {
  const totals = await db
    .selectFrom('model_calls')
    .select(({ fn, lit, eb }) => [
      fn.countAll().as('calls'),
      fn.countAll().filterWhere('finish_reason', 'is not', null).as('answers'),
      fn.coalesce(fn.sum('input_tokens'), lit(0)).as('inputTokens'),
      fn.coalesce(fn.sum('output_tokens'), lit(0)).as('outputTokens'),
      fn.coalesce(fn.sum('cache_read_tokens'), lit(0)).as('cacheReadTokens'),
      fn.coalesce(fn.sum('cache_write_tokens'), lit(0)).as('cacheWriteTokens'),
      fn.coalesce(fn.sum('duration_ms'), lit(0)).as('durationMs'),
      sql<string>`coalesce(sum(moose_usd(cost_usd)), 0)`.as('costUsd'),
      fn
        .countAll()
        .filterWhere(eb.and([eb(sql`moose_usd(cost_usd)`, 'is', null), eb('finish_reason', 'is not', null)]))
        .as('unpricedCalls'),
    ])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', 'in', attempts)
    .executeTakeFirstOrThrow()
  return {
    calls: Number(totals.calls),
    answers: Number(totals.answers),
    inputTokens: Number(totals.inputTokens),
    outputTokens: Number(totals.outputTokens),
    cacheReadTokens: Number(totals.cacheReadTokens),
    cacheWriteTokens: Number(totals.cacheWriteTokens),
    durationMs: Number(totals.durationMs),
    costUsd: Number(totals.costUsd),
    unpricedCalls: Number(totals.unpricedCalls),
  }
}

/** Tokens of a call, and how many calls an attempt made: both on average. */
export type UsagePerAttempt = { input: number; output: number; calls: number }

/** What the attempts of an order have used that asked a model; null: none did, or it said nothing of its tokens. */
export async function usagePerAttempt(db: Kysely<Database>, workOrderId: string): Promise<UsagePerAttempt | null> {
  const { attempts, calls, input, output } = await db
    .selectFrom('model_calls')
    .select(({ fn, lit }) => [
      fn.count('attempt').distinct().as('attempts'),
      fn.countAll().as('calls'),
      fn.coalesce(fn.sum('input_tokens'), lit(0)).as('input'),
      fn.coalesce(fn.sum('output_tokens'), lit(0)).as('output'),
    ])
    .where('work_order_id', '=', workOrderId)
    .where('replayed', '=', false)
    .where((eb) => eb(eb('input_tokens', '+', eb.ref('output_tokens')), '>', 0))
    .executeTakeFirstOrThrow()
  const answers = Number(calls)
  if (answers === 0) return null
  const each = (tokens: number | string | bigint) => Math.round(Number(tokens) / answers)
  return { input: each(input), output: each(output), calls: answers / Number(attempts) }
}

/**
 * Has calls say what they have cost that were settled after they had ended, with the costs of their attempts and orders.
 * A call whose process was killed has no row before. To be called in the transaction that settles them.
 */
export async function priceSettledCalls(db: Kysely<Database>, reservationIds: readonly string[]): Promise<void> {
  if (reservationIds.length === 0) return
  await sql`
    insert into model_calls
      (reservation_id, work_order_id, attempt, proposer, provider, model, cost_usd, duration_ms, started_at)
    select reservation_id, work_orders.id, attempt, proposer, provider, model, settled.cost_usd, 0, reserved.at
    from budget_entries as settled
    join (select reservation_id, at from budget_entries where kind = 'reserved') as reserved using (reservation_id)
    left join work_orders on work_orders.id = settled.work_order_id
    where settled.kind = 'settled' and reservation_id = any(${reservationIds}::uuid[])
    on conflict (reservation_id) do update set cost_usd = excluded.cost_usd where model_calls.cost_usd is null
  `.execute(db)
  const payers = sql`select distinct work_order_id, attempt from model_calls where reservation_id = any(${reservationIds}::uuid[])`
  await sql`
    update attempts set cost_usd = (
      select coalesce(sum(moose_usd(cost_usd)), 0) from model_calls as call
      where call.work_order_id = attempts.work_order_id and call.attempt = attempts.number
    )
    where (work_order_id, number) in (${payers})
  `.execute(db)
  await sql`
    update work_orders set actual_cost = (select sum(moose_usd(cost_usd)) from attempts where work_order_id = work_orders.id)
    where id in (select work_order_id from (${payers}) as payers)
  `.execute(db)
}

/**
 * The calls an attempt need not make again because their answers are there, oldest first: its own, and those of earlier
 * attempts that no answer was to blame for. An answer of an attempt that failed otherwise, that had failed a check before the
 * attempt ended, or whose pull request was open already, is none; neither is a recording. Answers are large: each is read by itself.
 */
export async function answeredCalls(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
): Promise<{ id: string; request_key: string | null }[]> {
  return db
    .selectFrom('model_calls as call')
    .innerJoin('work_orders', 'work_orders.id', 'call.work_order_id')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'call.work_order_id').onRef('attempts.number', '=', 'call.attempt'),
    )
    .select(['call.id', 'call.request_key'])
    .where('call.work_order_id', '=', workOrderId)
    .where('call.answer', 'is not', null)
    .where('call.replayed', '=', false)
    .where(({ or, and, eb }) =>
      or([
        eb('call.attempt', '=', attempt),
        and([
          eb(sql<string>`attempts.error ->> 'code'`, 'in', codesOf('keeps_answers')),
          eb(failedVerification(), 'is', null),
          eb('call.attempt', '>', sql<number>`coalesce(asked_anew_after, 0)`),
        ]),
      ]),
    )
    .orderBy('call.id')
    .execute()
}

/** The answer of a call as it is kept; null: it was forgotten, or there never was one. */
export async function answerOfCall(db: Kysely<Database>, id: string): Promise<Buffer | null> {
  const { answer } = await db.selectFrom('model_calls').select('answer').where('id', '=', id).executeTakeFirstOrThrow()
  return answer
}

/** How many answers of recordings each order was given, by its id; orders without one are left out. */
export async function countReplayedAnswers(db: Kysely<Database>): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('model_calls')
    .select(({ fn }) => ['work_order_id', fn.countAll<string>().as('calls')])
    .where('replayed', '=', true)
    .groupBy('work_order_id')
    .execute()
  return new Map(rows.flatMap(({ work_order_id: id, calls }) => (id === null ? [] : [[id, Number(calls)]])))
}

/** So many rows are changed in one transaction: none of them holds a lock for long. */
const BATCH = 500

/**
 * Forgets the answers of models that no repetition will ask for any more: of orders that ended so many days ago, and of
 * calls that belong to no order. Tokens, cost and time of the calls stay.
 *
 * @returns how many were forgotten
 */
export async function forgetAnswers(db: Kysely<Database>, days: number, signal: AbortSignal): Promise<number> {
  let forgotten = 0
  for (let batch = BATCH; batch === BATCH && !signal.aborted; ) {
    const { numAffectedRows } = await sql`
      update model_calls set answer = null where id in (
        select call.id from model_calls as call left join work_orders on work_orders.id = call.work_order_id
        where call.answer is not null and (call.work_order_id is null or ${overFor(days)})
        limit ${BATCH}
      )
    `.execute(db)
    batch = Number(numAffectedRows)
    forgotten += batch
  }
  return forgotten
}
