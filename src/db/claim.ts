import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { HOLDER } from '../holder.ts'
import { claimSeconds } from '../telemetry/counters.ts'
import { LIMITS } from '../work-order/content.ts'
import { scopesOverlap } from '../work-order/scope.ts'
import { type AttemptRun, hasNoRunningAttempt } from './attempts.ts'
import { recordEvent } from './events.ts'
import type { Database } from './schema.ts'
import { resumeAttempt } from './suspended-orders.ts'
import { texts } from './work-order-view.ts'
import type { Runner } from './workers.ts'

/** Any fixed number; the dispatchers of all processes queue for it. */
const CLAIM_LOCK = 7_301_600_042n
/** How far behind the oldest order a claim looks for one whose scope is free. */
const LOOK_AHEAD = 1_000

export type ClaimOptions = {
  /** Attempts that may run at once, over all processes. */
  maxConcurrent: number
  /** Of these, in one repository; null: as many as there may be at all. */
  maxPerRepository: number | null
  runner: Runner
  /** Only this order; null: whatever is next. */
  only: string | null
}

export type Claim = {
  /** Oldest order first. */
  claimed: AttemptRun[]
  /** Orders that should start and that the database refuses to change; they stay pending. */
  refused: { workOrderId: string; error: unknown }[]
}

type Scope = { repository: string | null; files: readonly string[] }
type Candidate = Scope & { id: string }

/**
 * Claims the approved orders that may start now, oldest first: each becomes `in_progress` with a new attempt row, or the
 * one that rests goes on, in one transaction. An order waits while a running attempt in its repository has an overlapping scope.
 *
 * One claimer works at a time (advisory lock), so that the limits hold across processes; SKIP LOCKED lets it pass
 * orders somebody is editing.
 */
export async function claimOrders(db: Kysely<Database>, options: ClaimOptions): Promise<Claim> {
  return db.transaction().execute(async (transaction) => {
    await lockClaims(transaction)
    const running = await runningScopes(transaction)
    const free = options.maxConcurrent - running.length
    if (free <= 0) return { claimed: [], refused: [] }
    const candidates = await approvedOrders(transaction, options.only)
    const chosen = choose(candidates, running, { free, perRepository: options.maxPerRepository })
    return startAttempts(transaction, chosen, options.runner)
  })
}

