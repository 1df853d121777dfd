import type { Repair } from '../../contract/evidence/repair.ts'
import { isOf } from '../../faults/families.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { Usd } from '../../money.ts'
import { answersOfProposal, type ProposerResponse } from '../../ports/proposal.ts'
import { firstSentence } from '../../work-order/words.ts'
import { asProviderPaused } from '../as-provider-paused.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Applied, Repairing } from '../steps/apply.ts'
import { knowBase } from '../steps/prepare.ts'
import { MOST_ANSWERS_OF_ONE, type Proposed, questionOf } from '../steps/propose.ts'
import type { Routed } from '../steps/route.ts'
import { isNewFailure, type Verified, verify } from '../steps/verify.ts'
import { type ApplyOptions, applyWithRetry, askedWith, isOfModel, withSpent, withSurface } from './apply-change.ts'
import { fix } from './fix.ts'
import { type Plan, planRepair, type Repairable, repairableOf, type Tried } from './plan-repair.ts'

/** What the step `verify` gives. What is decided by it is decided within the step, so that a crash changes no decision. */
export type Judged = Verified & {
  repairable: Repairable | null
  /** USD of the attempt's model calls until then. */
  spentUsd: number
  /** Those before this commit was verified, and those it is of. */
  repairs: Repair[]
}

export type Made = { applied: Applied; verified: Judged; repairs: Repair[] }

/** An attempt's way from one repair to the next. */
export type State = Made & {
  tried: Tried
  /** The last answer of the conversation. */
  answered: ProposerResponse
  /** The commit up to which the model knows what was changed. */
  knownSha: string
}

/**
 * Makes the commit and verifies it. What it newly fails is mended: by the `fix` of the checks, then by the model that made the
 * change, each time by a further commit that is verified again.
 *
 * @throws {Fault} the failure of the commit; where a repair failed too, that of the check
 */
export async function applyUntilVerified(making: ApplyOptions): Promise<Made> {
  const { baseSha, response } = making.done.proposed
  const applied = await applyWithRetry(making, { onSha: baseSha, response, previous: null, repair: null })
  making.onEvidence({ applied })
  const verified = await verifyOnce(making, applied, { before: [], made: [] })
  const answers = making.done.proposed.answers + applied.answers
  const tried = { asked: 0, told: [], fixed: [], answers }
  return await mendUntilVerified(making, {
    applied,
    verified,
    repairs: [],
    tried,
    answered: response,
    knownSha: baseSha,
  })
}

/**
 * Mends a commit until it passes: by the `fix` of the checks, then by the model that made the change, each time by a further
 * commit that is verified again.
 *
 * @throws {Fault} the failure of the commit; where a repair failed too, that of the check
 */
export async function mendUntilVerified(making: ApplyOptions, began: State): Promise<State> {
  let state = began
  for (;;) {
    const { failure, repairable } = state.verified
    if (failure === null) return state
    if (repairable === null) throw Fault.fromRecord(failure)
    const plan = planRepair(repairable, state.tried)
    if (plan.by === null) throw unrepaired(Fault.fromRecord(failure), plan.why)
    state = plan.by === 'fix' ? await mendByFix(making, state, plan) : await mendByModel(making, state, plan)
  }
}

async function mendByFix(making: ApplyOptions, state: State, { checks }: Plan & { by: 'fix' }): Promise<State> {
  const { context, done, adapters, run, onCommit } = making
  const { headSha } = state.applied
  const fixed = await run({
    name: 'apply',
    input: { head_sha: headSha, fix: checks },
    async run() {
      const made = await fix(context, { ...done, headSha }, adapters, checks)
      if (made.headSha !== null) await onCommit(made.headSha)
      return made
    },
  })
  const made = fixed.fixes.map(({ check, head_sha }) => ({ check, by: 'fix' as const, head_sha }))
  const tried = { ...state.tried, fixed: [...state.tried.fixed, ...checks] }
  if (fixed.headSha === null) return { ...state, tried, repairs: withUnmended(making, state, { made, spentUsd: null }) }
  const applied = { ...state.applied, headSha: fixed.headSha }
  const verified = await verifyOnce(making, applied, { before: state.repairs, made, spentUsd: state.verified.spentUsd })
  return { ...state, tried, applied, verified, repairs: verified.repairs }
}

