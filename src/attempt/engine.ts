import { AsyncLocalStorage } from 'node:async_hooks'
import { DBOS, type DLogger, StatusString } from '@dbos-inc/dbos-sdk'
import type { Pool } from 'pg'
import type { AttemptKey, AttemptRun } from '../db/attempts/attempts.ts'
import { isDatabaseAway, namedFault, reasonOf } from '../db/database-fault.ts'
import { oneAtATime } from '../db/lock.ts'
import { Fault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import { processId } from '../process/process-id.ts'
import { workflowId } from '../work-order/naming.ts'
import { createDispatchedRuns, type Dispatching } from './dispatched-runs.ts'
import { continueWorkflow } from './journal.ts'
import { PIPELINE_REVISION } from './pipeline-revision.ts'

/** How often the engine polls for schedules, which Moose does not use. */
const RARELY_MS = 60_000
/** How long a shutdown waits for workflows that have just ended; parked ones never end. */
const LAST_WRITES_MS = 500
/** How often the queue of this home is polled. Only resumed runs are queued; new ones start at once. */
const LOOK_MS = 1_000

const OVER: ReadonlySet<string> = new Set([
  StatusString.SUCCESS,
  StatusString.ERROR,
  StatusString.MAX_RECOVERY_ATTEMPTS_EXCEEDED,
])

export type EngineOptions = Dispatching & {
  pool: Pool
  /** The id of this home. */
  homeId: string
  log: Log
}

export type Engine = AsyncDisposable & {
  /**
   * Starts an attempt in this process: from its beginning, or from where its journal ends, whichever process wrote it.
   * A run that is under way here already is left alone.
   *
   * @returns false when it can never run again: the workflow has ended without our record, or was started
   *   by another revision of the pipeline
   */
  start(key: AttemptKey): Promise<boolean>
  /** Starts an attempt this process has just claimed for the first time, without asking the engine for its status. */
  begin(key: AttemptKey): Promise<void>
  /** Ends the workflow, if there is one, of an attempt that never runs again. */
  giveUp(key: AttemptKey): Promise<void>
  /** Marks a run as given up by this process; its workflow never returns. */
  relinquish(run: AttemptRun): void
}

/**
 * Launches DBOS in the schema `dbos` of the same database. There is one engine per process. Each process is an executor
 * of its own and listens to the queue of its home alone, so the engine recovers nothing by itself: a workflow is resumed
 * only where `start` is called for it.
 *
 * @throws {Fault} `database_refused`, `database_unreachable`
 * @see https://docs.dbos.dev/typescript/reference/configuration
 */
export async function launchEngine({ pool, homeId, log, ...dispatching }: EngineOptions): Promise<Engine> {
  const queueName = `home-${homeId}`
  const process = `${homeId}:${processId}`
  const runs = createDispatchedRuns(dispatching)
  const attempt = DBOS.registerWorkflow(runs.carryOut, { name: 'attempt' })
  DBOS.setConfig({
    name: 'moose',
    systemDatabasePool: pool,
    executorID: process,
    applicationVersion: PIPELINE_REVISION,
    listenQueues: [queueName],
    useListenNotify: false,
    schedulerPollingIntervalMs: RARELY_MS,
    logger: quietLogger(log),
  })
  await launch(pool, queueName)
  // The end of one attempt may start the next. Within its context the engine would make it a child workflow.
  const outside = AsyncLocalStorage.snapshot()

  async function begin({ workOrderId, attempt: number }: AttemptKey): Promise<void> {
    const workflowID = workflowId(workOrderId, number)
    await faultPoint('start_workflow', () => DBOS.startWorkflow(attempt, { workflowID })(workOrderId, number))
  }

  async function start({ workOrderId, attempt: number }: AttemptKey): Promise<boolean> {
    const id = workflowId(workOrderId, number)
    const known = await DBOS.getWorkflowStatus(id)
    if (known === null) {
      await begin({ workOrderId, attempt: number })
      return true
    }
    if (OVER.has(known.status) || known.applicationVersion !== PIPELINE_REVISION) return false
    const isHere = known.executorId === process && !runs.hasRelinquished(id)
    const isUnderWay = known.status === StatusString.PENDING && isHere
    const isQueued = known.status === StatusString.ENQUEUED && known.queueName === queueName
    if (!isUnderWay && !isQueued) await continueWorkflow(id, { home: homeId, queueName })
    return true
  }

  return {
    start: (key) => outside(() => start(key)),
    begin: (key) => outside(() => begin(key)),
    giveUp: ({ workOrderId, attempt: number }) => outside(() => DBOS.cancelWorkflow(workflowId(workOrderId, number))),
    relinquish: runs.relinquish,
    async [Symbol.asyncDispose]() {
      await DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: LAST_WRITES_MS })
    },
  }
}

/** Launches the engine in one process at a time: it creates and alters its tables, and two at once would conflict. */
async function launch(pool: Pool, queueName: string): Promise<void> {
  try {
    await oneAtATime(pool, async () => {
      await DBOS.launch()
      await DBOS.registerQueue(queueName, { minPollingIntervalMs: LOOK_MS, onConflict: 'always_update' })
    })
  } catch (error) {
    // Timers and connections of the engine would keep the process alive; a failure to end them adds nothing.
    await DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: 0 }).catch(() => undefined)
    throw launchFault(error)
  }
}

function launchFault(error: unknown): Fault {
  const reason = reasonOf(error)
  if (isDatabaseAway(error)) return namedFault(error)
  const right = /permission denied/.test(reason)
    ? 'Its user needs the right to make a schema there: grant create on database NAME to USER.'
    : 'Look at the log of the database.'
  return new Fault('database_refused', `The engine cannot work in this database: ${reason}. ${right}`, {}, error)
}

/** The engine's log, one level lower: it is for debugging, not for the operator. */
function quietLogger(log: Log): DLogger {
  return {
    debug: (entry) => log.trace({ engine: entry }),
    info: (entry) => log.debug({ engine: entry }),
    warn: (entry) => log.info({ engine: entry }),
    error: (entry) => log.warn({ engine: entry }),
  }
}
