import { type Kysely, sql, type Transaction } from 'kysely'
import { processId } from '../../process/process-id.ts'
import { claimSeconds } from '../../telemetry/counters.ts'
import type { AttemptRun } from '../attempts/attempts.ts'
import type { Database } from '../schema.ts'
import type { Runner } from '../workers/workers.ts'
import { hasApprovedOrders, nextOrders, openPullRequests, readProbation, runningScopes } from './next-orders.ts'
import { IS_APPROVED, IS_AS_APPROVED } from './order-conditions.ts'
import { resumeAttempt } from './suspended-orders.ts'

/** Any fixed number; the dispatchers of all processes queue for it. */
const CLAIM_LOCK = 7_301_600_042n
/** Between two statements of a claim. */
const LONGEST_PAUSE_MS = 5_000

export type ClaimOptions = {
  /** Attempts that may run at once, over all processes. */
  maxConcurrent: number
  /** Of these, in one repository; null: as many as there may be at all. */
  maxPerRepository: number | null
  /** Orders in a row that fail alike, after which no more of their project are claimed; left out or 0: all are. */
  pauseAfter?: number
  runner: Runner
  /** Only this order; null: whatever is next. */
  only: string | null
}

export type Claim = {
  /** Oldest order first. */
  claimed: AttemptRun[]
  /** Orders that should start and that the database refuses to change; they stay pending. */
  refused: { workOrderId: string; error: unknown }[]
  /**
   * Whether an order that was chosen is not claimed: another transaction held its row at that moment, or it was no more pending
   * and approved by then.
   */
  isHeldUp: boolean
}

const nothing = (): Claim => ({ claimed: [], refused: [], isHeldUp: false })

/**
 * Claims the approved orders that may start now, oldest first: each becomes `in_progress` with a new attempt row, or its
 * suspended one is resumed, in one transaction. An order waits while a running attempt in its repository has an overlapping scope.
 *
 * One claimer works at a time (advisory lock), so that the limits hold across processes; SKIP LOCKED lets it pass
 * orders that are being edited.
 */
export async function claimOrders(db: Kysely<Database>, options: ClaimOptions): Promise<Claim> {
  if (!(await hasApprovedOrders(db))) return nothing()
  return db.transaction().execute(async (transaction) => {
    await lockClaims(transaction)
    const running = await runningScopes(transaction)
    const free = options.maxConcurrent - running.length
    if (free <= 0) return nothing()
    // What is asked for by its id is tried, paused or not.
    const bound = options.only === null ? await readProbation(transaction, options.pauseAfter, running) : {}
    const pullRequests = options.only === null ? { pullRequests: await openPullRequests(transaction) } : {}
    const places = { free, perRepository: options.maxPerRepository, ...bound, ...pullRequests }
    const chosen = await nextOrders(transaction, { running, places, only: options.only })
    return startAttempts(transaction, chosen, options.runner)
  })
}

/** Until the transaction ends no other process claims or takes over; one that is paused within it is not waited for. */
export async function lockClaims(transaction: Transaction<Database>): Promise<void> {
  const limit = sql`set_config('idle_in_transaction_session_timeout', ${String(LONGEST_PAUSE_MS)}, true)`
  await sql`select ${limit}, pg_advisory_xact_lock(${CLAIM_LOCK})`.execute(transaction)
}

async function startAttempts(
  transaction: Transaction<Database>,
  ids: readonly string[],
  runner: Runner,
): Promise<Claim> {
  const claim = nothing()
  for (const id of ids) {
    await sql`savepoint one_order`.execute(transaction)
    try {
      const key = await startAttempt(transaction, id, runner)
      if (key === null) claim.isHeldUp = true
      else claim.claimed.push(key)
    } catch (error) {
      // One row the database does not take must not hold up all others.
      await sql`rollback to savepoint one_order`.execute(transaction)
      claim.refused.push({ workOrderId: id, error })
    }
  }
  return claim
}

/** @returns null when the row is locked, or was changed since it was chosen */
async function startAttempt(
  transaction: Transaction<Database>,
  id: string,
  runner: Runner,
): Promise<AttemptRun | null> {
  const row = await transaction
    .selectFrom('work_orders')
    .select(sql<number>`extract(epoch from clock_timestamp() - updated_at)::float8`.as('waited_s'))
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('attempts')
          .select('number')
          .whereRef('work_order_id', '=', 'work_orders.id')
          .where('attempts.status', '=', 'blocked'),
      ).as('may_go_on'),
    )
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .where(IS_APPROVED)
    .where(IS_AS_APPROVED)
    // Not `for update`: that would also pass over an order which something is being recorded of.
    .forNoKeyUpdate()
    .skipLocked()
    .executeTakeFirst()
  if (row === undefined) return null
  const resumed = row.may_go_on === true ? await resumeAttempt(transaction, id, runner) : null
  const run = resumed === null ? await addAttempt(transaction, id, runner) : resumed
  const { attempt } = run
  const how = resumed === null ? 'begins' : `is resumed at ${resumed.step === null ? 'its first step' : resumed.step}`
  await sql`
    with moved as (
      update work_orders set status = 'in_progress', phase = 'routing', attempts = ${attempt}, status_reason = null, retry_mode = null
      where id = ${id} returning id
    )
    insert into work_order_events (work_order_id, attempt, type, message)
    select id, ${attempt}::integer, 'claimed', ${`attempt ${attempt} ${how}`} from moved
  `.execute(transaction)
  claimSeconds.observe(row.waited_s)
  return { workOrderId: id, attempt, epoch: run.epoch }
}

/** A new attempt of the order as it is now. */
async function addAttempt(
  transaction: Transaction<Database>,
  id: string,
  { homeId, revision }: Runner,
): Promise<AttemptRun> {
  const { number, resumed } = await transaction
    .insertInto('attempts')
    .columns([
      'work_order_id',
      'number',
      'project_id',
      'content',
      'executor_id',
      'holder',
      'revision',
      'verifies',
      'resolves',
      'follows',
    ])
    .expression((eb) =>
      eb
        .selectFrom('work_orders')
        .where('id', '=', id)
        .select([
          'id',
          sql<number>`1 + (select coalesce(max(number), 0) from attempts where work_order_id = ${id})`.as('number'),
          'project_id',
          sql<string>`moose_order_content(work_orders)`.as('content'),
          sql<string>`${homeId}::text`.as('executor_id'),
          sql<string>`${processId}::uuid`.as('holder'),
          sql<string>`${revision}::text`.as('revision'),
          'verifies',
          'resolves',
          'follows',
        ]),
    )
    .returning(['number', 'resumed'])
    .executeTakeFirstOrThrow()
  return { workOrderId: id, attempt: number, epoch: resumed }
}
