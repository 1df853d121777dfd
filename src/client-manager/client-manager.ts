import type { Kysely } from 'kysely'
import { type Ceiling, leftBelow, raiseCommands } from '../budget/ceilings.ts'
import { ceilingsOfOrders } from '../budget/headroom.ts'
import type { Actor } from '../contract/actor.ts'
import type { FailingCheck } from '../contract/evidence/follow-up.ts'
import {
  type DecideWorkOrder,
  type EscalationView,
  misfitOf,
  type OfferedOption,
  type OpenEscalation,
} from '../contract/why/escalation.ts'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { largestReservations } from '../db/budget-entries/reservations.ts'
import {
  conflictInReview,
  escalationOf,
  forgetAnswer,
  isHeldUpOnForge,
  leftCommit,
  noteAnswer,
  openEscalation,
  optionRecords,
  pastEscalations,
  wantedProposer,
  wantProposer,
} from '../db/escalations/order-escalations.ts'
import { countedFollowUps } from '../db/follow-ups.ts'
import { usagePerAttempt } from '../db/model-calls.ts'
import { pullRequestsInBrief } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder } from '../db/work-orders/work-orders.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { countsOf } from '../follow-up/decide.ts'
import type { OwnManager } from '../manager/manager.ts'
import { buildRoutingRequest } from '../manager/routing-request.ts'
import { NO_USD, shownUsd, statedUsd, Usd } from '../money.ts'
import { faultOfRow } from '../orchestrator/malformed-rows.ts'
import type { ForeseenRetry, Orchestrator } from '../orchestrator/orchestrator.ts'
import type { ExplainedOrder } from '../orchestrator/why/read-why.ts'
import type { RoutingRequest } from '../ports/routing.ts'
import { WorkOrderContent } from '../work-order/content.ts'
import { heldFrom } from '../work-order/protection/held-change.ts'
import { carryOut, raisedTo, retryBy } from './carry-out.ts'
import { holding } from './holding.ts'
import { type OptionFacts, optionsFor, shortOfRoom } from './options.ts'
import { type FirstCallOf, retryRefusedByCap } from './retry-room.ts'
import { storyOf } from './story.ts'

export type ClientManagerDeps = {
  /** As who acts writes to it. */
  db: Kysely<Database>
  orchestrator: Pick<Orchestrator, 'explain' | 'retry' | 'foreseeRetry' | 'verify' | 'adopt' | 'cancel'>
  manager: Pick<OwnManager, 'explain' | 'costsAlike'>
  firstCallOf: FirstCallOf
}

type Escalations = {
  work_order_id: string
  escalation: OpenEscalation | null
  next: string[]
  past: EscalationView[]
}

/**
 * What a human has to decide about an order, with its story and its options, and what was decided before.
 *
 * @throws {Fault} `work_order_not_found`
 */
export async function escalationsOf(deps: ClientManagerDeps, idOrPrefix: string): Promise<Escalations> {
  const { db } = deps
  const order = await findWorkOrder(db, idOrPrefix)
  const open = await openEscalation(db, order.id)
  const past = await pastEscalations(db, order.id)
  if (open === null) return { work_order_id: order.id, escalation: null, next: await nextOf(deps, order), past }
  const { facts, spent } = await factsOf(deps, order, open)
  const explained = (await deps.orchestrator.explain([order.id])).get(order.id)
  const reason = order.status_reason === null ? '' : order.status_reason.message
  const sentence = explained === undefined ? reason : explained.why.sentence
  const last = explained === undefined ? null : explained.order.last
  const reactions = countsOf(await countedFollowUps(db, order.id))
  const cap = facts.cap === null ? null : facts.cap.cap
  const pulls = await pullRequestsInBrief(db, order.id)
  const pull = pulls.find(({ number }) => number === order.github_pr_number) ?? null
  const known = {
    pull,
    spent,
    cap,
    hasCommit: facts.hasCommit,
    sentence,
    reactions,
    last,
    failing: failingOf(explained),
  }
  const escalation = {
    ...open,
    story: storyOf(order, { ...known, cause: open.cause, wanted: facts.wanted }),
    options: optionsFor(facts),
  }
  return { work_order_id: order.id, escalation, next: [], past }
}

