import { AsyncLocalStorage } from 'node:async_hooks'
import { DBOS, type DLogger, StatusString } from '@dbos-inc/dbos-sdk'
import type { Pool } from 'pg'
import type { AttemptRun } from '../db/attempts.ts'
import { isDatabaseAway, namedFault, reasonOf } from '../db/database-fault.ts'
import { effect } from '../effect.ts'
import { Fault } from '../errors.ts'
import type { Log } from '../log.ts'
import { workflowId } from '../work-order/naming.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { PIPELINE_REVISION } from './pipeline-revision.ts'

/** We use no queue of the engine; its supervisor need not look often. */
const RARELY_MS = 60_000
/** An attempt that has just ended still has its own end to write down; parked ones never do. */
const LAST_WRITES_MS = 500

const LIVE: ReadonlySet<string> = new Set([StatusString.PENDING, StatusString.ENQUEUED])

export type EngineOptions = {
  pool: Pool
  /** Unique per home: the engine resumes at launch what the same executor left. */
  executorId: string
  log: Log
  /** One run of an attempt, as a durable workflow: everything with an effect runs in `DBOS.runStep`. */
  workflow: (workOrderId: string, attempt: number, resumed: number) => Promise<void>
}

export type Engine = AsyncDisposable & {
  /**
   * Starts the workflow of a run; to one that is under way already, nothing happens. A resumed attempt is a new run:
   * the engine would give a finished workflow's result for ever.
   *
   * @returns false when nothing will ever run it again: the engine has ended it without a record of ours, or it was
   *   begun by another revision of the pipeline
   */
  start(run: AttemptRun): Promise<boolean>
  /** Makes sure that the workflow of a run that somebody else has replaced is never gone on with. */
  forget(run: AttemptRun): Promise<void>
}

/**
 * Launches DBOS in the schema `dbos` of the same database; attempts that a dead process of this executor left are
 * resumed at once. There is one engine per process.
 *
 * @see https://docs.dbos.dev/typescript/reference/configuration
 */
export async function launchEngine({ pool, executorId, log, workflow }: EngineOptions): Promise<Engine> {
  const registered = DBOS.registerWorkflow(workflow, { name: 'attempt' })
  DBOS.setConfig({
    name: 'moose',
    systemDatabasePool: pool,
    executorID: executorId,
    applicationVersion: PIPELINE_REVISION,
    useListenNotify: false,
    schedulerPollingIntervalMs: RARELY_MS,
    logger: quietLogger(log),
  })
  // It makes and alters its tables, and of two that begin at once one would fail.
  await oneAtATime(pool, () => DBOS.launch()).catch(async (error: unknown) => {
    // It may hold on to timers and connections that would keep the process from ending; its own failure says nothing more.
    await DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: 0 }).catch(() => undefined)
    throw launchFault(error)
  })
  // The end of one attempt may start the next; outside its context, or the engine would take it for a child.
  const outside = AsyncLocalStorage.snapshot()
  return {
    start: ({ workOrderId, attempt, resumed }) =>
      outside(async () => {
        const id = workflowId(workOrderId, attempt, resumed)
        const known = await DBOS.getWorkflowStatus(id)
        if (known !== null) return LIVE.has(known.status) && known.applicationVersion === PIPELINE_REVISION
        await effect('start_workflow', () =>
          DBOS.startWorkflow(registered, { workflowID: id })(workOrderId, attempt, resumed),
        )
        return true
      }),
    forget: ({ workOrderId, attempt, resumed }) =>
      outside(() => DBOS.cancelWorkflow(workflowId(workOrderId, attempt, resumed))),
    async [Symbol.asyncDispose]() {
      await DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: LAST_WRITES_MS })
    },
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

/** The engine's notes are ours to debug with, not for the operator. */
function quietLogger(log: Log): DLogger {
  return {
    debug: (entry) => log.trace({ engine: entry }),
    info: (entry) => log.debug({ engine: entry }),
    warn: (entry) => log.info({ engine: entry }),
    error: (entry) => log.warn({ engine: entry }),
  }
}
