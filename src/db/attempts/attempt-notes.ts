import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'
import type { AttemptRun } from './attempts.ts'
import { isHeld, takenOver } from './hold-attempt.ts'

type Db = Kysely<Database>

/**
 * Remembers what an attempt has made so far, while this process carries it out: one statement, so one round trip.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function noteAttempt(
  db: Db,
  run: AttemptRun,
  facts: { base_sha: string } | { head_sha: string } | { decision_id: string | null },
): Promise<void> {
  const row = await db.updateTable('attempts').set(facts).where(isHeld(run)).returning('number').executeTakeFirst()
  if (row === undefined) throw takenOver(run)
}

export type RouteFacts = {
  projectId: string
  /** What the ledger calls the decision; null: a foreign Manager's. */
  decisionId: string | null
  proposer: string
  complexity: number
  /** USD; null: unknown. */
  estimatedCostUsd: number | null
}

/**
 * Remembers how an attempt was routed, with it and with its order: for lists, and for what reads the first Moose's columns.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function noteRoute(db: Db, run: AttemptRun, facts: RouteFacts): Promise<void> {
  const noted = db
    .updateTable('attempts')
    .set({ project_id: facts.projectId, decision_id: facts.decisionId })
    .where(isHeld(run))
    .returning('work_order_id')
  const { rows } = await sql`
    with noted as (${noted})
    update work_orders set proposer_id = ${facts.proposer}, complexity_score = ${facts.complexity},
      estimated_cost = ${facts.estimatedCostUsd}
    from noted where work_orders.id = noted.work_order_id
    returning work_orders.id
  `.execute(db)
  if (rows.length === 0) throw takenOver(run)
}