function failingOf(explained: ExplainedOrder | undefined): readonly FailingCheck[] {
  const failing = explained?.order.pull?.follow_up?.failing
  return failing === undefined ? [] : failing
}

/** What ends the wait of an order that is blocked by what is decided elsewhere, such as the order it depends on; of another, why it stands so. */
async function nextOf(
  { orchestrator }: ClientManagerDeps,
  { id, status }: WorkOrderView,
): Promise<[string, ...string[]]> {
  const explained = status === 'blocked' ? (await orchestrator.explain([id])).get(id) : undefined
  const [first, ...rest] = explained === undefined ? [] : explained.why.next
  return first === undefined ? [`moose why ${id.slice(0, 8)}`] : [first, ...rest]
}

type Decided = { work_order: WorkOrderView; escalation: EscalationView; sentence: string }

/**
 * Carries out what a human decided about an order, and keeps who decided what, when, and what the order had cost until then.
 *
 * @param assertMayCost throws for a cap that who decides may not give an order, whether the answer names it or the option offers it
 * @throws {Fault} `work_order_not_found`; `work_order_conflict` where nothing has to be decided, where something else has to be
 *   by now, or where the option is not offered; `request_invalid` for what does not belong to the option; those of the acts,
 *   after which the escalation is open as before
 */
export async function decide(
  deps: ClientManagerDeps,
  idOrPrefix: string,
  { wish, by, assertMayCost }: { wish: DecideWorkOrder; by: Actor; assertMayCost: (budget: Usd) => Promise<void> },
): Promise<Decided> {
  const { db } = deps
  const order = await findWorkOrder(db, idOrPrefix)
  const open = await openEscalation(db, order.id)
  if (open === null) throw nothingToDecide(order, await nextOf(deps, order))
  if (wish.escalation_id !== undefined && wish.escalation_id !== open.id) throw anotherByNow(order)
  assertFits(wish)
  const { facts, spent } = await factsOf(deps, order, open)
  const offers = optionsFor(facts)
  const offer = offers.find(({ option }) => option === wish.option)
  if (offer === undefined) throw notOffered(order, wish.option, offers)
  if (wish.proposer !== undefined) assertCallable(wish.proposer, facts)
  if (wish.option === 'allow' && wish.held !== offer.held) throw heldOtherwise(order)
  const gone = facts.cap === null ? spent : facts.cap.gone
  await assertBudgets(wish, offer, { gone, assertMayCost })
  const low = tooLow(wish, offer, facts)
  // What it asks for is changed, so its next call may be a smaller one.
  if (low !== null && wish.option !== 'amend') throw new Fault('request_invalid', low, { field: 'budget_usd' })
  const retry = await retryBy(db, { order, offer, wish })
  const refusal = retry === null ? null : await retryRefusedByCap(deps, retry)
  if (refusal !== null) throw refusal
  if (!(await noteAnswer(db, open.id, { option: wish.option, by, spentUsd: spent.toFixed() })))
    throw anotherByNow(order)
  const wanted = await wantedProposer(db, order.id)
  const act = () => carryOut({ ...deps, by }, { order, offer, held: facts.held, wish })
  const sentence = await holding(db, open.id, act).catch(async (error: unknown) => {
    const { closed_at } = await escalationOf(db, open.id)
    // With its new budget it may have gone on before it was told to.
    if (closed_at !== null && toFault(error).code === 'work_order_conflict') return offer.sentence
    await wantProposer(db, order.id, wanted)
    await forgetAnswer(db, open.id)
    throw error
  })
  const escalation = await escalationOf(db, open.id)
  // Something still holds the order: it may be decided about again at once.
  if (escalation.closed_at === null) await forgetAnswer(db, open.id)
  const told = low === null ? sentence : `${sentence} ${low}`
  return { work_order: await findWorkOrder(db, order.id), escalation, sentence: told }
}

