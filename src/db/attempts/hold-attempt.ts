import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { Fault } from '../../faults/fault.ts'
import { processId } from '../../process/process-id.ts'
import type { Database } from '../schema.ts'
import type { AttemptKey, AttemptRun } from './attempts.ts'

type Db = Kysely<Database>

/**
 * For `where` on `attempts`: this run is the attempt's last, and nobody else carries it out. One that has ended is
 * carried out by nobody, and recording its end once more changes nothing.
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
 * Makes sure that this process carries out a run of an attempt: nobody has taken it over, and nobody has ended it. Within
 * a transaction neither happens before that has ended; outside of one it was so a moment ago.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function holdAttempt(db: Db, run: AttemptRun): Promise<void> {
  await assertThere(db, run, (builder) =>
    builder.and([isHeld(run)(builder), builder('attempts.status', '=', 'running')]),
  )
}

/**
 * Makes sure that nothing goes on with the attempt after this run of it, and no other process with this one: what is
 * missing then is not another's to do. An attempt without a row passes.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function assertLastRun(db: Db, run: AttemptRun): Promise<void> {
  const row = await db
    .selectFrom('attempts')
    .select((builder) => isHeld(run)(builder).as('held'))
    .where('work_order_id', '=', run.workOrderId)
    .where('number', '=', run.attempt)
    .executeTakeFirst()
  if (row !== undefined && !row.held) throw takenOver(run)
}

/** The run of an attempt this process carries out; `over`: it has ended; null: somebody else carries it out, or it rests. */
export async function heldRun(db: Db, { workOrderId, attempt }: AttemptKey): Promise<AttemptRun | 'over' | null> {
  const row = await db
    .selectFrom('attempts')
    .select(['resumed', 'status', 'holder'])
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .executeTakeFirst()
  if (row === undefined || (row.status !== 'running' && row.status !== 'blocked')) return 'over'
  return row.status === 'running' && row.holder === processId ? { workOrderId, attempt, epoch: row.resumed } : null
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
 * Counts that an attempt which was left behind is gone on with by this process.
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

async function assertThere(db: Db, run: AttemptRun, where: ReturnType<typeof isHeld>): Promise<void> {
  const row = await db.selectFrom('attempts').select('number').where(where).forShare().executeTakeFirst()
  if (row === undefined) throw takenOver(run)
}

/**
 * Makes sure of the same as `holdAttempt`, whichever run of the attempt it is. An attempt we have no row of is a
 * caller's own business.
 *
 * @throws {Fault} `attempt_taken_over`
 */
export async function assertNotTakenOver(db: Db, key: { workOrderId: string; attempt: number }): Promise<void> {
  const { workOrderId, attempt } = key
  const row = await db
    .selectFrom('attempts')
    .select(sql<boolean>`status = 'running' and holder is not distinct from ${processId}`.as('held'))
    .where('work_order_id', '=', workOrderId)
    .where('number', '=', attempt)
    .forShare()
    .executeTakeFirst()
  if (row !== undefined && !row.held) throw takenOver(key)
}

export function takenOver({ workOrderId, attempt }: { workOrderId: string; attempt: number }): Fault {
  const message =
    `Attempt ${attempt} of work order ${workOrderId} is carried out by another worker now, or has been ended by one; ` +
    `this one has let go of it. Follow it with: moose logs -f ${workOrderId.slice(0, 8)}`
  return new Fault('attempt_taken_over', message, { id: workOrderId, attempt })
}

export function noLongerWanted(workOrderId: string): Fault {
  return new Fault('attempt_cancelled', 'The order was cancelled or completed meanwhile.', { id: workOrderId })
}
