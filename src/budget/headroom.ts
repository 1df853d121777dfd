import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/schema.ts'
import { NO_USD, Usd } from '../money.ts'
import { type Ceiling, ceilingsFrom, leftBelow, type Totals } from './ceilings.ts'
import { type BudgetLimits, readBudgetRules } from './limits.ts'
import { COUNTS } from './soundness.ts'

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

type Sums = { total: string; spent: string }
type Month = { day: string; month: string; shared: Record<'day' | 'month', Sums>; projects: ReadonlyMap<string, Sums> }
type OrderSums = Sums & {
  id: string
  order_cap: string | null
  project_id: string | null
  project: string | null
  project_cap: string | null
}

const NOTHING: Sums = { total: '0', spent: '0' }

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
  const month = await readMonth(db)
  const ofAll = ceilingsFrom(limits, null, totalsOf(month, null))
  const promises = promisesBy(promised)
  const isUsedUp = ofAll.some((ceiling) => leftBelow(ceiling).lessThanOrEqualTo(promises.of(ceiling, null)))
  const owns = new Map(isUsedUp ? [] : (await readOwns(db, orders)).map((own) => [own.id, own]))
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

function ceilingsAbove(limits: BudgetLimits, month: Month, own: OrderSums): Ceiling[] {
  return ceilingsFrom(limits, own.id, totalsOf(month, own))
}

function totalsOf({ day, month, shared, projects }: Month, own: OrderSums | null): Totals {
  const project = own === null || own.project_id === null ? undefined : projects.get(own.project_id)
  const ofProject = project === undefined ? NOTHING : project
  const ofOrder = own === null ? NOTHING : own
  return {
    day,
    month,
    project: own === null ? null : own.project,
    order_cap: own === null ? null : own.order_cap,
    project_cap: own === null ? null : own.project_cap,
    day_total: shared.day.total,
    day_spent: shared.day.spent,
    month_total: shared.month.total,
    month_spent: shared.month.spent,
    project_total: ofProject.total,
    project_spent: ofProject.spent,
    order_total: ofOrder.total,
    order_spent: ofOrder.spent,
  }
}

/** The sums of this month and of today, all of them and those of every project, in one look. */
async function readMonth(db: Db): Promise<Month> {
  type Row = Sums &
    Record<'day' | 'month' | 'today_total' | 'today_spent', string> & {
      is_all: boolean
      project_id: string | null
    }
  const { rows } = await sql<Row>`
    with
      today as (select (moose_now() at time zone 'utc')::date as day),
      calendar as (select day, date_trunc('month', day)::date as month from today),
      sums as (
        select entry.day, project_id, sum(amount_usd) as amount, sum(cost_usd) as cost
        from budget_entries as entry
        where month = (select month from calendar) and ${COUNTS} group by entry.day, project_id
      )
    select calendar.day::text as day, calendar.month::text as month, grouping(project_id) = 1 as is_all, project_id,
      coalesce(sum(amount), 0) as total,
      coalesce(sum(cost), 0) as spent,
      coalesce(sum(amount) filter (where sums.day = calendar.day), 0) as today_total,
      coalesce(sum(cost) filter (where sums.day = calendar.day), 0) as today_spent
    from calendar left join sums on true
    group by calendar.day, calendar.month, grouping sets ((), (project_id))
  `.execute(db)
  const all = rows.find(({ is_all }) => is_all)
  if (all === undefined) throw new Error('the sums of the month have a last line')
  return {
    day: all.day,
    month: all.month,
    shared: { day: { total: all.today_total, spent: all.today_spent }, month: { total: all.total, spent: all.spent } },
    projects: new Map(rows.flatMap((row) => (row.project_id === null ? [] : [[row.project_id, row]]))),
  }
}

/** The sums of each order, with its caps and the project it is carried out in. */
async function readOwns(db: Db, ids: readonly string[]): Promise<OrderSums[]> {
  const { rows } = await sql<OrderSums>`
    select orders.id, orders.budget_usd as order_cap, projects.id as project_id, projects.name as project,
      projects.budget_usd as project_cap, sums.total, sums.spent
    from work_orders as orders
    left join attempts on attempts.work_order_id = orders.id and attempts.number = orders.attempts
    left join projects on projects.id = coalesce(attempts.project_id, orders.project_id)
    cross join lateral (
      select coalesce(sum(amount_usd), 0) as total, coalesce(sum(cost_usd), 0) as spent
      from budget_entries as entry where work_order_id = orders.id and ${COUNTS}
    ) as sums
    where orders.id = any (${ids}::uuid[])
  `.execute(db)
  return rows
}
