import type { Kysely } from 'kysely'
import type { CapBody, ChangedCap } from '../contract/budget-changes.ts'
import { setProjectBudget } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { editWorkOrder } from '../db/work-orders/edit-work-order.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { statedUsd, type Usd } from '../money.ts'
import { type LimitName, limitOf } from './caps.ts'
import { readBudgetRules, setLimit } from './limits.ts'

type Db = Kysely<Database>

/**
 * Sets one cap; it counts from the next call on.
 *
 * @throws {Fault} `work_order_not_found`, `not_found` for an unknown project, `config_invalid` when another limit
 *   cannot be read
 */
export async function changeCap(db: Db, { target, id, usd }: CapBody): Promise<ChangedCap> {
  const amount = usd === null ? null : statedUsd(usd)
  const changed = (whose: string | null) => ({ target, id: whose, usd: amount === null ? null : amount.toNumber() })
  if (id === undefined) {
    await changeLimit(db, limitOf(target), amount)
    return changed(null)
  }
  if (target === 'order') return changed((await editWorkOrder(db, id, { budget_usd: usd })).id)
  await setProjectBudget(db, id, amount === null ? null : amount.toFixed())
  return changed(id)
}

/** A row that cannot be read is left as it is: half corrected, it would still stop everything. */
async function changeLimit(db: Db, name: LimitName, amount: Usd | null): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await readBudgetRules(transaction).catch(throwWithRepair)
    await setLimit(transaction, name, amount)
  })
}

function throwWithRepair(error: unknown): never {
  const { code, message, details } = toFault(error)
  if (code !== 'config_invalid') throw error
  const repair = "delete from system_config where key = 'budget_limits';"
  const next = `No cap was changed. Begin anew with the usual limits, by SQL: ${repair} Then set your caps again.`
  throw new Fault('config_invalid', `${message} ${next}`, details, error)
}
