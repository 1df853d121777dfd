import type { Kysely } from 'kysely'
import {
  type CapSums,
  type MonthSums,
  type OrderSums,
  readMonthSums,
  readOrderSums,
  readProjectCaps,
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
  /** The cap that keeps an order from so much, by what is promised to others so far; null: none does, or it may not ask. */
  obstacle(order: string, usd: Usd): Obstacle | null
}

/** A cap, with what of it was promised to orders that have reserved nothing yet. */
export type Obstacle = Ceiling & { promised: Usd }

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
  const usedUp = ofAll.find((ceiling) => leftBelow(ceiling).lessThanOrEqualTo(promises.of(ceiling, null)))
  const owns = new Map(usedUp === undefined ? (await readOrderSums(db, orders)).map((own) => [own.id, own]) : [])
  function obstacle(order: string, usd: Usd): Obstacle | null {
    if (usd.isZero()) return null
    if (usedUp !== undefined) return { ...usedUp, promised: promises.of(usedUp, null) }
    const own = owns.get(order)
    if (own === undefined) return null
    const found = ceilingsAbove(limits, month, own)
      .map((ceiling) => ({ ...ceiling, promised: promises.of(ceiling, own.project_id) }))
      .find((ceiling) => leftBelow(ceiling).lessThan(ceiling.promised.plus(usd)))
    return found === undefined ? null : found
  }
  return {
    obstacle,
    take(order, usd) {
      if (usd.isZero()) return true
      const own = owns.get(order)
      if (own === undefined || obstacle(order, usd) !== null) return false
      promises.add({ projectId: own.project_id, usd })
      return true
    },
  }
}

/**
 * Every cap that a call for each of these orders would count against, as of one moment.
 *
 * @returns by the order's id, in the order in which a refusal names them; an order that is gone is not there
 * @throws {Fault} `config_invalid` for limits that cannot be read
 */
export async function ceilingsOfOrders(db: Db, orders: readonly string[]): Promise<ReadonlyMap<string, Ceiling[]>> {
  if (orders.length === 0) return new Map()
  const { limits } = await readBudgetRules(db)
  const month = await readMonthSums(db)
  return new Map((await readOrderSums(db, orders)).map((own) => [own.id, ceilingsAbove(limits, month, own)]))
}

/** An order that is not filed yet, or as it is to become. */
export type Unfiled = Pick<OrderSums, 'order_cap' | 'project_id'> & {
  /** Null: it is new, and nothing was spent for it. */
  id: string | null
}

/**
 * Every cap that a call for each of these would count against if it were filed so, as of one moment.
 *
 * @returns in the order of `orders`
 * @throws {Fault} `config_invalid` for limits that cannot be read
 */
export async function ceilingsOfUnfiled(db: Db, orders: readonly Unfiled[]): Promise<Ceiling[][]> {
  const { limits } = await readBudgetRules(db)
  const month = await readMonthSums(db)
  const known = await readOrderSums(
    db,
    orders.flatMap(({ id }) => (id === null ? [] : [id])),
  )
  const projects = new Map((await readProjectCaps(db)).map((project) => [project.id, project]))
  return orders.map(({ id, order_cap, project_id }) => {
    const { spent, reserved } = known.find((order) => order.id === id) ?? NOTHING
    const project = project_id === null ? undefined : projects.get(project_id)
    const [name, cap] = project === undefined ? [null, null] : [project.name, project.budget_usd]
    const own = { id: id === null ? NEW : id, order_cap, project_id, project: name, project_cap: cap, spent, reserved }
    return ceilingsAbove(limits, month, own)
  })
}

/** In place of the id of an order that has none yet. */
const NEW = 'new'

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
