import type { Kysely } from 'kysely'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import { readBudgetLine } from '../budget/periods.ts'
import { pausedProviders } from '../budget/summary.ts'
import { type Clock, isoTime } from '../clock.ts'
import { type Config, shownDatabaseUrl } from '../config.ts'
import type { OrchestratorStatus } from '../contract/orchestrator.ts'
import type { FailurePause, PausedProvider } from '../contract/why/why.ts'
import { allProjects } from '../db/projects.ts'
import { listWatchedPullRequests } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { readPauseAfter, readSettings } from '../db/system-config.ts'
import { lastEventId } from '../db/work-order-events.ts'
import { readPausing } from '../db/work-orders/failure-rows.ts'
import { countOrders } from '../db/work-orders/list-work-orders.ts'
import { countByStatus } from '../db/work-orders/work-orders.ts'
import { type HeldAttempt, listHeldAttempts, listWorkers } from '../db/workers/workers.ts'
import type { Fault } from '../faults/fault.ts'
import type { PullRequestWatch } from '../ports/pull-request.ts'
import type { Dispatcher } from './dispatcher.ts'
import { faultOfRow } from './malformed-rows.ts'
import type { ConditionSources } from './resume-conditions.ts'
import type { Tracker } from './tracker.ts'

export type StatusSources = {
  clock: Clock
  db: Kysely<Database>
  config: Config
  databaseUrl: string
  /** What this home is called. */
  homeId: string
  version: string
  dispatcher: Dispatcher
  running: RunningAttempts
  watch: PullRequestWatch
  tracker: Tracker
  proposers: ConditionSources['proposers']
  errors: { message: string; timestamp: string }[]
}

/** The specification's 5.1; the settings are those in force now. */
export async function readStatus(sources: StatusSources): Promise<OrchestratorStatus> {
  const { db, config, dispatcher, running, watch, tracker } = sources
  const malformed: Fault[] = []
  const settings = await unlessMalformed(malformed, config, () => readSettings(db, config))
  const executing = running.ids()
  const held = await listHeldAttempts(db)
  const budget = await unlessMalformed(malformed, null, () => readBudgetLine(db))
  return {
    polling: dispatcher.polling,
    interval_ms: dispatcher.intervalMs === null ? settings.pollingIntervalMs : dispatcher.intervalMs,
    max_concurrent: settings.maxConcurrent,
    max_per_repository: settings.maxPerRepository,
    executing_count: executing.length,
    executing_work_orders: executing,
    last_poll: dispatcher.lastPoll === null ? null : dispatcher.lastPoll.toISOString(),
    total_executed: running.totalExecuted,
    total_failed: running.totalFailed,
    errors: withMalformed(sources.errors, malformed, sources.clock.now()),
    work_orders: await countByStatus(db),
    states: await countOrders(db, {}),
    paused_providers: await pausedWithProposers(db, sources.proposers),
    failure_pauses: await failurePauses(db, config),
    budget,
    github: {
      tracked_pull_requests: (await listWatchedPullRequests(db, null)).length,
      api_calls_last_hour: watch.apiCallsLastHour(),
      last_look: tracker.lastLook === null ? null : tracker.lastLook.toISOString(),
    },
    workers: (await listWorkers(db)).map(({ executor_id: id, started_at, ...worker }) => ({
      id,
      ...worker,
      started_at: isoTime(started_at),
      holds: held.filter(({ executor_id }) => executor_id === id).map(heldView),
      is_this: id === sources.homeId && worker.pid === process.pid,
    })),
    last_event_id: await lastEventId(db),
    pid: process.pid,
    home: config.home,
    version: sources.version,
    sandbox: config.sandbox,
    database_url: shownDatabaseUrl(sources.databaseUrl),
  }
}

function heldView({ work_order_id, title, attempt, started_at }: HeldAttempt) {
  return { work_order_id, title, attempt, started_at: isoTime(started_at) }
}

/** Providers that are left alone now, by name, with the active proposers that call them. */
export async function pausedWithProposers(
  db: Kysely<Database>,
  proposers: ConditionSources['proposers'],
): Promise<PausedProvider[]> {
  const pauses = await pausedProviders(db)
  if (pauses.length === 0) return []
  const { behind } = await proposers()
  return pauses.map((pause) => ({ ...pause, proposers: behind(pause.provider) }))
}

/** Projects and proposers that are given no order, because so many in a row failed alike. */
export async function failurePauses(
  db: Kysely<Database>,
  defaults: Pick<Config, 'pauseAfterFailures'>,
): Promise<FailurePause[]> {
  const { projects, proposers } = await readPausing(db, await readPauseAfter(db, defaults))
  const names = new Map((await allProjects(db)).map(({ id, name }) => [id, name]))
  return [...projects.values(), ...proposers.values()].flatMap((row) => {
    const { kind, subject, code, step, message, orders, since, last_at } = row
    const name = kind === 'project' ? names.get(subject) : subject
    const at = { since: isoTime(since), paused_at: isoTime(last_at) }
    return name === undefined ? [] : [{ kind, name, code, step, message, orders, ...at }]
  })
}

/**
 * What cannot be read must not hide the rest of the status.
 *
 * @param malformed takes the fault of a row that cannot be read
 * @param instead what is shown then
 */
async function unlessMalformed<Value, Instead>(
  malformed: Fault[],
  instead: Instead,
  read: () => Promise<Value>,
): Promise<Value | Instead> {
  try {
    return await read()
  } catch (error) {
    malformed.push(faultOfRow(error))
    return instead
  }
}

/** A row that is malformed now stands at the end, once, however often the service has met it. */
function withMalformed(met: StatusSources['errors'], malformed: readonly Fault[], now: Date): StatusSources['errors'] {
  const isOfNow = (text: string) => malformed.some(({ message }) => text.endsWith(message))
  return [
    ...met.filter(({ message }) => !isOfNow(message)),
    ...malformed.map(({ message }) => ({ message, timestamp: now.toISOString() })),
  ]
}
