import { isOf } from '../../faults/families.ts'
import { Fault, type FaultRecord, NEXT_MOVE, toldToModel } from '../../faults/fault.ts'
import { answersOfProposal, type ProposeInput, type ProposerResponse } from '../../ports/proposal.ts'
import type { RoutingDecision } from '../../ports/routing.ts'
import { contextFilesOf } from '../../work-order/content.ts'
import { waysIn, withWaysOut } from '../../work-order/ways-out.ts'
import { asProviderPaused } from '../as-provider-paused.ts'
import { wantedAnswer } from '../choose-executor.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Run } from '../durable-step.ts'
import { failureSummary } from '../failure-summary.ts'
import { refuseMistakenScope } from '../mistaken-scope.ts'
import { knowBase } from './prepare.ts'
import type { Routed } from './route.ts'

export type Proposed = {
  baseSha: string
  /** The name in `proposer_configs` that was asked. */
  proposer: string
  response: ProposerResponse
  /** How many answers of models the attempt has had for it, those of failed tries included. */
  answers: number
  /** What the first prompt was made of, beside order and base; a repair makes the same again. */
  told: Pick<ProposeInput, 'contextFiles' | 'wanted' | 'previousFailure'>
  /** Null: the proposer that was chosen answered. */
  failover: Failover | null
}

/** Why another proposer than the chosen one made a proposal. */
export type Failover = {
  /** The proposer that was chosen. */
  instead_of: string
  /** The message of the outage. */
  because: string
  /** The decision that chose the other one. */
  decision: RoutingDecision
}

/** Of the attempt before what a model is told, as `prepare` gave it. */
type Told = { told: string | null }

type Callbacks = {
  /** Called with the base commit before any model call. */
  onBase: (baseSha: string) => Promise<void>
  /** Where the base stands now. @throws {Fault} those of `Workspaces.fetchBase` */
  latestBase: () => Promise<string>
  /** Called with the decision that the model calls from here on belong to. */
  onDecision: (decision: RoutingDecision) => Promise<void>
}

/** One proposal of one proposer. */
type Request = {
  /** The name in `proposer_configs`: the Manager's choice, of the routing, of a retry or of a failover. */
  asked: string
  /** What the model is told about an earlier try; null: nothing. */
  previousFailure: string | null
  /** What the attempt may still ask models for. */
  left: Left
}

type Left = {
  /** Answers of this try, the refinements included. */
  ofTry: number
  /** Answers of the attempt until there is a change. */
  ofAttempt: number
}

/** Tries of one attempt, whatever limit a foreign Manager names: the chosen proposer, and one other. */
const MOST_TRIES = 2
/** Of one proposer for one change: the first answer, and a refinement where it does not apply. */
export const MOST_ANSWERS_OF_ONE = 2

/** Answers that an attempt may have: then a human has to look at the order. More only where more repairs are allowed. */
export const MOST_ANSWERS = 3

/**
 * Proposes until there is a proposal or the Manager gives up (specification 7.2). Each try is a durable step, so a try
 * that has ended is not paid again after a crash. Its proposer is chosen within the step, because the choice depends on
 * the configuration and the outages of that moment.
 *
 * @throws {Fault} that of the last try; `provider_paused` when the order has to wait for a provider
 */
export async function propose(
  context: AttemptContext,
  routed: Routed,
  adapters: Adapters,
  { run, told, ...callbacks }: Callbacks & Told & { run: Run },
): Promise<Proposed> {
  const failures: FaultRecord[] = []
  for (;;) {
    try {
      return await run({
        name: 'propose',
        input: proposeInput(routed, failures.at(-1)),
        async run() {
          const asked = await nextProposer(context, routed, adapters, failures)
          const failed = new Set(failures.map(triedBy))
          const last = failures.at(-1)
          const previousFailure = last === undefined ? told : context.published(failureSummary(last))
          const left = leftAfter(failures)
          return proposePastOutages(context, routed, adapters, { asked, failed, previousFailure, left, ...callbacks })
        },
      })
    } catch (error) {
      if (!(error instanceof Fault) || !isOf('other_proposer', error.code) || error.details['escalated'] === true)
        throw withTookOver(failures, error)
      failures.push(error.toRecord())
    }
  }
}

/** The proposer that took over from the chosen one in an outage, before the proposal failed; null: none did. */
export function tookOverIn({ details }: Pick<FaultRecord, 'details'>): string | null {
  const name = details?.['took_over']
  return typeof name === 'string' ? name : null
}

/** Who took over in the first try, which was the chosen proposer's, is who the attempt was given to, whoever tried later. */
function withTookOver([first]: readonly FaultRecord[], error: unknown): unknown {
  if (first === undefined || !(error instanceof Fault) || tookOverIn(first) === tookOverIn(error)) return error
  return new Fault(error.code, error.message, { ...error.details, took_over: tookOverIn(first) }, error)
}