/** Has the model that made the change mend it, once, and verifies what it has made. */
export async function mendByModel(
  making: ApplyOptions,
  state: State,
  plan: Plan & { by: 'proposer' | 'aider' },
): Promise<State> {
  const { check, by } = plan
  const { asked, told } = state.tried
  const { repairable, spentUsd } = state.verified
  try {
    const { applied, answered, answers } = await commitRepair(making, state, plan)
    const made = [{ check, by, head_sha: applied.headSha }]
    const verified = await verifyOnce(making, applied, { before: state.repairs, made, spentUsd })
    const tried = { asked: asked + 1, told: [...told, String(repairable?.signature)], fixed: [], answers }
    return { tried, applied, verified, repairs: verified.repairs, answered, knownSha: state.applied.headSha }
  } catch (error) {
    const fault = toFault(error)
    if (!isOfModel(fault.code) || state.verified.failure === null) throw error
    withUnmended(making, state, { made: [{ check, by, head_sha: null }], spentUsd: Number(fault.details['spent_usd']) })
    throw notRepaired(Fault.fromRecord(state.verified.failure), fault, plan)
  }
}

/** Has the model mend the change and commits what it answers. */
async function commitRepair(making: ApplyOptions, state: State, plan: Plan & { by: 'proposer' | 'aider' }) {
  const { context, done, adapters, run } = making
  const { headSha, costUsd } = state.applied
  const { by, number, reason, mostCalls, comments } = plan
  const because = comments === undefined ? {} : { comments }
  const mayAsk = async () => (state.tried.asked === 0 ? making.mayAsk() : undefined)
  const account = async (): Promise<Repairing> => {
    const diff = await adapters.workspaces.diff(done.routed.project, state.knownSha, headSha, MOST_OF_DIFF)
    const failure = context.published(String(state.verified.repairable?.failure))
    return { by, number, reason, told: { failure, diff: context.published(diff), ...because } }
  }
  const answered =
    by === 'aider'
      ? null
      : await run({
          name: 'propose',
          input: { proposer: done.proposed.proposer, head_sha: headSha, repair: reason },
          async run() {
            await mayAsk()
            const failed = { headSha, answered: state.answered, repair: await account(), mostCalls }
            return await askProposer(context, await askedWith(making), adapters, failed)
              .catch(withSurface(making.asking, done.routed.order.files_in_scope))
              .catch(withSpent(context))
          },
        })
  const response = answered === null ? done.proposed.response : answered.response
  const applied = await applyWithRetry(making, {
    onSha: headSha,
    response,
    previous: null,
    repair: { reason, account: by === 'aider' ? () => mayAsk().then(account) : account, mostCalls },
  })
  const all = { ...state.applied, headSha: applied.headSha, costUsd: Usd.sum(costUsd, applied.costUsd).toNumber() }
  const used = answered === null ? applied.answers : answersOfProposal(response)
  return { applied: all, answered: response, answers: state.tried.answers + used }
}

type Failed = {
  /** The commit that failed. */
  headSha: string
  /** The answer that the conversation ends with so far. */
  answered: ProposerResponse
  repair: Repairing
  /** How many answers it may take. */
  mostCalls: number
}

/**
 * Has the proposer that made the change mend it, in the same conversation.
 *
 * @throws {Fault} those of `Proposer.propose`, where an outage of the provider is `provider_paused`: no other proposer takes over
 */
async function askProposer(
  context: AttemptContext,
  { routed, proposed }: { routed: Routed; proposed: Proposed },
  { proposer, workspaces, buildProposerRequest }: Pick<Adapters, 'proposer' | 'workspaces' | 'buildProposerRequest'>,
  { headSha, answered, repair, mostCalls }: Failed,
): Promise<{ response: ProposerResponse; reason: string }> {
  const { project } = routed
  const { baseSha, proposer: asked, told } = proposed
  await context.note(repair.reason)
  // Another home may have fetched the base; the mirror of this one may lack it.
  if (context.epoch > 0) await workspaces.bringBase(project, baseSha, context.signal)
  const question = questionOf(context, routed, { workspaces, buildProposerRequest }, { asked, baseSha, told })
  const changed = workspaces.tree(project, headSha)
  const failed = { ...repair.told, number: repair.number, answered, changed }
  const response = await proposer
    .propose({ ...question, mostCalls: Math.min(MOST_ANSWERS_OF_ONE, mostCalls), repair: failed })
    .catch((error: unknown) => {
      throw error instanceof Fault && isOf('outage', error.code) ? asProviderPaused(error, asked) : error
    })
  return { response, reason: repair.reason }
}

