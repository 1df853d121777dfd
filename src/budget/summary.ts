import { type Kysely, sql } from 'kysely'
import { isoTime } from '../clock.ts'
import type { BudgetView, OpenReservation } from '../contract/budget.ts'
import { shownFault } from '../contract/work-orders.ts'
import { listPauses } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import { BOUNDED_REASON } from '../db/work-orders/list-work-orders.ts'
import { SUSPEND_CODES } from '../db/work-orders/suspended-orders.ts'
import { type BudgetLimits, readBudgetRules } from './limits.ts'
import { budgetLine, readCalendar, shownCap } from './periods.ts'
import { spentByModel, spentByOrder, spentByProject } from './spent-by.ts'

type Db = Kysely<Database>

const MOST_RESERVATIONS = 500
const MOST_WAITING = 100
/** Characters; longer ones were written with plain SQL. */
const LONGEST_TITLE = 200

/**
 * Everything about the money, as of one moment.
 *
 * @throws {Fault} `config_invalid` for limits nobody can read
 */
export async function readBudget(db: Db): Promise<BudgetView> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      const calendar = await readCalendar(snapshot)
      const { limits } = await readBudgetRules(snapshot)
      const shown = shownLimits(limits)
      return {
        at: isoTime(calendar.at),
        day: calendar.day,
        month: calendar.month.slice(0, 'YYYY-MM'.length),
        ...(await budgetLine(snapshot, limits, calendar)),
        limits: shown,
        projects: await spentByProject(snapshot, calendar.month, shown.project_monthly_cap),
        models: await spentByModel(snapshot, calendar.month),
        orders: await spentByOrder(snapshot, calendar.month, shown.order_cap),
        reservations: await openReservations(snapshot),
        waiting: await waitingOrders(snapshot),
        paused_providers: await pausedProviders(snapshot),
      }
    })
}

function shownLimits(limits: BudgetLimits): BudgetView['limits'] {
  return {
    order_cap: shownCap(limits.order_cap),
    project_monthly_cap: shownCap(limits.project_monthly_cap),
    daily_soft_cap: shownCap(limits.daily_soft_cap),
    daily_hard_cap: shownCap(limits.daily_hard_cap),
    monthly_target: shownCap(limits.monthly_target),
    monthly_hard_cap: shownCap(limits.monthly_hard_cap),
    emergency_kill: shownCap(limits.emergency_kill),
  }
}

async function openReservations(db: Db): Promise<OpenReservation[]> {
  const rows = await db
    .selectFrom('budget_open_reservations')
    .select(['reservation_id as id', 'work_order_id', 'attempt', 'proposer', 'provider', 'model', 'at', 'unresolved'])
    .select('amount_usd as amount')
    .orderBy('at')
    .orderBy('reservation_id')
    .limit(MOST_RESERVATIONS)
    .execute()
  return rows.map(({ at, amount, unresolved, ...row }) => ({
    ...row,
    state: unresolved ? 'unresolved' : 'under_way',
    amount_usd: Number(amount),
    at: isoTime(at),
  }))
}

async function waitingOrders(db: Db): Promise<BudgetView['waiting']> {
  const rows = await db
    .selectFrom('work_orders')
    .select(['id', sql<string>`left(title, ${LONGEST_TITLE})`.as('title'), BOUNDED_REASON.as('status_reason')])
    .where('status', '=', 'blocked')
    .where(sql<string>`status_reason ->> 'code'`, 'in', SUSPEND_CODES)
    .orderBy('created_at')
    .orderBy('id')
    .limit(MOST_WAITING)
    .execute()
  return rows.flatMap(({ id, title, status_reason }) => {
    const reason = shownFault(status_reason)
    if (reason === null) return []
    const detail = (name: string) => {
      const value = reason.details?.[name]
      return typeof value === 'string' ? value : null
    }
    return [{ id, title, code: reason.code, message: reason.message, scope: detail('scope'), of: detail('of') }]
  })
}

async function pausedProviders(db: Db): Promise<BudgetView['paused_providers']> {
  const pauses = (await listPauses(db)).filter(({ running }) => running)
  return pauses.map(({ provider, failures, reason, since, until }) => ({
    provider,
    failures,
    reason,
    since: isoTime(since),
    until: isoTime(until),
  }))
}
