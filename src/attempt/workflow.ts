import type { Kysely } from 'kysely'
import { z } from 'zod'
import { type Clock, NEVER_ABORTED } from '../clock.ts'
import type { Config } from '../config.ts'
import { MOOSE } from '../contract/actor.ts'
import { type AttemptRun, isResumedSince } from '../db/attempts/attempts.ts'
import { noteAttempt, noteRoute, type RouteFacts } from '../db/attempts/hold-attempt.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { giveUpPullRequests } from '../db/pull-requests/given-up.ts'
import type { Database } from '../db/schema.ts'
import { isOf } from '../faults/families.ts'
import { type Fault, type FaultRecord, moveOf, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import type { RoutingDecision } from '../ports/routing.ts'
import { type Sanitize, shownFault } from '../redaction/sanitize-output.ts'
import type { Adapters, AttemptContext } from './context.ts'
import type { Drain } from './drain.ts'
import { durableStep, type Run } from './durable-step.ts'
import { type Evidence, type PartialEvidence, shownEvidence } from './evidence.ts'
import { openAttempt } from './open-attempt.ts'
import { recordPullRequest } from './record-pull-request.ts'
import { applyUntilVerified } from './repair/mend.ts'
import { retryWithPatience } from './retry-with-patience.ts'
import { createAttemptBase, prepare } from './steps/prepare.ts'
import { propose } from './steps/propose.ts'
import { publish } from './steps/publish.ts'
import { recordFailure, recordSuccess } from './steps/record.ts'
import { type Routed, route } from './steps/route.ts'
import { STEPS, type StepName } from './steps.ts'
import { verifyOnly } from './verify-only/verify-only.ts'

export type WorkflowDeps = {
  db: Kysely<Database>
  adapters: Adapters
  clock: Clock
  log: Log
  sanitize: Sanitize
  /** The same for what is published. */
  published: Sanitize
  drain: Drain
  /** Waits for earlier runs of the order. @returns a signal aborted by a cancellation, an emergency stop or a drain */
  begin: (run: AttemptRun) => Promise<AbortSignal>
  /** The id of this home. */
  homeId: string
  config: Pick<Config, 'home' | 'pageUrl' | 'repairMax' | 'pauseAfterFailures'>
  /** Gives up a run that another process owns now. Never resolves. */
  leave: (run: AttemptRun, fault: Fault) => Promise<never>
  /** Called when a run has recorded its end or its suspension. */
  onEnd: (run: AttemptRun, fault: FaultRecord | null) => void
}

/**
 * One attempt from claim to record: the way of a work order through Moose. A resumed attempt runs through it again,
 * and every step with a checkpoint returns its earlier outcome.
 */
export function attemptWorkflow(deps: WorkflowDeps): (run: AttemptRun) => Promise<void> {
  return async (key) => {
    const evidence: PartialEvidence = {}
    const progress: { step: StepName } = { step: 'route' }
    const signal = await deps.begin(key)
    const tries = new Map<StepName, number>()
    const run: Run = (step) => {
      if (step.name !== 'record') progress.step = step.name
      const before = tries.get(step.name)
      const stepKey = { ...key, name: step.name, try: before === undefined ? 1 : before + 1 }
      tries.set(step.name, stepKey.try)
      return durableStep({ ...deps, signal: STEPS[step.name].isStoppable ? signal : NEVER_ABORTED }, stepKey, step)
    }
    let failure: FaultRecord | null = null
    try {
      await using opened = await untilAnswered(deps, () => openAttempt(deps, key, signal, () => progress.step))
      await carryOut(deps, { context: opened.context, key }, evidence, run)
    } catch (thrown) {
      failure = toFault(thrown).toRecord()
      // A repair that came to nothing leaves the failed check as the reason.
      const step = failure.code === 'check_failed' ? 'verify' : progress.step
      await recordEnd(deps, key, run, { ...key, evidence, step, fault: failure })
    } finally {
      await cleanUp(deps, key, failure !== null && isOf('worthless', failure.code) ? evidence.routed : undefined)
      deps.onEnd(key, failure === null ? null : shownFault(failure, deps))
    }
  }
}

async function carryOut(
  deps: WorkflowDeps,
  { context, key }: { context: AttemptContext; key: AttemptRun },
  evidence: PartialEvidence,
  run: Run,
): Promise<void> {
  const { verifies } = context
  const whole =
    verifies === null
      ? await makeChange(deps, { context, key }, evidence, run)
      : await verifyOnly({ ...deps, context, key, run, evidence }, verifies)
  if (whole !== null) await openPullRequest(deps, { context, key }, whole, run)
}

async function makeChange(
  { db, adapters, config }: WorkflowDeps,
  { context, key }: { context: AttemptContext; key: AttemptRun },
  evidence: PartialEvidence,
  run: Run,
): Promise<Evidence> {
  const note = (facts: Parameters<typeof noteAttempt>[2]) => noteAttempt(db, key, facts)
  const routed = await run({
    name: 'route',
    input: context.content,
    async run() {
      const found = await route(context, adapters)
      await noteRoute(db, key, routeFacts(found))
      return found
    },
  })
  evidence.routed = routed

  const base = createAttemptBase(adapters)
  const { told } = await run({
    name: 'prepare',
    input: { base: routed.project.defaultBranch },
    run: () => prepare(context, routed, adapters, base),
  })
  const proposed = await propose(context, routed, adapters, {
    run,
    told,
    latestBase: () => base.latest(routed.project, context.signal),
    onBase: (baseSha) => note({ base_sha: baseSha }),
    onDecision: (decision) => note({ decision_id: idOf(decision) }),
  })
  evidence.proposed = proposed

  const made = await applyUntilVerified({
    context,
    done: { routed, proposed },
    asking: async () => ({ told: proposed.told }),
    adapters,
    run,
    repairMax: config.repairMax,
    onCommit: (headSha) => note({ head_sha: headSha }),
    // It was claimed to be paid for: it goes on.
    mayAsk: async () => undefined,
    onEvidence: (found) => Object.assign(evidence, found),
  })

  return { routed, proposed, ...made }
}

async function openPullRequest(
  { db, adapters, sanitize, clock }: WorkflowDeps,
  { context, key }: { context: AttemptContext; key: AttemptRun },
  whole: Evidence,
  run: Run,
): Promise<void> {
  const { routed, verified } = whole
  const publishing = { head_sha: verified.headSha, forge: routed.project.forge }
  const pullRequest = await run({
    name: 'publish',
    input: publishing,
    run: () => publish({ ...context, signal: NEVER_ABORTED }, whole, adapters),
  })
  await run({
    name: 'record',
    input: { outcome: 'succeeded' },
    async run() {
      const shown = shownEvidence(whole, sanitize)
      if (await faultPoint('record', () => recordSuccess(db, { ...key, evidence: shown, pullRequest }))) return
      // The order was cancelled, or completed by another pull request, while this one was published.
      await giveUpPullRequests(db, context.workOrderId, key.attempt)
      const closed = await adapters.forges[routed.project.forge].close(routed.project, pullRequest.number, {
        by: MOOSE,
      })
      await recordPullRequest(actingAs(db, MOOSE), { ...key, pullRequest: closed }, clock.now())
    },
  })
}

/**
 * Removes what an attempt leaves on this machine: its commit stays after a success, while it is suspended, and after a
 * failure that is not one of the commit itself, so that it can be verified again (specification 7.3). What cannot be removed
 * is logged for the operator; the attempt ends as it did.
 *
 * @param worthless the routing of an attempt whose commit has to go; undefined: it may stay, or there is none
 */
async function cleanUp(
  { db, adapters: { workspaces }, clock, drain, log }: WorkflowDeps,
  run: AttemptRun,
  worthless: PartialEvidence['routed'],
): Promise<void> {
  const { workOrderId, attempt } = run
  try {
    // After a crash the attempt may have been resumed before this run ends; the workspace then belongs to the later run.
    if (await untilAnswered({ clock, drain }, () => isResumedSince(db, run))) return
    await faultPoint('discard_workspace', () => workspaces.discard(workOrderId, attempt))
    if (worthless !== undefined) await workspaces.rollBack(worthless.project, workOrderId, attempt)
  } catch (error) {
    log.error({ err: error, workOrderId, attempt }, 'what the attempt left cannot be removed')
  }
}

/** Repeats while the database is away: outside a step that must not fail the attempt. */
function untilAnswered<T>({ clock, drain }: Pick<WorkflowDeps, 'clock' | 'drain'>, ask: () => Promise<T>): Promise<T> {
  const isWorthRepeating = ({ code }: Fault) => code === 'database_unreachable'
  return retryWithPatience({ clock, signal: drain.over, isWorthRepeating }, ask)
}

function routeFacts({ project, decision }: Routed): RouteFacts {
  const { complexity_score, estimated_cost_usd } = decision.routing_metadata
  return {
    projectId: project.id,
    decisionId: idOf(decision),
    proposer: decision.selected_proposer,
    complexity: complexity_score,
    estimatedCostUsd: estimateOf(estimated_cost_usd),
  }
}

/** The ledger's id of a decision; null: a foreign Manager uses ids of another form. */
function idOf({ routing_metadata: { budget_reservation_id: id } }: RoutingDecision): string | null {
  const parsed = z.guid().safeParse(id)
  return parsed.success ? parsed.data : null
}

function estimateOf(usd: number | null | undefined): number | null {
  return usd === undefined ? null : usd
}

async function recordEnd(
  deps: WorkflowDeps,
  key: AttemptRun,
  run: Run,
  failure: Parameters<typeof recordFailure>[1],
): Promise<void> {
  const { fault, evidence } = failure
  const shown = {
    ...failure,
    fault: shownFault(fault, deps),
    evidence: shownEvidence(evidence, deps.sanitize),
  }
  const record = () => faultPoint('record', () => recordFailure(deps.db, shown))
  // The journal of a suspended attempt ends before the step at which it will be resumed.
  if (moveOf(fault) === 'suspend') return untilAnswered(deps, record)
  await run({
    name: 'record',
    input: { outcome: 'failed', step: failure.step, code: fault.code, attempt: key.attempt, repairs: evidence.repairs },
    async run() {
      await record()
      // The record is sanitized for display; the journal keeps the exact fault.
      return fault
    },
  })
}