function leftAfter(failures: readonly FaultRecord[]): Left {
  const answered = failures.reduce((sum, failure) => sum + answersOf(failure), 0)
  const ofAttempt = Math.max(1, MOST_ANSWERS - answered)
  return { ofAttempt, ofTry: failures.length === 0 ? MOST_ANSWERS_OF_ONE : 1 }
}

/** How many answers of models had come before a fault. */
export function answersOf({ details }: Pick<FaultRecord, 'details'>): number {
  const answers = details?.['answers']
  return typeof answers === 'number' ? answers : 0
}

function proposeInput(routed: Routed, previous: FaultRecord | undefined) {
  const first = { proposer: routed.decision.selected_proposer, files_in_scope: routed.order.files_in_scope }
  return previous === undefined ? first : { ...first, previous_failure: previous.code }
}

/**
 * The proposer of the next try.
 *
 * @param failures of the tries so far, oldest first
 * @throws {Fault} the last failure, marked as escalated, when there is no further try
 */
async function nextProposer(
  context: AttemptContext,
  { decision: routing }: Routed,
  { manager }: Pick<Adapters, 'manager'>,
  failures: readonly FaultRecord[],
): Promise<string> {
  const last = failures.at(-1)
  if (last === undefined) return routing.selected_proposer
  const request = {
    work_order_id: context.workOrderId,
    current_proposer: triedBy(last),
    attempt: failures.length,
    failure_reason: last.code,
  }
  const decision = await manager.decideRetry(request, context.signal)
  await context.note(`${decision.strategy}: ${decision.reasoning}`)
  const mayRetry = decision.should_retry && failures.length < Math.min(decision.max_attempts, MOST_TRIES)
  if (mayRetry) return decision.next_proposer === undefined ? request.current_proposer : decision.next_proposer
  const answers = failures.reduce((sum, failure) => sum + answersOf(failure), 0)
  const for_model = allOf(failures, toldToModel)
  const parts = new Map(failures.map((failure) => [failure, waysIn(failure.message, { ...failure.details })]))
  const saidOf = (failure: FaultRecord) => parts.get(failure)?.said ?? failure.message
  // Of every try the same helps, and is said once.
  const ways = new Set([...parts.values()].flatMap((part) => part.ways))
  const told = withWaysOut(allOf(failures, saidOf), [...ways])
  const details = { ...last.details, answers, escalated: true, strategy: decision.strategy, for_model }
  throw new Fault(last.code, told.message, ways.size === 0 ? details : { ...details, ...told.details })
}

/** What every try failed with, the last one first: one message to a human. */
function allOf(failures: readonly FaultRecord[], told: (failure: FaultRecord) => string): string {
  const [last, ...before] = failures.toReversed()
  if (last === undefined) return ''
  return [told(last), ...before.map((failure) => `Before it, ${triedBy(failure)} failed: ${told(failure)}`)].join('\n')
}

function triedBy({ details }: FaultRecord): string {
  return String(details?.['tried_by'])
}

/**
 * One try. During an outage of the proposer's provider the Manager chooses another proposer that is able and can be
 * called; when there is none, the order waits.
 *
 * @param failed proposers whose proposals have failed in this attempt; they do not take over
 * @throws {Fault} `provider_paused`; those of `proposeOnce`, with the proposer in `tried_by`, and in `took_over`
 *   where it did so in an outage
 */
async function proposePastOutages(
  context: AttemptContext,
  routed: Routed,
  adapters: Adapters,
  { failed, onDecision, onBase, latestBase, ...request }: Request & Callbacks & { failed: ReadonlySet<string> },
): Promise<Proposed> {
  const out = new Set(failed)
  let { asked } = request
  let { left } = request
  let failover: Failover | null = null
  // An earlier try, or one before a suspension, may have left the decision of a failover.
  if (asked === routed.decision.selected_proposer) await onDecision(routed.decision)
  for (;;) {
    try {
      const made = await proposeOnce(context, routed, adapters, { ...request, left, asked, onBase, latestBase })
      return { ...made, failover }
    } catch (error) {
      // The step names what is no Fault: a lost database is no failed proposal.
      if (!(error instanceof Fault)) throw error
      const answered = request.left.ofAttempt - left.ofAttempt + answersOf(error)
      if (!isOf('outage', error.code)) throw withTriedBy(error, { asked, answered, failover })
      out.add(asked)
      left = without(left, answersOf(error))
      const decision = await proposerInstead(context, routed, adapters, {
        waiting: asProviderPaused(error, asked),
        out,
      })
      await context.note(`${error.message} ${decision.selected_proposer} takes over: ${decision.reason}`)
      await onDecision(decision)
      failover = { instead_of: request.asked, because: error.message, decision }
      asked = decision.selected_proposer
    }
  }
}

