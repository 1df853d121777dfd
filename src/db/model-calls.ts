import { type Insertable, type Kysely, sql } from 'kysely'
import type { Database } from './schema.ts'

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

/** What the calls of one attempt add up to. */
export type ModelCallTotals = {
  calls: number
  inputTokens: number
  outputTokens: number
  /** USD of the calls whose price is known. */
  costUsd: number
  /** Calls that answered and whose price is unknown, so that `costUsd` is a lower bound when this is not 0. */
  unpricedCalls: number
}

export async function sumModelCalls(
  db: Kysely<Database>,
  workOrderId: string,
  attempt: number,
): Promise<ModelCallTotals> {
  const totals = await db
    .selectFrom('model_calls')
    .select(({ fn, lit, eb }) => [
      fn.countAll().as('calls'),
      fn.coalesce(fn.sum('input_tokens'), lit(0)).as('inputTokens'),
      fn.coalesce(fn.sum('output_tokens'), lit(0)).as('outputTokens'),
      sql<string>`coalesce(sum(moose_usd(cost_usd)), 0)`.as('costUsd'),
      fn
        .countAll()
        .filterWhere(eb.and([eb(sql`moose_usd(cost_usd)`, 'is', null), eb('finish_reason', 'is not', null)]))
        .as('unpricedCalls'),
    ])
    .where('work_order_id', '=', workOrderId)
    .where('attempt', '=', attempt)
    .executeTakeFirstOrThrow()
  return {
    calls: Number(totals.calls),
    inputTokens: Number(totals.inputTokens),
    outputTokens: Number(totals.outputTokens),
    costUsd: Number(totals.costUsd),
    unpricedCalls: Number(totals.unpricedCalls),
  }
}
