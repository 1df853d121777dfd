import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

/** An attempt that was routed and has ended, or whose pull request is open. */
export type RoutedAttempt = {
  workOrderId: string
  attempt: number
  title: string
  /** The order as it was approved; for the reader to check. */
  content: unknown
  /** Whom it was given to. */
  proposer: string
  costUsd: number
  /** Null: its pull request is still open. */
  merged: boolean | null
}

/** The latest attempts that ended, newest first; not those of recordings, and not those a condition or a human ended. */
export async function readRoutedAttempts(db: Kysely<Database>, latest: number): Promise<RoutedAttempt[]> {
  const rows = await db
    .selectFrom('outcome_vectors as run')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'run.work_order_id').onRef('attempts.number', '=', 'run.attempt'),
    )
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .leftJoin('outcome_vectors as ending', (join) =>
      join
        .onRef('ending.work_order_id', '=', 'run.work_order_id')
        .onRef('ending.attempt', '=', 'run.attempt')
        .on('ending.operation_type', '=', 'pull_request_end'),
    )
    .select([
      'attempts.work_order_id as workOrderId',
      'attempts.number as attempt',
      'work_orders.title',
      'attempts.content',
      'run.model_used as proposer',
      sql<string>`coalesce(moose_usd(attempts.cost_usd), 0)`.as('cost'),
      'run.outcome as outcome',
      'ending.success as merged',
    ])
    .where('run.operation_type', '=', 'work_order_execution')
    .where('run.outcome', 'in', ['pull_request_opened', 'failed'])
    .where('run.model_used', '<>', 'none')
    .where(sql<boolean>`run.metadata ->> 'replayed' is distinct from 'true'`)
    .orderBy('attempts.claimed_at', 'desc')
    .limit(latest)
    .execute()
  return rows.map(({ cost, outcome, merged, proposer, ...row }) => ({
    ...row,
    proposer: String(proposer),
    costUsd: Number(cost),
    merged: outcome === 'failed' ? false : merged,
  }))
}

/** The decisions an order has been routed by, oldest first: the output of each attempt's step `route`. */
export async function readPastRoutes(
  db: Kysely<Database>,
  workOrderId: string,
): Promise<{ attempt: number; output: unknown }[]> {
  return db
    .selectFrom('attempt_steps')
    .select(['attempt', 'output'])
    .where('work_order_id', '=', workOrderId)
    .where('name', '=', 'route')
    .where('status', '=', 'succeeded')
    .orderBy('attempt')
    .orderBy('try')
    .execute()
}
