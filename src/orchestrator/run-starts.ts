import { type AttemptRun, findAttempt, runningAttempts } from '../db/attempts.ts'
import { Fault, type FaultRecord } from '../errors.ts'
import { recordFailure } from '../results/record-failure.ts'
import type { LazyEngine } from './lazy-engine.ts'
import type { OrchestratorDeps } from './orchestrator-deps.ts'
import { PIPELINE_REVISION } from './pipeline-revision.ts'
import type { RunningAttempts } from './running-attempts.ts'
import { stuckOn } from './take-over.ts'

export type RunStarts = {
  /** Starts a claimed run of an attempt; to one that is under way already, nothing happens. */
  start(run: AttemptRun): Promise<void>
  /**
   * Starts what this executor should run and does not: what it has just claimed at once, then what was taken over, or lost
   * between claim and start.
   */
  startClaimed(justClaimed: readonly AttemptRun[]): Promise<void>
}

const NEVER_TAKEN_UP = 'The attempt cannot be taken up: the engine ended it without a record.'

/** Brings runs of attempts to the engine. */
export function createRunStarts(
  { db, executorId, adapters }: OrchestratorDeps,
  parts: {
    engine: LazyEngine
    running: RunningAttempts
    ended: (run: AttemptRun, fault: FaultRecord) => void
    onError: (error: unknown) => void
  },
): RunStarts {
  const { engine, running, ended, onError } = parts

  async function begin(run: AttemptRun): Promise<void> {
    const engineNow = await engine.launched()
    await running.othersEnded(run)
    await engineNow.begin(run)
  }

  async function start(run: AttemptRun): Promise<void> {
    const { start: startWorkflow } = await engine.launched()
    // The run before it may have been suspended this moment, and still have the attempt's workspace to remove.
    await running.othersEnded(run)
    if (await startWorkflow(run)) return
    const { revision } = await findAttempt(db, run)
    const isOurs = revision === null || revision === PIPELINE_REVISION
    const fault = (
      isOurs ? new Fault('internal', `${NEVER_TAKEN_UP} Retry the order.`) : stuckOn(revision, run)
    ).toRecord()
    await recordFailure(db, { ...run, evidence: {}, step: 'record', fault })
    await adapters.workspaces.discard(run.workOrderId, run.attempt)
    ended(run, fault)
  }

  async function startClaimed(justClaimed: readonly AttemptRun[]): Promise<void> {
    const moving = new Set(running.ids())
    const startResting = async (runs: readonly AttemptRun[], how: (run: AttemptRun) => Promise<void>) => {
      const resting = runs.filter(({ workOrderId }) => !moving.has(workOrderId))
      for (const { workOrderId } of resting) moving.add(workOrderId)
      await Promise.all(resting.map((run) => how(run).catch(onError)))
    }
    await startResting(justClaimed, (run) => (run.resumed === 0 ? begin(run) : start(run)))
    await startResting(await runningAttempts(db, executorId), start)
  }

  return { start, startClaimed }
}
