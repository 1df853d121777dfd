import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

/** So many rows are changed in one transaction: none of them holds a lock for long. */
const BATCH = 500

/** For a query with `work_orders`: the order ended so many days ago, and nothing has happened to it since. */
export const overFor = (days: number) => sql<boolean>`(
  work_orders.status in ('completed', 'failed', 'cancelled')
  and coalesce(work_orders.updated_at, work_orders.created_at) < moose_now() - make_interval(days => ${days})
)`

/**
 * Forgets the answers of models that no repetition will ask for any more: of orders that ended so many days ago, and of
 * calls that belong to no order. Tokens, cost and time of the calls stay.
 *
 * @returns how many were forgotten
 */
export async function forgetAnswers(db: Db, days: number, signal: AbortSignal): Promise<number> {
  let forgotten = 0
  for (let batch = BATCH; batch === BATCH && !signal.aborted; ) {
    const { numAffectedRows } = await sql`
      update model_calls set answer = null where id in (
        select call.id from model_calls as call left join work_orders on work_orders.id = call.work_order_id
        where call.answer is not null and (call.work_order_id is null or ${overFor(days)})
        limit ${BATCH}
      )
    `.execute(db)
    batch = Number(numAffectedRows)
    forgotten += batch
  }
  return forgotten
}

/**
 * Removes what checks and Aider of an order printed that ended so many days ago. What happened to it stays.
 *
 * @returns how many pieces were removed
 */
export async function removeOutput(db: Db, days: number, signal: AbortSignal): Promise<number> {
  let removed = 0
  // Each batch goes on where the last one ended: what is to stay is looked at once.
  for (let after: string | undefined = '0'; after !== undefined && !signal.aborted; ) {
    const { rows }: { rows: { id: string }[] } = await sql<{ id: string }>`
      with old as (
        select event.id from work_order_events as event join work_orders on work_orders.id = event.work_order_id
        where event.id > ${after} and event.type = 'output' and ${overFor(days)}
        order by event.id limit ${BATCH}
      ), removed as (
        delete from work_order_events using old where work_order_events.id = old.id
      )
      select id from old order by id
    `.execute(db)
    removed += rows.length
    after = rows.length < BATCH ? undefined : rows.at(-1)?.id
  }
  return removed
}

/** Removes the rows of processes that have been gone for so many days and have no attempt to go on with. */
export async function removeGoneWorkers(db: Db, days: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from workers where lease_until < moose_now() - make_interval(days => ${days}) and not exists (
      select from attempts where attempts.executor_id = workers.executor_id and attempts.status in ('running', 'blocked')
    )
  `.execute(db)
  return Number(numAffectedRows)
}
