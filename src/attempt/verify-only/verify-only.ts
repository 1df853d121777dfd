import type { Kysely } from 'kysely'
import { NEVER_ABORTED } from '../../clock.ts'
import type { Config } from '../../config.ts'
import type { CameOfReview } from '../../contract/evidence/follow-up.ts'
import { stepSummary } from '../../contract/evidence/step-summary.ts'
import type { AttemptRun } from '../../db/attempts/attempts.ts'
import { noteAttempt } from '../../db/attempts/hold-attempt.ts'
import { wantedProposer } from '../../db/escalations/order-escalations.ts'
import { forgetAdopted, noteAdopted } from '../../db/pull-requests/adopted.ts'
import { noteConflict, noteMergeable } from '../../db/pull-requests/pull-requests.ts'
import type { Database } from '../../db/schema.ts'
import { readPauseAfter } from '../../db/system-config.ts'
import { pausedAmong, readPausing } from '../../db/work-orders/failure-rows.ts'
import { ENDS, Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { CheckResult } from '../../ports/execution.ts'
import type { UpdatedPullRequest } from '../../ports/pull-request.ts'
import type { Sanitize } from '../../redaction/sanitize-output.ts'
import { heldFrom, inWords } from '../../work-order/protection/held-change.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Run } from '../durable-step.ts'
import { type Evidence, type PartialEvidence, shownEvidence } from '../evidence.ts'
import { seenConflict } from '../seen-conflict-of.ts'
import { knowBase } from '../steps/prepare.ts'
import { allowedBody, assertStillApproved } from '../steps/publish.ts'
import { recordVerified } from '../steps/record.ts'
import { assertReadyForOrder } from '../steps/route.ts'
import { isNewFailure, verify } from '../steps/verify.ts'
import { type FoundCommit, type FoundConflict, findCommit, type RoutedToVerify } from './find-commit.ts'
import { changesOfReview, follow } from './follow.ts'
import { type Resolved, resolveConflict } from './resolve-conflict.ts'
import type { OpenPull } from './what-to-verify.ts'

type Verifying = {
  db: Kysely<Database>
  adapters: Adapters
  sanitize: Sanitize
  context: AttemptContext
  key: AttemptRun
  run: Run
  /** Filled as the steps end. */
  evidence: PartialEvidence
  /** `repairMax`: how often a model mends what a reaction of Moose's own has made, where `moose.yaml` says nothing of it. */
  config: Pick<Config, 'repairMax' | 'pauseAfterFailures'>
}

/**
 * The way of an attempt that makes no change: it finds a commit, runs the checks on it, and publishes it. No model is called,
 * unless one may resolve what git cannot merge, or Moose itself reacts to what became of the pull request (`follow.ts`).
 *
 * @param verifies the attempt that made the commit
 * @returns what has to be published as any attempt publishes it; null: the commit's pull request holds it, and all is recorded
 */
export async function verifyOnly(verifying: Verifying, verifies: number): Promise<Evidence | null> {
  const { context, run } = verifying
  if (context.follows === null) return await verifyOrFollow(verifying, verifies)
  const following: Run = (step) => run({ ...step, run: () => step.run().catch(unlessNoRoom) })
  return await verifyOrFollow({ ...verifying, run: following }, verifies)
}

/** A reaction that a cap has no room for ends: its order does not wait for that outside of its review. */
function unlessNoRoom(error: unknown): never {
  if (!(error instanceof Fault) || error.code !== 'budget_exceeded') throw error
  throw new Fault(error.code, error.message, { ...error.details, ...ENDS }, error)
}

async function verifyOrFollow(verifying: Verifying, verifies: number): Promise<Evidence | null> {
  const { db, adapters, context, key, run, evidence } = verifying
  const note = (facts: Parameters<typeof noteAttempt>[2]) => noteAttempt(db, key, facts)
  const routed = await run({
    name: 'route',
    input: context.content,
    async run() {
      const found = await routeToVerify(verifying, verifies)
      await note({ project_id: found.project.id })
      return found
    },
  })
  evidence.routed = routed
  const found = await run({
    name: 'apply',
    input: { verifies },
    async run() {
      const made = await findCommit(context, routed, adapters)
      // First: what is kept of the attempt says from then on that it has verified that commit.
      if (routed.toVerify.pull !== null) await noteOthers(db, key.workOrderId, routed.toVerify.pull, made)
      await note({ base_sha: made.baseSha })
      if (!('conflict' in made)) await note({ head_sha: made.headSha })
      if (routed.toVerify.pull !== null) await noteSeen(db, key.workOrderId, routed.toVerify.pull, made)
      return { ...made, spentUsd: (await context.spent()).costUsd }
    },
  })
  const { pull } = routed.toVerify
  const mayAsk = () => assertNotPaused(verifying, routed)
  const { applied, resolution }: Resolved =
    'conflict' in found
      ? await resolveConflict({
          context,
          routed,
          adapters,
          run,
          found,
          onCommit: (headSha) => note({ head_sha: headSha }),
          mayAsk,
          onAsk: (resolving) => note({ resolving }),
        })
      : { applied: found, resolution: [] }
  const proposed = { ...routed.toVerify.propose, baseSha: applied.baseSha, answers: 0 }
  Object.assign(evidence, { proposed, applied })
  const way = { routed, proposed, applied, resolution }
  const made =
    context.follows === null
      ? await verifyAsItStands(verifying, way)
      : await follow({
          ...verifying,
          ...way,
          task: context.follows.task,
          spentUsd: found.spentUsd,
          repairMax: verifying.config.repairMax,
          // It was asked already.
          mayAsk: resolution.length > 0 ? async () => undefined : mayAsk,
        })
  const whole = { routed, proposed, ...made, resolution: made.repairs.slice(routed.toVerify.repairs.length) }
  if (pull === null) return whole
  await updatePull(verifying, whole, pull, applied.branchHead)
  return null
}

/**
 * A reaction of Moose's own asks no proposer that failures in a row have paused. Nor, where git and the checks alone were to do, in
 * a project that is paused: the others were claimed to be paid for.
 *
 * @throws {Fault} `provider_paused`, so that the attempt goes on once it is resumed
 */
async function assertNotPaused(
  { db, config, context }: Verifying,
  { project, toVerify }: RoutedToVerify,
): Promise<void> {
  if (context.follows === null) return
  const pausing = await readPausing(db, await readPauseAfter(db, config))
  const ofProject = context.follows.task === null ? project : null
  const paused = pausedAmong(pausing, { project: ofProject, proposer: toVerify.propose.proposer })
  if (paused !== null) throw paused.fault
}

type Way = {
  routed: RoutedToVerify
  proposed: Evidence['proposed']
  applied: FoundCommit
  resolution: Resolved['resolution']
}

async function verifyAsItStands(
  verifying: Verifying,
  { routed, proposed, applied, resolution }: Way,
): Promise<Pick<Evidence, 'applied' | 'verified' | 'repairs'>> {
  const { adapters, context, run, evidence } = verifying
  const verified = await run({
    name: 'verify',
    input: { head_sha: applied.headSha },
    async run() {
      const judged = await verify(context, { routed, proposed, applied }, adapters)
      const mended = judged.failure === null
      if (!mended) await sayFixes(verifying, { routed, applied }, judged.checks)
      return { ...judged, repairs: [...routed.toVerify.repairs, ...resolution.map((one) => ({ ...one, mended }))] }
    },
    failureOf: ({ failure }) => failure,
  })
  const { repairs } = verified
  Object.assign(evidence, { verified, resolution: repairs.slice(routed.toVerify.repairs.length) })
  if (verified.failure !== null) throw Fault.fromRecord(verified.failure)
  return { applied, verified, repairs }
}

/** What somebody else has pushed is on the branch, or is not there any more. */
async function noteOthers(
  db: Kysely<Database>,
  workOrderId: string,
  { number, headSha }: OpenPull,
  { byOthers, branchHead }: Pick<FoundCommit, 'byOthers' | 'branchHead'>,
): Promise<void> {
  if (byOthers !== undefined) return await noteAdopted(db, { workOrderId, number }, byOthers)
  if (branchHead === headSha) await forgetAdopted(db, { workOrderId, number }, headSha)
}

/** What was found of the branch holds whatever becomes of the attempt. */
async function noteSeen(
  db: Kysely<Database>,
  workOrderId: string,
  { number }: OpenPull,
  made: FoundCommit | FoundConflict,
): Promise<void> {
  const pull = { workOrderId, number }
  if (!('conflict' in made)) return await noteMergeable(db, pull, made.branchHead)
  await noteConflict(db, pull, seenConflict(made.conflict, new Date()))
}

/** What is made on top is made by the proposer that made the change, unless a human wants another. */
async function routeToVerify({ db, context, adapters }: Verifying, verifies: number): Promise<RoutedToVerify> {
  const ready = await assertReadyForOrder(context, adapters)
  const made = await context.toVerify(verifies)
  const wanted = context.follows === null ? null : await wantedProposer(db, context.workOrderId)
  const toVerify = wanted === null ? made : { ...made, propose: { ...made.propose, proposer: wanted } }
  const { resolves } = context
  const task = context.follows?.task
  const follows = context.follows === null ? null : { task: task === undefined || task === null ? null : task.reason }
  const routed = { ...ready, decision: toVerify.route.decision, verifies, toVerify, resolves, follows }
  await context.note(String(stepSummary({ name: 'route', output: routed })))
  return routed
}

/** A `fix` changes files, and what is verified stays as it is. */
async function sayFixes(
  { context, adapters }: Verifying,
  { routed, applied }: { routed: RoutedToVerify; applied: FoundCommit },
  checks: readonly CheckResult[],
): Promise<void> {
  const failing = new Set(checks.filter(isNewFailure).map(({ name }) => name))
  if (failing.size === 0) return
  const { config } = await knowBase(context, routed.project, applied.baseSha, adapters)
  const { pull } = routed.toVerify
  const then = pull === null ? '' : `. Run it on ${pull.branch} and push that`
  for (const { name, fix } of config.checks)
    if (fix !== null && failing.has(name))
      await context.note(`the fix of check ${name} is not run: what is verified stays as it is${then}`)
}

/** Whether it is a merge of the base that Moose has made by itself, with no change of a model. */
function isOfGitAlone({ follows }: AttemptContext, { resolution = [] }: Evidence): boolean {
  return follows !== null && follows.task === null && !follows.isAllowed && resolution.length === 0
}

/** What a human has to allow of such a merge keeps no pull request from being merged as it stands: it is not waited for. */
function unlessHeld(error: unknown, { routed: { project, shortId } }: Evidence, { number }: OpenPull): unknown {
  const held = error instanceof Fault && error.code === 'protected_change' ? heldFrom(error.details) : null
  if (held === null) return error
  const named = held.held.slice(0, MOST_NAMED).map(inWords).join('; ')
  const more = held.count > MOST_NAMED ? `; and ${held.count - MOST_NAMED} more` : ''
  const message =
    `${project.defaultBranch} is merged into pull request #${number} and verified, and a human has to allow what that holds: ` +
    `${named}${more}. Nothing was pushed. Merge it as it stands, or have the merge held until you allow it: moose verify ${shortId}`
  return new Fault('merge_held', message, { number }, error)
}

const MOST_NAMED = 5

/** Has the open pull request be the one of what was verified, and the order be in review with it. */
async function updatePull(
  { db, adapters, sanitize, context, key, run }: Verifying,
  evidence: Evidence,
  pull: OpenPull,
  branchHead: string | null,
): Promise<void> {
  const { project } = evidence.routed
  const forge = adapters.forges[project.forge]
  const { changes = null, ...pullRequest } = await run<Published>({
    name: 'publish',
    input: { head_sha: evidence.verified.headSha, forge: project.forge },
    async run() {
      const never = { ...context, signal: NEVER_ABORTED }
      await assertStillApproved(never)
      const risk = await context.risk(evidence.verified)
      const openedBy = { title: pull.title, openedBy: pull.attempt, risk }
      const body = await allowedBody(never, evidence, adapters, openedBy).catch((error: unknown) => {
        throw isOfGitAlone(context, evidence) ? unlessHeld(error, evidence, pull) : error
      })
      const updated = await forge.update({
        project,
        number: pull.number,
        attempt: context.attempt,
        baseSha: evidence.proposed.baseSha,
        headSha: evidence.verified.headSha,
        body,
        expected: branchHead,
        signal: NEVER_ABORTED,
        hold: context.hold,
      })
      if (updated.keepsText !== null) await context.note(`pull request #${pull.number}: ${updated.keepsText}`)
      return { ...updated, ...(await changesIn(context, evidence, adapters)) }
    },
  })
  await run({
    name: 'record',
    input: { outcome: 'succeeded' },
    async run() {
      const { review } = evidence
      const came = review === undefined ? {} : { review: { ...review, came: { ...review.came, changes } } }
      const shown = shownEvidence({ ...evidence, ...came }, sanitize)
      await faultPoint('record', () => recordVerified(db, { ...key, evidence: shown, pullRequest }))
    },
  })
}

/** `changes`: of a review; an earlier Moose kept none. */
type Published = UpdatedPullRequest & Partial<Pick<CameOfReview, 'changes'>>

async function changesIn(
  { follows }: AttemptContext,
  { routed: { project }, verified: { headSha }, review }: Evidence,
  adapters: Adapters,
): Promise<Partial<Pick<CameOfReview, 'changes'>>> {
  const task = follows === null ? null : follows.task
  if (review === undefined || task === null) return {}
  return { changes: await changesOfReview({ project, task }, adapters, { since: review.since, headSha }) }
}