/** Bytes of a change as it is told: what a model answered, it is told whole. */
const MOST_OF_DIFF = 12_000

export async function verifyOnce(
  making: ApplyOptions,
  applied: Applied,
  { before, made, spentUsd = null }: { before: readonly Repair[]; made: readonly Unjudged[]; spentUsd?: number | null },
): Promise<Judged> {
  const { context, done, adapters, run, onEvidence } = making
  const verified = await run<Judged>({
    name: 'verify',
    input: { head_sha: applied.headSha },
    async run() {
      const found = await verify(context, { ...done, applied }, adapters)
      const spent = (await context.spent()).costUsd
      const costUsd = costOf(spentUsd, spent)
      const repairs = [...before, ...judged(made, { isMended: (check) => passes(found, check), costUsd })]
      return { ...found, repairable: await judgeRepairable(making, found, applied), spentUsd: spent, repairs }
    },
    failureOf: ({ failure }) => failure,
  })
  onEvidence({ applied, verified, repairs: verified.repairs })
  return verified
}

/** A failed scope and a secret are not to be mended by whoever made them. */
async function judgeRepairable(
  { context, done, adapters, repairMax }: ApplyOptions,
  { failure, checks }: Verified,
  { executor }: Applied,
): Promise<Repairable | null> {
  if (failure?.code !== 'check_failed') return null
  const { config } = await knowBase(context, done.routed.project, done.proposed.baseSha, adapters)
  const most = config.repair.max === null ? repairMax : config.repair.max
  return repairableOf(checks, config.checks, { by: mendedBy(adapters, executor, done.proposed), most })
}

/**
 * A recorded answer has no model behind it. With `ORCHESTRATOR_EXECUTOR=aider` a change is made as the specification says, and
 * not made again.
 */
function mendedBy(
  { executors: { wanted } }: Adapters,
  executor: Applied['executor'],
  { response }: Pick<Proposed, 'response'>,
): Repairable['by'] {
  if (executor === 'patch') return response.replayed === true ? null : 'proposer'
  return wanted === 'auto' ? 'aider' : null
}

type Unjudged = Omit<Repair, 'cost_usd' | 'mended'>

function judged(
  made: readonly Unjudged[],
  { isMended, costUsd }: { isMended: (check: string) => boolean; costUsd: number },
): Repair[] {
  return made.map((repair) => ({ ...repair, cost_usd: costUsd, mended: isMended(repair.check) }))
}

function passes({ failure, checks }: Verified, name: string): boolean {
  return failure === null || checks.some((check) => check.name === name && !isNewFailure(check))
}

/** Notes repairs that made no commit. */
function withUnmended(
  { onEvidence }: ApplyOptions,
  { applied, verified, repairs }: State,
  { made, spentUsd }: { made: readonly Unjudged[]; spentUsd: number | null },
): Repair[] {
  const all = [...repairs, ...judged(made, { isMended: () => false, costUsd: costOf(verified.spentUsd, spentUsd) })]
  onEvidence({ applied, repairs: all })
  return all
}

function costOf(before: number | null, after: number | null): number {
  return before === null || after === null || Number.isNaN(after) ? 0 : new Usd(after).minus(before).toNumber()
}

function unrepaired(check: Fault, why: string | null): Fault {
  if (why === null) return check
  const details = { ...check.details, unrepaired: why }
  return new Fault(check.code, `${check.message}\nIt was not repaired further: ${why}.`, details, check)
}

/** The fault of the check, with the failure of its repair. */
function notRepaired(check: Fault, repair: Fault, { by }: Plan & { by: 'proposer' | 'aider' }): Fault {
  const was = `${by === 'aider' ? 'Aider' : 'the model'} was asked to repair it and failed too`
  const message = `${check.message}\n${was.slice(0, 1).toUpperCase()}${was.slice(1)}: ${repair.message}`
  const unrepaired = `${was}: ${firstSentence(repair.message)}`
  return new Fault(check.code, message, { ...check.details, repair: repair.code, unrepaired }, repair)
}
