import type { Kysely } from 'kysely'
import { Gauge, Registry } from 'prom-client'
import { withinTime } from '../async/deadline.ts'
import { readBudgetLine } from '../budget/periods.ts'
import type { Clock } from '../clock.ts'
import type { BudgetPeriod } from '../contract/budget.ts'
import { reasonOf } from '../db/database-fault.ts'
import { listPauses } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import { countByStatus } from '../db/work-orders/work-orders.ts'
import { listWorkers } from '../db/workers/workers.ts'
import { toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import { measureProcess, PROCESS_METRICS } from '../telemetry/counters.ts'

/** The database is asked no more often, however many scrapes there are. */
const FRESH_MS = 5_000
/** A scrape does not wait longer for the database. */
const PATIENCE_MS = 1_000
/** After that a look is given up, so that a connection that died in silence does not end all later ones. */
const GIVE_UP_MS = 10_000

export type Metrics = {
  /** In the text format of Prometheus, within about a second, also while the database is away. */
  read(): Promise<{ contentType: string; text: string }>
}

/**
 * What this process counts, and what the database knows of all of them.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function createMetrics(deps: { db: Kysely<Database>; clock: Clock; log: Log }): Metrics {
  measureProcess()
  const own = new Registry()
  const shared = new Registry()
  const databaseUp = new Gauge({
    name: 'moose_database_up',
    help: 'Whether the database answered this scrape; without it there is nothing that all processes share.',
    registers: [own],
  })
  const gauges = createGauges(shared)
  let looking: Promise<void> | null = null
  let lookedAt = Number.NEGATIVE_INFINITY

  /** One look at a time: while the database hangs, no further query is put behind the one that waits. */
  async function look(): Promise<void> {
    if (deps.clock.now().getTime() - lookedAt < FRESH_MS) return
    looking ??= withinTime(refresh(deps.db, gauges), GIVE_UP_MS).finally(() => {
      looking = null
    })
    await looking
    lookedAt = deps.clock.now().getTime()
  }

  async function isDatabaseUp(): Promise<boolean> {
    try {
      await withinTime(look(), PATIENCE_MS)
      return true
    } catch (error) {
      deps.log.debug({ reason: reasonOf(error) }, 'metrics without those of the database')
      return false
    }
  }

  return {
    async read() {
      const isUp = await isDatabaseUp()
      databaseUp.set(Number(isUp))
      // What was so when the database was last there may be so no longer.
      const all = Registry.merge(isUp ? [PROCESS_METRICS, own, shared] : [PROCESS_METRICS, own])
      return { contentType: all.contentType, text: await all.metrics() }
    },
  }
}

type Gauges = ReturnType<typeof createGauges>

function createGauges(registry: Registry) {
  const registers = [registry]
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers })
  return {
    orders: gauge('moose_work_orders', 'Orders by status.', 'status'),
    workers: gauge('moose_workers_alive', 'Processes that run attempts and whose lease holds.'),
    paused: gauge('moose_provider_paused', '1 while a provider is paused after outages.', 'provider'),
    spent: gauge('moose_budget_spent_usd', 'USD charged in the running day and month (UTC).', 'period'),
    reserved: gauge('moose_budget_reserved_usd', 'USD set aside for open calls in the day and month.', 'period'),
    limit: gauge('moose_budget_limit_usd', 'The hard cap of the day and the month, where there is one.', 'period'),
    stopped: gauge('moose_emergency_stop', '1 while every call is stopped.'),
  }
}

async function refresh(db: Kysely<Database>, gauges: Gauges): Promise<void> {
  const [orders, pauses, workers, budget] = await Promise.all([
    countByStatus(db),
    listPauses(db),
    listWorkers(db),
    // Unreadable limits are reported by the status and by doctor; the other numbers are valid.
    readBudgetLine(db).catch(nullIfUnreadable),
  ])
  for (const [status, count] of Object.entries(orders)) gauges.orders.set({ status }, count)
  gauges.paused.reset()
  for (const { provider, running } of pauses) gauges.paused.set({ provider }, Number(running))
  gauges.workers.set(workers.filter(({ alive }) => alive).length)
  for (const one of [gauges.spent, gauges.reserved, gauges.limit]) one.reset()
  if (budget === null) return
  setPeriod(gauges, 'day', budget.today)
  setPeriod(gauges, 'month', budget.this_month)
  gauges.stopped.set(Number(budget.emergency_stop.active))
}

function setPeriod(gauges: Gauges, period: 'day' | 'month', { spent_usd, reserved_usd, hard_cap_usd }: BudgetPeriod) {
  gauges.spent.set({ period }, spent_usd)
  gauges.reserved.set({ period }, reserved_usd)
  if (hard_cap_usd !== null) gauges.limit.set({ period }, hard_cap_usd)
}

function nullIfUnreadable(error: unknown): null {
  if (toFault(error).code === 'config_invalid') return null
  throw error
}
