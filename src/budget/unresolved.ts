import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { Usd } from '../money.ts'
import type { PaidCall, Scope } from './ceilings.ts'

/** What is held under a cap for calls of which nobody knows whether they were charged. */
export async function unresolvedUnder(
  db: Kysely<Database>,
  { workOrderId }: PaidCall,
  { scope, day, month }: { scope: Scope; day: string; month: string },
): Promise<Usd> {
  const open = db
    .selectFrom('budget_open_reservations')
    .select(({ fn, lit }) => fn.coalesce(fn.sum<string>('amount_usd'), lit(0)).as('sum'))
    .where('unresolved', '=', true)
  const under = {
    order: open.where('work_order_id', '=', workOrderId),
    project: open
      .where('month', '=', month)
      .where(({ selectFrom, eb }) =>
        eb('project_id', '=', selectFrom('work_orders').select('project_id').where('id', '=', workOrderId)),
      ),
    day: open.where('day', '=', day),
    month: open.where('month', '=', month),
    emergency_kill: open.where('day', '=', day),
  }
  const { sum } = await under[scope].executeTakeFirstOrThrow()
  return new Usd(sum)
}