/** @throws {Fault} `waiting` when no other proposer can take over; what stops the order whichever proposer is asked */
async function proposerInstead(
  { workOrderId, signal, note }: AttemptContext,
  { order }: Routed,
  { manager, buildRoutingRequest }: Pick<Adapters, 'manager' | 'buildRoutingRequest'>,
  { waiting, out }: { waiting: Fault; out: ReadonlySet<string> },
): Promise<RoutingDecision> {
  const decision = await manager.route(buildRoutingRequest(workOrderId, order), signal).catch((error: unknown) => {
    if (!(error instanceof Fault) || isOfOrder(error)) throw error
    return null
  })
  if (decision !== null && !out.has(decision.selected_proposer)) return decision
  await note('no other proposer that is able can be called; the order waits')
  throw waiting
}

/** Whether a fault of the Manager concerns the order itself. A Manager that cannot answer fails no order that has to wait. */
function isOfOrder(fault: Fault): boolean {
  const move = NEXT_MOVE[fault.code]
  return move === 'stop' || (move === 'suspend' && !isOf('outage', fault.code))
}

/** The one that takes over has what the one before it has left, and is asked at least once. */
function without({ ofTry, ofAttempt }: Left, answers: number): Left {
  return { ofTry: Math.max(1, ofTry - answers), ofAttempt: Math.max(1, ofAttempt - answers) }
}

function withTriedBy(
  fault: Fault,
  { asked, answered, failover }: { asked: string; answered: number; failover: Failover | null },
): Fault {
  const tookOver = failover === null ? {} : { took_over: failover.decision.selected_proposer }
  const details = { ...fault.details, tried_by: asked, answers: answered, ...tookOver }
  return new Fault(fault.code, fault.message, details, fault)
}

/**
 * Pins the base commit and asks one proposer for a change to the files of that commit. What the checks do there is known
 * before.
 *
 * @throws {Fault} `work_order_invalid` for a scope that does not fit the base, those of `Workspaces.fetchBase`, of
 *   `BaseChecks.know` and of `Proposer.propose`
 */
async function proposeOnce(
  context: AttemptContext,
  { order, project }: Routed,
  {
    proposer,
    workspaces,
    bases,
    executors,
    buildProposerRequest,
  }: Pick<Adapters, 'proposer' | 'workspaces' | 'bases' | 'executors' | 'buildProposerRequest'>,
  { asked, previousFailure, left, onBase, latestBase }: Request & Pick<Callbacks, 'onBase' | 'latestBase'>,
): Promise<Omit<Proposed, 'failover'>> {
  const baseSha = await latestBase()
  await onBase(baseSha)
  await context.note(`base is ${project.defaultBranch} at ${baseSha.slice(0, 12)}`)
  const base = workspaces.tree(project, baseSha)
  await refuseMistakenScope(base, order.files_in_scope)
  const { config } = await knowBase(context, project, baseSha, { bases })
  const wanted = await wantedAnswer(executors)
  const told = {
    contextFiles: contextFilesOf(config, order),
    // Of a text Aider would have to make edits, with a further answer.
    wanted: wanted === 'edits_or_text' && left.ofAttempt <= left.ofTry ? ('edits' as const) : wanted,
    previousFailure,
  }
  const question = questionOf(
    context,
    { order, project },
    { workspaces, buildProposerRequest },
    { asked, baseSha, told },
  )
  // Any text counts then, and Aider asks in its turn.
  const mostCalls = wanted === 'text' ? 1 : left.ofTry
  const response = await proposer.propose({ ...question, mostCalls, repair: null })
  const answers = MOST_ANSWERS - left.ofAttempt + answersOfProposal(response)
  return { baseSha, proposer: asked, response, answers, told }
}

/** What a proposer is asked: the same each time, so that a repair continues the conversation it began. */
export function questionOf(
  context: AttemptContext,
  { order, project }: Pick<Routed, 'order' | 'project'>,
  { workspaces, buildProposerRequest }: Pick<Adapters, 'workspaces' | 'buildProposerRequest'>,
  { asked, baseSha, told }: Pick<Proposed, 'baseSha' | 'told'> & { asked: string },
): Omit<ProposeInput, 'repair' | 'mostCalls'> {
  return {
    workOrderId: context.workOrderId,
    attempt: context.attempt,
    title: order.title,
    request: buildProposerRequest(order),
    proposer: asked,
    base: workspaces.tree(project, baseSha),
    ...told,
    signal: context.signal,
    onProgress: context.note,
    onShown: context.shows,
  }
}