/** Of a cap that the answer names. */
function tooLow({ option, budget_usd: named, proposer }: DecideWorkOrder, offer: OfferedOption, facts: OptionFacts) {
  if (named === undefined) return null
  const asked = option === 'model' ? (proposer === undefined ? offer.proposer : proposer) : null
  return shortOfRoom(facts, statedUsd(named), asked)
}

/** Whether the option `retry` is offered for an order that is stopped, and raises no cap. */
export async function isPlainRetry(deps: ClientManagerDeps, workOrderId: string): Promise<boolean> {
  const open = await openEscalation(deps.db, workOrderId)
  if (open === null) return false
  const { facts } = await factsOf(deps, await findWorkOrder(deps.db, workOrderId), open)
  return optionsFor(facts).some(({ option, budget_usd: budget }) => option === 'retry' && budget === null)
}

/** @throws {Fault} `request_invalid` for a cap with which nothing more could be spent; those of `assertMayCost` */
async function assertBudgets(
  wish: DecideWorkOrder,
  offer: OfferedOption,
  { gone, assertMayCost }: { gone: Usd; assertMayCost: (budget: Usd) => Promise<void> },
): Promise<void> {
  const named = [wish.budget_usd, wish.changes?.budget_usd].filter((usd) => usd !== undefined && usd !== null)
  for (const budget of named.map((usd) => statedUsd(usd))) {
    if (budget.greaterThan(gone)) continue
    const message =
      `A cap of ${shownUsd(budget)} leaves nothing to be spent: ${shownUsd(gone)} of the order is spent or reserved already. ` +
      'Name a higher one, or leave it out (moose decide without --budget) for the one that the option offers.'
    throw new Fault('request_invalid', message, { field: 'budget_usd' })
  }
  const raised = raisedTo(wish, offer)
  for (const budget of [...named, ...(raised === null ? [] : [raised])]) await assertMayCost(statedUsd(budget))
}

/** @throws {Fault} `request_invalid` */
function assertFits(wish: DecideWorkOrder): void {
  const misfit = misfitOf(wish)
  if (misfit === null) return
  const { field, isMissing } = misfit
  const what = field === 'held' ? 'what was looked at' : 'what is to be changed: the fields of the order'
  const message = isMissing
    ? `${wish.option} takes ${what}, in ${field}.${field === 'held' ? ' The option has it.' : ''}`
    : `${field} does not belong to the option ${wish.option}. Leave it out.`
  throw new Fault('request_invalid', message, { field })
}

/** @throws {Fault} `request_invalid` */
function assertCallable(wanted: string, { candidates }: OptionFacts): void {
  if (candidates.some(({ proposer }) => proposer === wanted)) return
  const names = candidates.map(({ proposer }) => proposer).join(', ')
  const others = names === '' ? 'none can be now' : `these can: ${names}`
  throw new Fault('request_invalid', `The order cannot be given to the proposer ${wanted}; ${others}.`, {
    field: 'proposer',
  })
}

async function factsOf(
  deps: ClientManagerDeps,
  order: WorkOrderView,
  { cause }: EscalationView,
): Promise<{ facts: OptionFacts; spent: Usd }> {
  const { db } = deps
  const caps = await ceilingsOfOrders(db, [order.id]).catch(faultOfRow)
  const own = caps instanceof Fault ? undefined : caps.get(order.id)?.find(({ scope }) => scope === 'order')
  const spent = own === undefined ? statedUsd(order.actual_cost === null ? 0 : order.actual_cost) : own.spent
  const request = requestOf(order)
  const decision = request === null ? null : await unlessFault(deps.manager.explain(request))
  const used = await usagePerAttempt(db, order.id)
  const costs = request === null ? null : await unlessFault(deps.manager.costsAlike(request, used))
  const details = order.status_reason === null ? undefined : order.status_reason.details
  const refusedBy = cause === 'budget_exceeded' ? textOf(details?.['scope']) : null
  const needed = cause === 'budget_exceeded' ? amountOf(details?.['needed_usd']) : null
  const ceilings = caps instanceof Fault ? undefined : caps.get(order.id)
  const conflict = order.phase === 'in_review' ? await conflictInReview(db, order.id) : 'none'
  const facts = {
    shortId: order.id.slice(0, 8),
    cause,
    refusedBy,
    needed,
    raise: ceilings === undefined || needed === null ? null : commandsToRaise(ceilings, needed),
    cap: own === undefined ? null : { cap: own.cap, gone: goneOf(own) },
    costs: costs === null ? new Map<string, number>() : costs,
    averageUsd: averageUsd(order),
    next: decision === null ? null : decision.selected_proposer,
    last: order.proposer,
    wanted: await wantedProposer(db, order.id),
    candidates: decision?.routing_metadata.candidates ?? [],
    reserved: new Map([...(await largestReservations(db, order.id))].map(([name, usd]) => [name, new Usd(usd)])),
    held: cause === 'protected_change' ? heldFrom(details) : null,
    hasCommit: await leftCommit(db, order.id),
    isConflicting: cause === 'merge_conflict' || conflict !== 'none',
    isLeftByHand: conflict === 'by_hand',
    isHeldUpOnForge: order.phase === 'in_review' && (await isHeldUpOnForge(db, order.id)),
    retry: await foreseen(deps, order),
    review: order.phase === 'in_review' ? reviewCause(cause) : null,
    records: await optionRecords(db, cause),
  }
  return { facts, spent }
}

