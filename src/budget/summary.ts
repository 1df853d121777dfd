import type { Kysely } from 'kysely'
import { isoTime } from '../clock.ts'
import type { BudgetView, OpenReservation } from '../contract/budget.ts'
import { shownFault } from '../contract/work-orders.ts'
import { readCalendar } from '../db/budget-entries/cap-sums.ts'
import { type OpenReservationRow, openReservations } from '../db/budget-entries/reservations.ts'
import { listPauses } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import { type WaitingOrder, waitingOrders } from '../db/work-orders/suspended-orders.ts'
import { forEachCap } from './caps.ts'
import { readBudgetRules } from './limits.ts'
import { budgetLine, shownCap } from './periods.ts'
import { spentByModel, spentByOrder, spentByProject } from './spent-by.ts'

type Db = Kysely<Database>

/**
 * Everything about the money, as of one moment.
 *
 * @throws {Fault} `config_invalid` for limits that cannot be read
 */
export async function readBudget(db: Db): Promise<BudgetView> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (snapshot) => {
      const calendar = await readCalendar(snapshot)
      const { limits } = await readBudgetRules(snapshot)
      const shown = forEachCap((name) => shownCap(limits[name]))
      return {
        at: isoTime(calendar.at),
        day: calendar.day,
        month: calendar.month.slice(0, 'YYYY-MM'.length),
        ...(await budgetLine(snapshot, limits, calendar)),
        limits: shown,
        projects: await spentByProject(snapshot, calendar.month, shown.project_monthly_cap),
        models: await spentByModel(snapshot, calendar.month),
        orders: await spentByOrder(snapshot, calendar.month, shown.order_cap),
        reservations: (await openReservations(snapshot)).map(shownReservation),
        waiting: (await waitingOrders(snapshot)).flatMap(shownWaiting),
        paused_providers: await pausedProviders(snapshot),
      }
    })
}

function shownReservation({ at, amount, unresolved, ...row }: OpenReservationRow): OpenReservation {
  return { ...row, state: unresolved ? 'unresolved' : 'under_way', amount_usd: Number(amount), at: isoTime(at) }
}

function shownWaiting({ id, title, status_reason }: WaitingOrder): BudgetView['waiting'] {
  const reason = shownFault(status_reason)
  if (reason === null) return []
  const detail = (name: string) => {
    const value = reason.details?.[name]
    return typeof value === 'string' ? value : null
  }
  return [{ id, title, code: reason.code, message: reason.message, scope: detail('scope'), of: detail('of') }]
}

/** Providers that are left alone now, by name. */
export async function pausedProviders(db: Db): Promise<BudgetView['paused_providers']> {
  const pauses = (await listPauses(db)).filter(({ running }) => running)
  return pauses.map(({ provider, failures, reason, since, until }) => ({
    provider,
    failures,
    reason,
    since: isoTime(since),
    until: isoTime(until),
  }))
}
