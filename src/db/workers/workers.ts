import { hostname } from 'node:os'
import { type Kysely, sql } from 'kysely'
import { processId } from '../../process/process-id.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

/** A process that runs attempts. */
export type Runner = {
  /** What its home is called. */
  homeId: string
  /** Of its pipeline. */
  revision: string
}

/** Said in a notification when there may be something to claim or to take over. */
const READY = 'moose_ready'

const until = (leaseMs: number) => sql<Date>`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`

/**
 * Enters this process into the fleet, in place of an earlier process of its home: attempts that one carried out are this
 * one's from now on, and count as left behind where it has not left properly.
 */
export async function joinFleet(
  db: Db,
  { homeId, revision }: Runner,
  { leaseMs, version }: { leaseMs: number; version: string },
): Promise<void> {
  const who = { holder: processId, host: hostname(), pid: process.pid, version, revision }
  const worker = { ...who, lease_until: until(leaseMs), has_left: false }
  await db.transaction().execute(async (transaction) => {
    const before = await transaction
      .selectFrom('workers')
      .select('has_left')
      .where('executor_id', '=', homeId)
      .forUpdate()
      .executeTakeFirst()
    const isGone = before !== undefined && !before.has_left
    await transaction
      .insertInto('workers')
      .values({ executor_id: homeId, ...worker })
      .onConflict((conflict) =>
        conflict.column('executor_id').doUpdateSet({ ...worker, started_at: sql<Date>`clock_timestamp()` }),
      )
      .execute()
    await transaction
      .updateTable('attempts')
      .set({ holder: processId, left_behind: sql<boolean>`left_behind or ${isGone}` })
      .where('executor_id', '=', homeId)
      .where('status', '=', 'running')
      .where('holder', 'is distinct from', processId)
      .execute()
  })
}

/**
 * Enters the fleet again after another process has stood for this home, or nothing has: what runs here may have been
 * taken from it meanwhile, so each attempt becomes a new run.
 */
export async function rejoinFleet(
  db: Db,
  runner: Runner,
  options: { leaseMs: number; version: string },
): Promise<void> {
  await db
    .updateTable('attempts')
    .set({ resumed: sql<number>`resumed + 1` })
    .where('executor_id', '=', runner.homeId)
    .where('status', '=', 'running')
    .where('holder', '<>', processId)
    .execute()
  await joinFleet(db, runner, options)
}

/** Nothing moves here any more: others may take over at once what stands. */
export async function leaveFleet(db: Db, homeId: string): Promise<void> {
  const row = await db
    .updateTable('workers')
    .set({ lease_until: sql<Date>`clock_timestamp()`, has_left: true })
    .where('executor_id', '=', homeId)
    .where('holder', '=', processId)
    .returning('executor_id')
    .executeTakeFirst()
  if (row !== undefined) await sql`select pg_notify(${READY}, '')`.execute(db)
}

/** A worker as the status shows it. */
export type WorkerRow = {
  executor_id: string
  host: string
  pid: number
  version: string
  started_at: Date
  /** Whether its lease holds. */
  alive: boolean
  running: number
}

/** Workers that live or still stand in an attempt; the oldest first. */
export async function listWorkers(db: Db): Promise<WorkerRow[]> {
  const alive = sql<boolean>`lease_until > clock_timestamp()`
  const running = sql<number>`(
    select count(*)::integer from attempts where attempts.executor_id = workers.executor_id and attempts.status = 'running'
  )`
  return db
    .selectFrom('workers')
    .select(['executor_id', 'host', 'pid', 'version', 'started_at', alive.as('alive'), running.as('running')])
    .where(({ or, exists, selectFrom }) =>
      or([
        alive,
        exists(
          selectFrom('attempts')
            .select('number')
            .whereRef('attempts.executor_id', '=', 'workers.executor_id')
            .where('attempts.status', '=', 'running'),
        ),
      ]),
    )
    .orderBy('started_at')
    .orderBy('executor_id')
    .execute()
}

/** An attempt that runs, and the worker it runs in; null: none is entered. */
export type HeldAttempt = {
  executor_id: string | null
  work_order_id: string
  title: string
  attempt: number
  started_at: Date
}

/** Of all workers, oldest first: as many as there are places at most. */
export async function listHeldAttempts(db: Db): Promise<HeldAttempt[]> {
  return db
    .selectFrom('attempts')
    .innerJoin('work_orders', 'work_orders.id', 'attempts.work_order_id')
    .select(['attempts.executor_id', 'attempts.work_order_id', 'work_orders.title'])
    .select(['attempts.number as attempt', 'attempts.claimed_at as started_at'])
    .where('attempts.status', '=', 'running')
    .orderBy('attempts.claimed_at')
    .orderBy('attempts.work_order_id')
    .execute()
}

/** Removes the rows of processes that have been gone for so many days and have no attempt to resume. */
export async function removeGoneWorkers(db: Db, days: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from workers where lease_until < moose_now() - make_interval(days => ${days}) and not exists (
      select from attempts where attempts.executor_id = workers.executor_id and attempts.status in ('running', 'blocked')
    )
  `.execute(db)
  return Number(numAffectedRows)
}
