import type { Kysely } from 'kysely'
import {
  type CapSums,
  type MonthSums,
  type OrderSums,
  readMonthSums,
  readOrderSums,
} from '../db/budget-entries/cap-sums.ts'
import type { Sums } from '../db/budget-entries/counted-entries.ts'
import type { Database } from '../db/schema.ts'
import { NO_USD, Usd } from '../money.ts'
import { type Ceiling, ceilingsFrom, leftBelow } from './ceilings.ts'
import { type BudgetLimits, readBudgetRules } from './limits.ts'

type Db = Kysely<Database>

/** USD that an order will reserve any moment; what others have below a cap both count against is less by it. */
export type Promised = { projectId: string | null; usd: Usd }

/** What orders that wait for money could reserve, as of one moment. */
export type Headroom = {
  /**
   * Promises an order so much, where every cap has room for it beside what is promised to others: also when that
   * comes to nothing, until the next look.
   */
  take(order: string, usd: Usd): boolean
}

const NOTHING: Sums = { spent: '0', reserved: '0' }

/**
 * Reads once what `reserve` reads for each call; the orders are told apart in memory.
 *
 * @param orders the ids of those that may ask
 * @throws {Fault} `config_invalid` for limits that cannot be read
 */
export async function readHeadroom(
  db: Db,
  { orders, promised }: { orders: readonly string[]; promised: readonly Promised[] },
): Promise<Headroom> {
  const { limits } = await readBudgetRules(db)
  const month = await readMonthSums(db)
  const ofAll = ceilingsFrom(limits, null, totalsOf(month, null))
  const promises = promisesBy(promised)
  const isUsedUp = ofAll.some((ceiling) => leftBelow(ceiling).lessThanOrEqualTo(promises.of(ceiling, null)))
  const owns = new Map(isUsedUp ? [] : (await readOrderSums(db, orders)).map((own) => [own.id, own]))
  return {
    take(order, usd) {
      if (usd.isZero()) return true
      const own = owns.get(order)
      if (own === undefined) return false
      const isTooMuch = (ceiling: Ceiling) =>
        leftBelow(ceiling).lessThan(promises.of(ceiling, own.project_id).plus(usd))
      if (ceilingsAbove(limits, month, own).some(isTooMuch)) return false
      promises.add({ projectId: own.project_id, usd })
      return true
    },
  }
}

/** What is promised of a ceiling: of an order's own nothing, of a project's what its orders were promised. */
function promisesBy(promised: readonly Promised[]) {
  let all = NO_USD
  const projects = new Map<string | null, Usd>()
  function ofProject(id: string | null): Usd {
    const usd = projects.get(id)
    return usd === undefined ? NO_USD : usd
  }
  function add({ projectId, usd }: Promised): void {
    all = all.plus(usd)
    projects.set(projectId, ofProject(projectId).plus(usd))
  }
  for (const one of promised) add(one)
  return {
    add,
    of({ scope }: Ceiling, projectId: string | null): Usd {
      if (scope === 'order') return NO_USD
      return scope === 'project' ? ofProject(projectId) : all
    },
  }
}

function ceilingsAbove(limits: BudgetLimits, month: MonthSums, own: OrderSums): Ceiling[] {
  return ceilingsFrom(limits, own.id, totalsOf(month, own))
}

function totalsOf({ day, month, all, projects }: MonthSums, own: OrderSums | null): CapSums {
  const project = own === null || own.project_id === null ? undefined : projects.get(own.project_id)
  const ofProject = project === undefined ? NOTHING : project
  const ofOrder = own === null ? NOTHING : own
  return {
    ...all,
    day,
    month,
    project: own === null ? null : own.project,
    order_cap: own === null ? null : own.order_cap,
    project_cap: own === null ? null : own.project_cap,
    project_spent: ofProject.spent,
    project_reserved: ofProject.reserved,
    order_spent: ofOrder.spent,
    order_reserved: ofOrder.reserved,
  }
}
