import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { Fault } from '../../faults/fault.ts'
import { processId } from '../../process/process-id.ts'
import type { Database } from '../schema.ts'
import { type AttemptKey, type AttemptRun, selectAttempt } from './attempts.ts'

type Db = Kysely<Database>

/**
 * For `where` on `attempts`: this run is the attempt's last, and no other process carries it out. An attempt that has
 * ended passes: recording its end once more changes nothing.
 */
export function isHeld({ workOrderId, attempt, epoch }: AttemptRun) {
  return ({ and, or, eb }: ExpressionBuilder<Database, 'attempts'>) =>
    and([
      eb('attempts.work_order_id', '=', workOrderId),
      eb('attempts.number', '=', attempt),
      eb('attempts.resumed', '=', epoch),
      or([eb('attempts.status', '<>', 'running'), eb('attempts.holder', '=', processId)]),
    ])
}

/**
 * For `with held as …`: the row of an attempt while no other process carries this run of it out, locked until the statement
 * has ended, so that what the statement does from `held` happens before any takeover or not at all. Columns:
 * `work_order_id`, `number`.
 */
export function fence(db: Db, run: AttemptRun) {
  return db.selectFrom('attempts').select(['work_order_id', 'number']).where(isHeld(run)).forShare()
}

/**
 * Makes sure that this process carries out a run of an attempt: it was neither taken over nor ended. Within a transaction
 * neither happens before that has ended; outside of one it was so a moment ago.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function holdAttempt(db: Db, run: AttemptRun): Promise<void> {
  const row = await db
    .selectFrom('attempts')
    .select('number')
    .where(isHeld(run))
    .where('attempts.status', '=', 'running')
    .forShare()
    .executeTakeFirst()
  if (row === undefined) throw takenOver(run)
}

/**
 * Checks that no later run and no other process owns the attempt, which would have to record the end instead. An attempt
 * without a row passes.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function assertLastRun(db: Db, run: AttemptRun): Promise<void> {
  const row = await selectAttempt(db, run)
    .select((builder) => isHeld(run)(builder).as('held'))
    .executeTakeFirst()
  if (row !== undefined && !row.held) throw takenOver(run)
}

/** The run of an attempt this process carries out; `over`: it has ended; null: another process carries it out, or it rests. */
export async function heldRun(db: Db, key: AttemptKey): Promise<AttemptRun | 'over' | null> {
  const { workOrderId, attempt } = key
  const row = await selectAttempt(db, key).select(['resumed', 'status', 'holder']).executeTakeFirst()
  if (row === undefined || (row.status !== 'running' && row.status !== 'blocked')) return 'over'
  return row.status === 'running' && row.holder === processId ? { workOrderId, attempt, epoch: row.resumed } : null
}

/** Those of these runs that this process no longer carries out, because another one does. */
export async function lostRuns(db: Db, runs: readonly AttemptRun[]): Promise<AttemptRun[]> {
  if (runs.length === 0) return []
  const held = await db
    .selectFrom('attempts')
    .select(['work_order_id', 'number'])
    .where((builder) => builder.or(runs.map((run) => isHeld(run)(builder))))
    .execute()
  const kept = new Set(held.map(({ work_order_id, number }) => `${work_order_id} ${number}`))
  return runs.filter(({ workOrderId, attempt }) => !kept.has(`${workOrderId} ${attempt}`))
}

/** Makes another run of one that this process carries out. @throws {Fault} `attempt_taken_over` */
export async function runAgain(db: Db, run: AttemptRun): Promise<AttemptRun> {
  const row = await db
    .updateTable('attempts')
    .set({ resumed: sql<number>`resumed + 1` })
    .where(isHeld(run))
    .where('status', '=', 'running')
    .returning('resumed')
    .executeTakeFirst()
  if (row === undefined) throw takenOver(run)
  return { ...run, epoch: row.resumed }
}

/**
 * Counts the takeover of an attempt that a dead worker left.
 *
 * @returns false when it does not stand so any more
 */
export async function countTakeover(db: Db, run: AttemptRun): Promise<boolean> {
  const row = await db
    .updateTable('attempts')
    .set({ takeovers: sql<number>`takeovers + 1`, left_behind: false })
    .where(isHeld(run))
    .where('status', '=', 'running')
    .where('left_behind', '=', true)
    .returning('number')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Remembers what an attempt has made so far, while this process carries it out: one statement, so one round trip.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function noteAttempt(
  db: Db,
  run: AttemptRun,
  facts:
    | { project_id: string }
    | { base_sha: string }
    | { head_sha: string }
    | { decision_id: string | null }
    | { resolving: string },
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
    update work_orders set proposer_name = ${facts.proposer}, complexity_score = ${facts.complexity},
      estimated_cost = ${facts.estimatedCostUsd}
    from noted where work_orders.id = noted.work_order_id
    returning work_orders.id
  `.execute(db)
  if (rows.length === 0) throw takenOver(run)
}

/**
 * Makes sure of the same as `holdAttempt`, whichever run of the attempt it is. An attempt we have no row of is a
 * caller's own business.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function assertNotTakenOver(db: Db, key: AttemptKey): Promise<void> {
  const row = await selectAttempt(db, key)
    .select(sql<boolean>`status = 'running' and holder is not distinct from ${processId}`.as('held'))
    .forShare()
    .executeTakeFirst()
  if (row !== undefined && !row.held) throw takenOver(key)
}

export function takenOver({ workOrderId, attempt }: { workOrderId: string; attempt: number }): Fault {
  const message =
    `Attempt ${attempt} of work order ${workOrderId} is carried out by another worker now, or has been ended by one; ` +
    `this one has given it up. Follow it with: moose logs -f ${workOrderId.slice(0, 8)}`
  return new Fault('attempt_taken_over', message, { id: workOrderId, attempt })
}

export function noLongerWanted(workOrderId: string): Fault {
  return new Fault('attempt_cancelled', 'The order was cancelled or completed meanwhile.', { id: workOrderId })
}