/** Until the transaction ends nobody else claims or takes over. */
export async function lockClaims(transaction: Transaction<Database>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${CLAIM_LOCK})`.execute(transaction)
}

/** How many attempts more may run, and how many at all in one repository; null: as many as there are. */
export type Places = { free: number; perRepository: number | null }

/**
 * The first candidates there are places for and whose scope nobody holds. One that has to wait holds its scope against
 * younger ones, so that a busy file cannot starve it.
 */
export function choose(
  candidates: readonly Candidate[],
  running: readonly Scope[],
  { free, perRepository }: Places,
): string[] {
  const held = [...running]
  const chosen: string[] = []
  const taken = new Map<string | null, number>()
  for (const { repository } of running) take(taken, repository)
  for (const candidate of candidates) {
    if (chosen.length === free) break
    const { repository } = candidate
    const waits =
      isFull(taken.get(repository), perRepository) ||
      held.some((other) => other.repository === repository && scopesOverlap(other.files, candidate.files))
    if (!waits) {
      chosen.push(candidate.id)
      take(taken, repository)
    }
    held.push(candidate)
  }
  return chosen
}

function take(taken: Map<string | null, number>, repository: string | null): void {
  const before = taken.get(repository)
  taken.set(repository, before === undefined ? 1 : before + 1)
}

function isFull(taken: number | undefined, perRepository: number | null): boolean {
  return perRepository !== null && taken !== undefined && taken >= perRepository
}

/**
 * Where an order changes files; two projects may name one repository. An order without a project belongs to the only
 * one; with several it will fail, and nobody is in its way.
 */
const repositoryOf = () => sql<string | null>`coalesce(
  (select repository from projects where projects.id = project_id),
  (select (array_agg(repository))[1] from projects where repository is not null having count(*) = 1)
)`

/** A longer list than an order may have is refused when it is run; comparing it here could take for ever. */
function comparableScope(files: RawBuilder<unknown>) {
  const isComparable = sql`jsonb_typeof(${files}) = 'array' and jsonb_array_length(${files}) <= ${LIMITS.files}`
  return sql<unknown>`case when ${isComparable} then ${files} else '[]' end`
}

async function runningScopes(transaction: Transaction<Database>): Promise<Scope[]> {
  const rows = await transaction
    .selectFrom('attempts')
    .select([repositoryOf().as('repository'), comparableScope(sql`content -> 'files_in_scope'`).as('files')])
    .where('status', '=', 'running')
    .execute()
  return rows.map((row) => ({ repository: row.repository, files: texts(row.files) }))
}

async function approvedOrders(transaction: Transaction<Database>, only: string | null): Promise<Candidate[]> {
  let select = transaction
    .selectFrom('work_orders')
    .select(['id', comparableScope(sql`files_in_scope`).as('files'), repositoryOf().as('repository')])
    .where('status', '=', 'pending')
    .where(sql<boolean>`metadata ->> 'approved_by_director' = 'true'`)
    // A cancelled and retried order waits until its last attempt has really ended.
    .where(hasNoRunningAttempt)
  if (only !== null) select = select.where('id', '=', only)
  const rows = await select.orderBy('created_at').orderBy('id').limit(LOOK_AHEAD).execute()
  return rows.map((row) => ({ id: row.id, repository: row.repository, files: texts(row.files) }))
}

async function startAttempts(
  transaction: Transaction<Database>,
  ids: readonly string[],
  runner: Runner,
): Promise<Claim> {
  const claim: Claim = { claimed: [], refused: [] }
  for (const id of ids) {
    await sql`savepoint one_order`.execute(transaction)
    try {
      const key = await startAttempt(transaction, id, runner)
      if (key !== null) claim.claimed.push(key)
    } catch (error) {
      // One row the database does not take must not hold up all others.
      await sql`rollback to savepoint one_order`.execute(transaction)
      claim.refused.push({ workOrderId: id, error })
    }
  }
  return claim
}

/** @returns null when somebody holds the row or has changed it since it was chosen */
async function startAttempt(
  transaction: Transaction<Database>,
  id: string,
  runner: Runner,
): Promise<AttemptRun | null> {
  const row = await transaction
    .selectFrom('work_orders')
    .select(sql<number>`extract(epoch from clock_timestamp() - updated_at)::float8`.as('waited_s'))
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .where(sql<boolean>`metadata ->> 'approved_by_director' = 'true'`)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  if (row === undefined) return null
  const goesOn = await resumeAttempt(transaction, id, runner)
  const run = goesOn === null ? await addAttempt(transaction, id, runner) : goesOn
  const { attempt } = run
  await transaction
    .updateTable('work_orders')
    .set({ status: 'in_progress', phase: 'routing', attempts: attempt, status_reason: null })
    .where('id', '=', id)
    .execute()
  const how = goesOn === null ? 'begins' : `goes on at ${goesOn.step === null ? 'its first step' : goesOn.step}`
  claimSeconds.observe(row.waited_s)
  await recordEvent(transaction, { workOrderId: id, attempt, type: 'claimed', message: `attempt ${attempt} ${how}` })
  return { workOrderId: id, attempt, resumed: run.resumed }
}

/** A new attempt of the order as it is now. */
async function addAttempt(
  transaction: Transaction<Database>,
  id: string,
  { executorId, revision }: Runner,
): Promise<AttemptRun> {
  const { number, resumed } = await transaction
    .insertInto('attempts')
    .columns(['work_order_id', 'number', 'project_id', 'content', 'executor_id', 'holder', 'revision'])
    .expression((eb) =>
      eb
        .selectFrom('work_orders')
        .where('id', '=', id)
        .select([
          'id',
          sql<number>`1 + (select coalesce(max(number), 0) from attempts where work_order_id = ${id})`.as('number'),
          'project_id',
          sql<string>`moose_order_content(work_orders)`.as('content'),
          sql<string>`${executorId}::text`.as('executor_id'),
          sql<string>`${HOLDER}::uuid`.as('holder'),
          sql<string>`${revision}::text`.as('revision'),
        ]),
    )
    .returning(['number', 'resumed'])
    .executeTakeFirstOrThrow()
  return { workOrderId: id, attempt: number, resumed }
}
