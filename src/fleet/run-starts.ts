import type { Engine } from '../attempt/engine.ts'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import { recordFailure } from '../attempt/steps/record.ts'
import { isStepName, type StepName } from '../attempt/steps.ts'
import { lastStep } from '../db/attempts/attempt-steps.ts'
import { type AttemptRun, findAttempt, runningAttempts, type StandingRun } from '../db/attempts/attempts.ts'
import { countTakeover } from '../db/attempts/hold-attempt.ts'
import { projectOf } from '../db/projects.ts'
import { Fault, type FaultRecord } from '../faults/fault.ts'
import type { FleetDeps } from './fleet-deps.ts'
import { stuckOn } from './take-over.ts'
import { deathsOf, isUnstable, unstable, waitingSuspects } from './unstable.ts'

export type RunStarts = {
  /** Starts a claimed run of an attempt; to one that is under way already, nothing happens. */
  start(run: AttemptRun): Promise<void>
  /**
   * Starts what this executor should run and does not: what it has just claimed at once, then what was taken over, or lost
   * between claim and start. What was left behind too often is held for a human instead.
   */
  startClaimed(justClaimed: readonly AttemptRun[]): Promise<void>
  /** Whether something was not started because another one has to end first. */
  readonly isHoldingBack: boolean
}

const NEVER_TAKEN_UP = 'The attempt cannot be started: the engine ended it without a record.'

type RunStartsDeps = FleetDeps & {
  launched: () => Promise<Engine>
  running: RunningAttempts
  ended: (run: AttemptRun, fault: FaultRecord) => void
  onError: (error: unknown) => void
}

/** Brings runs of attempts to the engine. */
export function createRunStarts(deps: RunStartsDeps): RunStarts {
  const { db, homeId, launched, running, onError } = deps
  let isHoldingBack = false

  async function begin(run: AttemptRun): Promise<void> {
    const engineNow = await launched()
    await running.othersEnded(run)
    await engineNow.begin(run)
  }

  async function start(run: AttemptRun): Promise<void> {
    const { start: startWorkflow } = await launched()
    // The run before it may have been suspended this moment, and still have the attempt's workspace to remove.
    await running.othersEnded(run)
    if (await startWorkflow(run)) return
    const { revision } = await findAttempt(db, run)
    const isOurs = revision === null || revision === PIPELINE_REVISION
    const fault = isOurs ? new Fault('internal', `${NEVER_TAKEN_UP} Retry the order.`) : stuckOn(revision, run)
    await end(deps, run, 'record', fault)
  }

  async function resume(standing: StandingRun): Promise<void> {
    const { takeovers: _, isLeftBehind, ...run } = standing
    if (isLeftBehind && !(await countTakeover(db, run))) return
    if (isUnstable(standing)) await hold(deps, run, deathsOf(standing))
    else await start(run)
  }

  async function startClaimed(justClaimed: readonly AttemptRun[]): Promise<void> {
    const moving = new Set(running.ids())
    const startResting = async <Run extends AttemptRun>(runs: readonly Run[], how: (run: Run) => Promise<void>) => {
      const resting = runs.filter(({ workOrderId }) => !moving.has(workOrderId))
      for (const { workOrderId } of resting) moving.add(workOrderId)
      await Promise.all(resting.map((run) => how(run).catch(onError)))
    }
    await startResting(justClaimed, (run) => (run.epoch === 0 ? begin(run) : start(run)))
    const standing = await runningAttempts(db, homeId)
    const waiting = waitingSuspects(standing)
    isHoldingBack = waiting.size > 0
    const inTurn = standing.filter((run) => !waiting.has(run))
    await startResting(inTurn, resume)
  }

  return {
    start,
    startClaimed,
    get isHoldingBack() {
      return isHoldingBack
    },
  }
}

/** Ends an attempt that was left behind too often, and shows in which step its last process was gone. */
async function hold(deps: RunStartsDeps, run: AttemptRun, deaths: number): Promise<void> {
  const { db, launched, adapters } = deps
  const { giveUp } = await launched()
  const last = await lastStep(db, run)
  const step = last !== null && isStepName(last) ? last : 'route'
  const { project_id: projectId, ...of } = await findAttempt(db, run)
  const fault = unstable(run, { deaths, step }, of)
  await giveUp(run)
  await end(deps, run, step, fault)
  if (projectId === null) return
  await adapters.workspaces.rollBack(await projectOf(db, projectId), run.workOrderId, run.attempt)
}

/** Ends a run that is not under way. */
async function end(
  { db, adapters, ended }: RunStartsDeps,
  run: AttemptRun,
  step: StepName,
  reason: Fault,
): Promise<void> {
  const fault = reason.toRecord()
  await recordFailure(db, { ...run, evidence: {}, step, fault })
  await adapters.workspaces.discard(run.workOrderId, run.attempt)
  ended(run, fault)
}
