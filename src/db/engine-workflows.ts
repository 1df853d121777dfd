import { expressionBuilder, type Kysely, sql } from 'kysely'
import { UUID } from '../work-order/uuid.ts'
import type { Database } from './schema.ts'
import { overFor } from './work-orders/order-conditions.ts'
import { isUnderWayOf } from './work-orders/order-standing.ts'

type Db = Kysely<Database>

/** So many are given at once. */
export const RUNS_AT_ONCE = 200
/** An attempt that has just ended still has its workflow's own end to write down. */
const LAST_WRITES = '10 minutes'

/**
 * Workflows of the engine that are nothing but history: they have ended, and so has their order, so many days ago, or it
 * is gone. At most `RUNS_AT_ONCE`.
 *
 * @see https://docs.dbos.dev/explanations/system-tables
 */
export function endedRuns(db: Db, days: number): Promise<string[]> {
  return idsOf(
    db,
    sql`run.status in ('SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')
      and (work_orders.id is null or ${overFor(days)})`,
  )
}

/**
 * Workflows that the engine counts as unfinished and that will never be resumed: their attempt has ended, or is gone, for
 * more than ten minutes. That of a suspended attempt is its journal. At most `RUNS_AT_ONCE`.
 */
export function orphanedRuns(db: Db): Promise<string[]> {
  return idsOf(
    db,
    sql`run.status in ('PENDING', 'ENQUEUED', 'DELAYED')
      and to_timestamp(run.updated_at / 1000.0) < moose_now() - ${LAST_WRITES}::interval
      and not ${isUnderWayOf(expressionBuilder<Database, 'work_orders'>())}
      and not exists (
        select from attempts where attempts.work_order_id = work_orders.id
          and attempts.ended_at > moose_now() - ${LAST_WRITES}::interval
      )`,
  )
}

const RUN_ID = `^wo-${UUID}-`

async function idsOf(db: Db, which: ReturnType<typeof sql>): Promise<string[]> {
  // The engine makes its tables when it is first launched.
  const { rows: tables } = await sql<{ there: boolean }>`
    select to_regclass('dbos.workflow_status') is not null as there`.execute(db)
  if (tables[0]?.there !== true) return []
  const { rows } = await sql<{ id: string }>`
    select run.workflow_uuid as id from dbos.workflow_status as run
    left join work_orders
      on work_orders.id = case when run.workflow_uuid ~ ${RUN_ID} then substr(run.workflow_uuid, 4, 36)::uuid end
    where run.name = 'attempt' and ${which}
    order by run.created_at limit ${RUNS_AT_ONCE}
  `.execute(db)
  return rows.map(({ id }) => id)
}