/** Its own cap is raised by the option itself. */
function commandsToRaise(ceilings: readonly Ceiling[], needed: Usd): string | null {
  const full = ceilings.filter((ceiling) => ceiling.scope !== 'order' && leftBelow(ceiling).lessThan(needed))
  return full.length === 0 ? null : raiseCommands(full, needed)
}

/** What a retry does, where that can be told: else it is decided about all the same. */
async function foreseen({ orchestrator }: ClientManagerDeps, order: WorkOrderView): Promise<ForeseenRetry | null> {
  if (order.phase === 'in_review') return null
  const retry = await unlessFault(orchestrator.foreseeRetry(order.id))
  return retry === null ? { sentence: 'It is tried again.', cost: 'usual' } : retry
}

function reviewCause(cause: string): OptionFacts['review'] {
  if (cause === 'hands_off') return cause
  return cause === 'pull_request_lost' ? 'lost' : 'exhausted'
}

/** Null: it is malformed, which is no reason not to be decided about. */
function requestOf(order: WorkOrderView): RoutingRequest | null {
  const content = WorkOrderContent.safeParse(order)
  return content.success ? buildRoutingRequest(order.id, content.data) : null
}

/** As it is expected now; null: it cannot be, which is no reason not to be decided about. */
async function unlessFault<Result>(expected: Promise<Result>): Promise<Result | null> {
  try {
    return await expected
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

function averageUsd({ actual_cost: cost, attempts }: WorkOrderView): number | null {
  return cost === null || attempts === 0 ? null : cost / attempts
}

function goneOf({ spent, reserved }: Ceiling): Usd {
  return spent.plus(reserved)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function amountOf(value: unknown): Usd | null {
  return typeof value === 'string' && /^\d{1,9}(\.\d{1,12})?$/.test(value) ? NO_USD.plus(value) : null
}

function nothingToDecide({ id, status, phase }: WorkOrderView, next: readonly string[]): Fault {
  const stands = phase === null ? status : `${status}/${phase}`
  const message = `Nothing has to be decided about work order ${id}, which is ${stands}. Next:\n${next.map((command) => `  ${command}`).join('\n')}`
  return new Fault('work_order_conflict', message, { id, status })
}

function anotherByNow({ id }: WorkOrderView): Fault {
  const message = `Work order ${id} was decided about meanwhile. See what has to be decided now with: moose decide ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id })
}

function heldOtherwise({ id }: WorkOrderView): Fault {
  const message =
    `Of work order ${id} another commit, or something else of it, is held by now, so nothing is allowed. ` +
    `See what has to be decided now with: moose decide ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id })
}

function notOffered({ id }: WorkOrderView, option: string, offers: readonly OfferedOption[]): Fault {
  const others = offers.map((offer) => offer.option).join(', ')
  const message = `The option ${option} is not there for work order ${id}; these are: ${others}. See them with: moose decide ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id, option })
}
