import { type Kysely, type Selectable, sql, type Transaction } from 'kysely'
import { scopesOverlap } from '../work-order/scope.ts'
import type { AttemptKey } from './attempts.ts'
import { recordEvent } from './events.ts'
import type { Database } from './schema.ts'
import { texts } from './work-order-view.ts'

/** Any fixed number; the dispatchers of all processes queue for it. */
const CLAIM_LOCK = 7_301_600_042n
/** How far behind the oldest order a claim looks for one whose scope is free. */
const LOOK_AHEAD = 1_000

export type ClaimOptions = {
  /** Attempts that may run at once, over all processes. */
  maxConcurrent: number
  executorId: string
  /** Only this order; null: whatever is next. */
  only: string | null
}

type Scope = { projectId: string | null; files: readonly string[] }
type Candidate = Scope & { id: string }

/**
 * Claims the approved orders that may start now, oldest first: each becomes `in_progress` with a new attempt row, in
 * one transaction. An order waits while a running attempt in its repository has an overlapping scope.
 *
 * One claimer works at a time (advisory lock), so that the limits hold across processes; SKIP LOCKED lets it pass
 * orders somebody is editing.
 */
export async function claimOrders(db: Kysely<Database>, options: ClaimOptions): Promise<AttemptKey[]> {
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${CLAIM_LOCK})`.execute(transaction)
    const running = await runningScopes(transaction)
    const free = options.maxConcurrent - running.length
    if (free <= 0) return []
    const candidates = await approvedOrders(transaction, options.only)
    const chosen = choose(candidates, running, free)
    return chosen.length === 0 ? [] : startAttempts(transaction, chosen, options.executorId)
  })
}

/**
 * The first `free` candidates whose scope nobody holds. One that has to wait holds its scope against younger ones, so
 * that a busy file cannot starve it.
 */
export function choose(candidates: readonly Candidate[], running: readonly Scope[], free: number): string[] {
  const held = [...running]
  const chosen: string[] = []
  for (const candidate of candidates) {
    if (chosen.length === free) break
    const waits = held.some(
      (other) => other.projectId === candidate.projectId && scopesOverlap(other.files, candidate.files),
    )
    if (!waits) chosen.push(candidate.id)
    held.push(candidate)
  }
  return chosen
}

/** An order without a project belongs to the only one; with several it will fail, and nobody is in its way. */
const onlyProject = sql<string | null>`(
  select (array_agg(id))[1] from projects where repository is not null having count(*) = 1
)`

async function runningScopes(transaction: Transaction<Database>): Promise<Scope[]> {
  const rows = await transaction
    .selectFrom('attempts')
    .select((eb) => [
      eb.fn.coalesce('project_id', onlyProject).as('project_id'),
      sql<unknown>`content -> 'files_in_scope'`.as('files'),
    ])
    .where('status', '=', 'running')
    .execute()
  return rows.map((row) => ({ projectId: row.project_id, files: texts(row.files) }))
}

async function approvedOrders(transaction: Transaction<Database>, only: string | null): Promise<Candidate[]> {
  let select = transaction
    .selectFrom('work_orders')
    .select((eb) => ['id', 'files_in_scope', eb.fn.coalesce('project_id', onlyProject).as('project_id')])
    .where('status', '=', 'pending')
    .where(sql<boolean>`metadata ->> 'approved_by_director' = 'true'`)
    // A cancelled and retried order waits until its last attempt has really ended.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('attempts')
            .select('number')
            .whereRef('attempts.work_order_id', '=', 'work_orders.id')
            .where('attempts.status', '=', 'running'),
        ),
      ),
    )
  if (only !== null) select = select.where('id', '=', only)
  const rows = await select.orderBy('created_at').orderBy('id').limit(LOOK_AHEAD).execute()
  return rows.map((row) => ({ id: row.id, projectId: row.project_id, files: texts(row.files_in_scope) }))
}

async function startAttempts(
  transaction: Transaction<Database>,
  ids: readonly string[],
  executorId: string,
): Promise<AttemptKey[]> {
  const rows = await transaction
    .selectFrom('work_orders')
    .selectAll()
    .where('id', 'in', ids)
    .where('status', '=', 'pending')
    .where(sql<boolean>`metadata ->> 'approved_by_director' = 'true'`)
    .forUpdate()
    .skipLocked()
    .execute()
  const claimed: AttemptKey[] = []
  for (const id of ids) {
    const row = rows.find((each) => each.id === id)
    if (row !== undefined) claimed.push(await startAttempt(transaction, row, executorId))
  }
  return claimed
}

async function startAttempt(
  transaction: Transaction<Database>,
  row: Selectable<Database['work_orders']>,
  executorId: string,
): Promise<AttemptKey> {
  const attempt = row.attempts + 1
  await transaction
    .updateTable('work_orders')
    .set({ status: 'in_progress', phase: 'routing', attempts: attempt, status_reason: null })
    .where('id', '=', row.id)
    .execute()
  const { title, description, acceptance_criteria, files_in_scope, risk_level } = row
  const content = JSON.stringify({ title, description, acceptance_criteria, files_in_scope, risk_level })
  await transaction
    .insertInto('attempts')
    .values({ work_order_id: row.id, number: attempt, project_id: row.project_id, content, executor_id: executorId })
    .execute()
  const key = { workOrderId: row.id, attempt }
  await recordEvent(transaction, { ...key, type: 'claimed', message: `attempt ${attempt} begins` })
  return key
}
