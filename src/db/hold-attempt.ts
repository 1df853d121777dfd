import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { Fault } from '../errors.ts'
import { HOLDER } from '../holder.ts'
import type { AttemptRun } from './attempts.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

/**
 * For `where` on `attempts`: this run is the attempt's last, and nobody else carries it out. One that has ended is
 * carried out by nobody, and recording its end once more changes nothing.
 */
export function isHeld({ workOrderId, attempt, resumed }: AttemptRun) {
  return ({ and, or, eb }: ExpressionBuilder<Database, 'attempts'>) =>
    and([
      eb('attempts.work_order_id', '=', workOrderId),
      eb('attempts.number', '=', attempt),
      eb('attempts.resumed', '=', resumed),
      or([eb('attempts.status', '<>', 'running'), eb('attempts.holder', '=', HOLDER)]),
    ])
}

/**
 * Makes sure that this process may still act for a run of an attempt. Within a transaction nobody takes it over before
 * that has ended; outside of one it was so a moment ago.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function holdAttempt(db: Db, run: AttemptRun): Promise<void> {
  const row = await db.selectFrom('attempts').select('number').where(isHeld(run)).forShare().executeTakeFirst()
  if (row === undefined) throw takenOver(run)
}

/** Does something in one transaction, and only while this process holds the attempt. @throws {Fault} `attempt_taken_over` */
export async function whileHeld<Result>(
  db: Db,
  run: AttemptRun,
  work: (transaction: Db) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute(async (transaction) => {
    await holdAttempt(transaction, run)
    return work(transaction)
  })
}

/** Makes sure that no other process carries the attempt out, whichever run of it, as `holdAttempt` does. @throws {Fault} `attempt_taken_over` */
export async function assertNotTakenOver(db: Db, key: { workOrderId: string; attempt: number }): Promise<void> {
  const { workOrderId, attempt } = key
  const row = await db
    .selectFrom('attempts')
    .select(sql<boolean>`holder <> ${HOLDER}`.as('lost'))
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .where('status', '=', 'running')
    .forShare()
    .executeTakeFirst()
  if (row !== undefined && row.lost) throw takenOver(key)
}

export function takenOver({ workOrderId, attempt }: { workOrderId: string; attempt: number }): Fault {
  const message =
    `Attempt ${attempt} of work order ${workOrderId} is carried out by another worker now; this one has let go of it. ` +
    `Follow it with: moose logs -f ${workOrderId.slice(0, 8)}`
  return new Fault('attempt_taken_over', message, { id: workOrderId, attempt })
}
