import { type Kysely, sql } from 'kysely'
import { processId } from '../../process/process-id.ts'
import type { Database } from '../schema.ts'
import { recordEvent } from '../work-order-events.ts'
import { lockClaims } from '../work-orders/claim.ts'
import type { Runner } from '../workers/workers.ts'
import type { AttemptRun } from './attempts.ts'

type Db = Kysely<Database>

/** A worker that is restarted, or replaced by one of its own revision, is back by then. */
const STUCK_AFTER = '2 minutes'

/** The worker that looks for others that are gone. */
export type Looker = Runner & { leaseMs: number }

/** Whether a worker that is gone stands in an attempt. */
export async function isLeftBehind(db: Db, looker: Looker): Promise<boolean> {
  const row = await db
    .selectFrom('attempts')
    .innerJoin('workers', 'workers.executor_id', 'attempts.executor_id')
    .select('attempts.number')
    .where('attempts.status', '=', 'running')
    .where(isGone(looker))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Takes over the running attempts of workers whose lease has run out: each becomes a new run, so that nothing the dead
 * one may still do counts.
 *
 * @returns how many
 */
export async function takeOverAttempts(db: Db, looker: Looker): Promise<number> {
  const { homeId, revision } = looker
  return db.transaction().execute(async (transaction) => {
    await lockClaims(transaction)
    const rows = await transaction
      // Skips rows locked by a paused process, so that the other attempts are taken over now.
      .with('gone', (db) =>
        db
          .selectFrom('attempts')
          .innerJoin('workers', 'workers.executor_id', 'attempts.executor_id')
          .select(['attempts.work_order_id', 'attempts.number', 'workers.host', 'workers.pid'])
          .select(['workers.has_left', SILENT_MS.as('silent_ms')])
          .where('attempts.status', '=', 'running')
          .where('attempts.revision', '=', revision)
          .where(isGone(looker))
          .forUpdate('attempts')
          .skipLocked(),
      )
      .updateTable('attempts')
      .from('gone')
      .set({ executor_id: homeId, holder: processId, resumed: sql<number>`attempts.resumed + 1` })
      .set({ left_behind: sql<boolean>`attempts.left_behind or not gone.has_left` })
      .whereRef('gone.work_order_id', '=', 'attempts.work_order_id')
      .whereRef('gone.number', '=', 'attempts.number')
      .returning(['attempts.work_order_id', 'attempts.number'])
      .returning(['gone.host', 'gone.pid', 'gone.silent_ms', 'gone.has_left'])
      .execute()
    for (const row of rows) await recordTakeover(transaction, row)
    return rows.length
  })
}

/**
 * Running attempts that no worker can take over: their worker is dead, and no live worker has the revision of the
 * pipeline they were begun with.
 */
export async function stuckAttempts(db: Db, looker: Looker): Promise<(AttemptRun & { revision: string })[]> {
  const rows = await db
    .selectFrom('attempts')
    .innerJoin('workers', 'workers.executor_id', 'attempts.executor_id')
    .select(['attempts.work_order_id', 'attempts.number', 'attempts.resumed', 'attempts.revision'])
    .where('attempts.status', '=', 'running')
    .where('attempts.revision', '<>', looker.revision)
    .where(sql<boolean>`workers.lease_until + ${STUCK_AFTER}::interval <= clock_timestamp()`)
    .where(isGone(looker))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('workers as able')
            .select('able.executor_id')
            .whereRef('able.revision', '=', 'attempts.revision')
            .where(sql<boolean>`able.lease_until > clock_timestamp()`),
        ),
      ),
    )
    .execute()
  return rows.flatMap(({ work_order_id, number, resumed, revision }) =>
    revision === null ? [] : [{ workOrderId: work_order_id, attempt: number, epoch: resumed, revision }],
  )
}

/**
 * For `where` on `workers`: another one, whose lease has run out. After a time without a database every lease has, and
 * those that live say so within the next: until the server has run for a lease, none is gone, and none is for one that was
 * cut off from it, be it that its own lease has only just been renewed or has not been yet.
 */
function isGone({ homeId, leaseMs }: Looker) {
  const mayJudge = sql`(
    pg_postmaster_start_time() + ${leaseMs} * interval '1 millisecond' <= clock_timestamp()
    and not exists (
      select from workers as own where own.executor_id = ${homeId}
        and (own.judges_from > clock_timestamp() or own.lease_until <= clock_timestamp())
    )
  )`
  return sql<boolean>`(
    workers.executor_id <> ${homeId} and workers.lease_until <= clock_timestamp()
    and (workers.has_left or ${mayJudge})
  )`
}

/** Since the lease ran out; a worker that left properly was never silent. */
const SILENT_MS = sql<number>`round(1000 * extract(epoch from clock_timestamp() - workers.lease_until))::float8`

type Taken = {
  work_order_id: string
  number: number
  host: string
  pid: number
  silent_ms: number
  has_left: boolean
}

async function recordTakeover(db: Db, { work_order_id, number, host, pid, silent_ms, has_left }: Taken): Promise<void> {
  const how = has_left ? 'which has ended' : `whose lease ran out ${(silent_ms / 1000).toFixed(1)} s ago`
  await recordEvent(db, {
    workOrderId: work_order_id,
    attempt: number,
    type: 'taken_over',
    message: `attempt ${number} is taken over from process ${pid} on ${host}, ${how}`,
    data: { host, pid, silent_ms },
  })
}
