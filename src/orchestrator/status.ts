import type { Kysely } from 'kysely'
import type { Config } from '../config.ts'
import type { OrchestratorStatus } from '../contract/orchestrator.ts'
import { lastEventId } from '../db/events.ts'
import { listWatchedPullRequests } from '../db/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { readSettings } from '../db/system-config.ts'
import { countByStatus } from '../db/work-orders.ts'
import type { PullRequestWatch } from '../pipeline/ports/pull-request.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { RunningAttempts } from './running-attempts.ts'
import type { Tracker } from './tracker.ts'

export type StatusSources = {
  db: Kysely<Database>
  config: Config
  databaseUrl: string
  version: string
  dispatcher: Dispatcher
  running: RunningAttempts
  watch: PullRequestWatch
  tracker: Tracker
  errors: { message: string; timestamp: string }[]
}

/** The seed's 5.1; the settings are those in force now. */
export async function readStatus(sources: StatusSources): Promise<OrchestratorStatus> {
  const { db, config, dispatcher, running, watch, tracker } = sources
  const settings = await readSettings(db, config)
  const executing = running.ids()
  return {
    polling: dispatcher.polling,
    interval_ms: dispatcher.intervalMs === null ? settings.pollingIntervalMs : dispatcher.intervalMs,
    max_concurrent: settings.maxConcurrent,
    executing_count: executing.length,
    executing_work_orders: executing,
    last_poll: dispatcher.lastPoll === null ? null : dispatcher.lastPoll.toISOString(),
    total_executed: running.totalExecuted,
    total_failed: running.totalFailed,
    errors: [...sources.errors],
    work_orders: await countByStatus(db),
    github: {
      tracked_pull_requests: (await listWatchedPullRequests(db, null)).length,
      api_calls_last_hour: watch.apiCallsLastHour(),
      last_look: tracker.lastLook === null ? null : tracker.lastLook.toISOString(),
    },
    last_event_id: await lastEventId(db),
    pid: process.pid,
    home: config.home,
    version: sources.version,
    database_url: sources.databaseUrl,
  }
}
