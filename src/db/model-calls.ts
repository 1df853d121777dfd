import type { Insertable, Kysely } from 'kysely'
import type { Database } from './schema.ts'

/** Keeps one call to a model, also one that failed; the same reservation again changes nothing. */
export async function recordModelCall(db: Kysely<Database>, call: Insertable<Database['model_calls']>): Promise<void> {
  await db
    .insertInto('model_calls')
    .values(call)
    .onConflict((conflict) => conflict.column('reservation_id').doNothing())
    .execute()
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
      fn.coalesce(fn.sum('cost_usd'), lit(0)).as('costUsd'),
      fn
        .countAll()
        .filterWhere(eb.and([eb('cost_usd', 'is', null), eb('finish_reason', 'is not', null)]))
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
