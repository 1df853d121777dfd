import { type Kysely, sql } from 'kysely'
import { Usd } from '../../money.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED } from './order-conditions.ts'
import { moveWorkOrder } from './work-orders.ts'

type Db = Kysely<Database>

/** What an order is released for, so that the same headroom or test call is not given to two. */
export type ReleasedFor = {
  /** What its next call may cost; null: it did not wait for money. */
  usd: Usd | null
  /** The provider whose pause it tests; null: none. */
  provider: string | null
}

/**
 * Releases a suspended order. What it is released for stands in its metadata until it moves (`moveWorkOrder`).
 *
 * @returns false when another process was faster
 */
export async function releaseOrder(db: Db, id: string, { usd, provider }: ReleasedFor): Promise<boolean> {
  const { last } = await db
    .selectFrom('budget_entries')
    .select((eb) => eb.fn.max('id').as('last'))
    .executeTakeFirstOrThrow()
  const releasedFor = { usd: usd === null ? null : usd.toFixed(), provider, after_entry: last === null ? '0' : last }
  const metadata = { released_for: releasedFor }
  return moveWorkOrder(db, id, { from: ['blocked'], to: 'pending', reason: null, metadata })
}

/**
 * Approved orders that have not used what they were released for: they have reserved nothing since, and may still call a
 * model before they do anything else. One that is unchanged for an hour is ignored: its process is gone.
 */
export async function releasedOrders(db: Db): Promise<(ReleasedFor & { projectId: string | null })[]> {
  const rows = await db
    .selectFrom('work_orders')
    .leftJoin('attempts', (join) =>
      join.onRef('attempts.work_order_id', '=', 'work_orders.id').onRef('attempts.number', '=', 'work_orders.attempts'),
    )
    .select([
      sql<string | null>`coalesce(attempts.project_id, work_orders.project_id)`.as('projectId'),
      partOf('usd', AMOUNT).as('usd'),
      sql<string | null>`work_orders.metadata -> 'released_for' ->> 'provider'`.as('provider'),
    ])
    .where('work_orders.status', 'in', ['pending', 'in_progress'])
    .where(sql<boolean>`coalesce(work_orders.phase not in ('verifying', 'publishing', 'in_review'), true)`)
    .where(IS_APPROVED)
    .where(sql<boolean>`work_orders.metadata ? 'released_for'`)
    .where(sql<boolean>`work_orders.updated_at > clock_timestamp() - interval '1 hour'`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('budget_entries')
            .select('id')
            .whereRef('work_order_id', '=', 'work_orders.id')
            .where('kind', '=', 'reserved')
            .where('id', '>', sql<string>`${partOf('after_entry', ENTRY)}::bigint`),
        ),
      ),
    )
    .execute()
  return rows.map(({ usd, ...row }) => ({ ...row, usd: usd === null ? null : new Usd(usd) }))
}

const AMOUNT = String.raw`^\d{1,12}(\.\d{1,40})?$`
const ENTRY = String.raw`^\d{1,18}$`

/** Anybody may write into the metadata of an order: what does not look as it should is null. */
function partOf(key: 'usd' | 'after_entry', form: string) {
  const value = sql`work_orders.metadata -> 'released_for' ->> ${sql.lit(key)}`
  return sql<string | null>`(case when ${value} ~ ${sql.lit(form)} then ${value} end)`
}
