import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'
import { COUNTS, FIRST_DISPUTED, type Sums, sumsOf } from './counted-entries.ts'

type Db = Kysely<Database>

/** Who a call is paid for; both null for a caller without an order. */
export type Payer = { workOrderId: string | null; attempt: number | null }

/** Which entries are summed up and compared with a cap: an order's all, the others' of the running month or day (UTC). */
export type SummedBy = 'order' | 'project' | 'day' | 'month'

/** By the database's clock; `day` and `month` as the ledger books them, `YYYY-MM-DD`, in UTC. */
export type Calendar = { at: Date; day: string; month: string }

/** The caps of a payer, and every sum that counts against one of them, as decimals. */
export type CapSums = Pick<Calendar, 'day' | 'month'> & {
  /** Its name; null: no project. */
  project: string | null
  order_cap: string | null
  project_cap: string | null
} & Record<`${SummedBy}_${keyof Sums}`, string>

/** For `with`: the running day and month. */
const CALENDAR = sql`
  today as (select (moose_now() at time zone 'utc')::date as day),
  calendar as (select day, date_trunc('month', day)::date as month from today)`

/** The running day and month, as of now. */
export async function readCalendar(db: Db): Promise<Calendar> {
  const { rows } = await sql<Calendar>`
    with clock as (select moose_now() as at)
    select at, (at at time zone 'utc')::date::text as day, date_trunc('month', at at time zone 'utc')::date::text as month
    from clock
  `.execute(db)
  return theOne(rows)
}

/**
 * Every sum a call of this payer counts against, in one look, so that they belong together.
 *
 * @returns `first_disputed`: a reservation whose entries break the rules of the ledger; null: there is none
 */
export async function readCapSums(
  db: Db,
  { workOrderId, attempt }: Payer,
): Promise<CapSums & { first_disputed: string | null }> {
  const { rows } = await sql<CapSums & { first_disputed: string | null }>`
    with ${CALENDAR},
      payer as (
        select projects.id as project_id, projects.name, projects.budget_usd as project_cap, orders.budget_usd as order_cap
        from (select 1) as one
        left join work_orders as orders on orders.id = ${workOrderId}
        left join attempts on attempts.work_order_id = orders.id and attempts.number = ${attempt}
        left join projects on projects.id = coalesce(attempts.project_id, orders.project_id)
      ),
      months as (
        select ${sumsOf('month_')},
          ${sumsOf('day_', sql`entry.day = calendar.day`)},
          ${sumsOf('project_', sql`entry.project_id = payer.project_id`)}
        from calendar cross join payer
        left join budget_entries as entry on entry.month = calendar.month and ${COUNTS}
      ),
      orders as (
        select ${sumsOf('order_')} from budget_entries as entry where work_order_id = ${workOrderId} and ${COUNTS}
      )
    select calendar.day::text as day, calendar.month::text as month, payer.name as project,
      payer.order_cap, payer.project_cap, months.*, orders.*, ${FIRST_DISPUTED} as first_disputed
    from calendar, payer, months, orders
  `.execute(db)
  return theOne(rows)
}

/** The sums of the running month and of its day: of all entries, and of every project that has any. */
export type MonthSums = Pick<Calendar, 'day' | 'month'> & {
  all: Record<`${'day' | 'month'}_${keyof Sums}`, string>
  /** By the project's id; of the month. */
  projects: ReadonlyMap<string, Sums>
}

/** All of them in one look. */
export async function readMonthSums(db: Db): Promise<MonthSums> {
  type Row = Pick<Calendar, 'day' | 'month'> & Sums & MonthSums['all'] & { is_all: boolean; project_id: string | null }
  const { rows } = await sql<Row>`
    with ${CALENDAR},
      sums as (
        select entry.day, project_id, sum(amount_usd) as amount_usd, sum(cost_usd) as cost_usd
        from budget_entries as entry
        where month = (select month from calendar) and ${COUNTS} group by entry.day, project_id
      )
    select calendar.day::text as day, calendar.month::text as month, grouping(project_id) = 1 as is_all, project_id,
      ${sumsOf()}, ${sumsOf('month_')}, ${sumsOf('day_', sql`sums.day = calendar.day`)}
    from calendar left join sums on true
    group by calendar.day, calendar.month, grouping sets ((), (project_id))
  `.execute(db)
  const { day, month, ...all } = theOne(rows.filter(({ is_all }) => is_all))
  const projects = new Map(rows.flatMap((row) => (row.project_id === null ? [] : [[row.project_id, row]])))
  return { day, month, all, projects }
}

/** What an order has cost ever, with its caps and the project it is carried out in. */
export type OrderSums = Sums & {
  id: string
  order_cap: string | null
  project_id: string | null
  project: string | null
  project_cap: string | null
}

/** Those of each of these orders. */
export async function readOrderSums(db: Db, ids: readonly string[]): Promise<OrderSums[]> {
  const { rows } = await sql<OrderSums>`
    select orders.id, orders.budget_usd as order_cap, projects.id as project_id, projects.name as project,
      projects.budget_usd as project_cap, sums.spent, sums.reserved
    from work_orders as orders
    left join attempts on attempts.work_order_id = orders.id and attempts.number = orders.attempts
    left join projects on projects.id = coalesce(attempts.project_id, orders.project_id)
    cross join lateral (
      select ${sumsOf()} from budget_entries as entry where work_order_id = orders.id and ${COUNTS}
    ) as sums
    where orders.id = any (${ids}::uuid[])
  `.execute(db)
  return rows
}

/** The caps of all projects. */
export async function readProjectCaps(db: Db): Promise<{ id: string; name: string; budget_usd: string | null }[]> {
  return await db.selectFrom('projects').select(['id', 'name', 'budget_usd']).execute()
}

/** The sums of a day and of its month, by a calendar that was read already. */
export async function readPeriodSums(
  db: Db,
  { day, month }: Pick<Calendar, 'day' | 'month'>,
): Promise<MonthSums['all']> {
  const { rows } = await sql<MonthSums['all']>`
    select ${sumsOf('month_')}, ${sumsOf('day_', sql`entry.day = calendar.day`)}
    from (select ${day}::date as day, ${month}::date as month) as calendar
    left join budget_entries as entry on entry.month = calendar.month and ${COUNTS}
  `.execute(db)
  return theOne(rows)
}

/** What the running day has spent. */
export async function readSpentToday(db: Db): Promise<string> {
  const { rows } = await sql<Sums>`
    with ${CALENDAR}
    select ${sumsOf()} from budget_entries as entry, calendar
    where entry.day = calendar.day and entry.month = calendar.month and ${COUNTS}
  `.execute(db)
  return theOne(rows).spent
}

function theOne<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('sums of the ledger are one row')
  return row
}
