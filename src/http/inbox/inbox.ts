import type { Ceiling } from '../../budget/ceilings.ts'
import { ceilingsOfOrders } from '../../budget/headroom.ts'
import { readBudgetLine } from '../../budget/periods.ts'
import type { BudgetLine, BudgetPeriod } from '../../contract/budget.ts'
import { type PullRequestRecord, recordIn } from '../../contract/evidence/pull-request-record.ts'
import { reviewOf } from '../../contract/evidence/review.ts'
import {
  INBOX_KINDS,
  type InboxEntry,
  type InboxKind,
  type InboxResponse,
  type WhyResponse,
} from '../../contract/why/inbox.ts'
import type { FailurePause, PausedProvider, Why } from '../../contract/why/why.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { ordersEscalated } from '../../db/escalations/order-escalations.ts'
import { asWord } from '../../db/proposer-configs.ts'
import { bodyOfPullRequest } from '../../db/pull-requests/pull-requests.ts'
import { countOrders } from '../../db/work-orders/list-work-orders.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { shownUsd, statedUsd } from '../../money.ts'
import { faultOfRow } from '../../orchestrator/malformed-rows.ts'
import { failurePauses, pausedWithProposers } from '../../orchestrator/status.ts'
import { unmetOf } from '../../orchestrator/why/dependencies.ts'
import { rowEvidence } from '../../orchestrator/why/facts.ts'
import { isRunAgain } from '../../orchestrator/why/following.ts'
import type { ExplainedOrder } from '../../orchestrator/why/read-why.ts'
import type { OrderState } from '../../work-order/order-state.ts'
import { riskInWords } from '../../work-order/risk.ts'
import { lastOrders } from '../../work-order/words.ts'
import { riskNow, withTerms } from '../filing/approval-terms.ts'
import type { HttpDeps } from '../http-deps.ts'
import { approvalOf } from './approval.ts'
import { type ListedOrder, ordersInStates, shownAtPull } from './listed-orders.ts'

type Deps = Pick<HttpDeps, 'db' | 'orchestrator' | 'adapters' | 'log' | 'proposers' | 'config'>

/** Orders looked at in one state: the newest. */
const MOST_OF_STATE = 100
/** The states in which an order may wait for a human. */
const WAITING_STATES = ['unapproved', 'review', 'blocked', 'failed'] as const satisfies readonly OrderState[]

/**
 * Why an order stands where it stands; of one that is not approved with what approving it would mean.
 *
 * @throws {Fault} `work_order_not_found`
 */
export async function explainedOrder(deps: Deps, idOrPrefix: string): Promise<Omit<WhyResponse, 'success'>> {
  const order = await findWorkOrder(deps.db, idOrPrefix)
  const found = (await deps.orchestrator.explain([order.id])).get(order.id)
  if (found === undefined) throw new Fault('work_order_not_found', `There is no work order "${order.id}" any more.`)
  const why = (await ordersEscalated(deps.db, [order.id])).has(order.id) ? withDecide(found.why, order.id) : found.why
  if (order.phase === 'in_review')
    return { work_order: order, why: await withRisk(deps, order, { ...found, why }), worst_case_usd: null }
  if (order.status !== 'pending' || order.approved)
    return { work_order: { ...order, ...shownAtPull(found.order) }, why, worst_case_usd: null }
  const [shown = order] = await withTerms(deps, [order])
  const { worstCaseUsd, sentence, evidence } = approvalOf(
    shown,
    ceilingsIn(await readCeilings(deps, [order.id]), order.id),
  )
  const { ended } = unmetOf(found.order)
  const said = ended === null ? sentence : `${sentence} ${ended.sentence}`
  const whole = { ...why, sentence: said, evidence: [...why.evidence, ...evidence] }
  return { work_order: shown, why: whole, worst_case_usd: worstCaseUsd }
}

type Proved = Pick<PullRequestRecord, 'criteria_count' | 'proved_count'>
const provedText = ({ criteria_count: count, proved_count: proved }: Proved) =>
  `${proved} of ${count} ${count === 1 ? 'is' : 'are'} proved by a check`

/** With what is proved, and the risk, of what is to be reviewed. */
async function withRisk(deps: Deps, order: WorkOrderView, { why, order: { pull } }: ExplainedOrder): Promise<Why> {
  const key = pull === null ? null : { workOrderId: order.id, attempt: pull.attempt }
  const body = key === null ? null : await bodyOfPullRequest(deps.db, key)
  const risk = await riskNow(deps, order, body)
  const record = body === null ? null : recordIn(body)
  const proved = record === null || record.criteria_count === 0 ? [] : [{ name: 'criteria', text: provedText(record) }]
  return { ...why, evidence: [...why.evidence, ...proved, { name: 'risk', text: riskInWords(risk, order.risk_level) }] }
}

/** What waits for a human: the kinds in the order of `INBOX_KINDS`, and of one kind the oldest first. */
export async function readInbox(deps: Deps): Promise<Omit<InboxResponse, 'success'>> {
  const { db } = deps
  const counts = await countOrders(db, {})
  const orders = await ordersInStates(deps, WAITING_STATES, MOST_OF_STATE)
  const escalated = await ordersEscalated(
    db,
    orders.map(({ listed }) => listed.id),
  )
  const inState = (state: OrderState) =>
    orders.filter(({ listed }) => listed.state === state).map((order) => withDecision(order, escalated))
  const budget = await readBudgetLine(db).catch(faultOfRow)
  const entries = [
    ...(await approvals(deps, inState('unapproved'))),
    ...inState('review').flatMap((order) => reviewEntry(order, escalated)),
    ...inState('blocked').flatMap(blockedEntry),
    ...inState('failed').map((order) => orderEntry('failed', order)),
    ...(await failurePauses(db, deps.config)).map(failureEntry),
    ...(await pausedWithProposers(db, deps.proposers)).map(pausedEntry),
    ...(budget instanceof Fault ? [plainEntry('stopped', budget.message, ['moose status'])] : budgetEntries(budget)),
  ]
  const place = ({ kind }: InboxEntry) => INBOX_KINDS.findIndex((known) => known === kind)
  return {
    inbox: entries.toSorted((one, other) => place(one) - place(other)),
    left_out: WAITING_STATES.reduce((sum, state) => sum + Math.max(0, counts[state] - inState(state).length), 0),
  }
}

/** With the command to decide about it first, where that has to be done. */
function withDecision(order: ListedOrder, escalated: ReadonlySet<string>): ListedOrder {
  const { listed, explained } = order
  if (!escalated.has(listed.id)) return order
  const decide = decideCommand(listed.id)
  const next = [decide, ...explained.why.next.filter((command) => command !== decide)]
  return { listed, explained: { ...explained, why: { ...explained.why, next } } }
}

/** Behind what helps where it stands so; of a pull request it is the first already. */
function withDecide(why: Why, id: string): Why {
  const decide = decideCommand(id)
  return why.next.includes(decide) ? why : { ...why, next: why.next.toSpliced(1, 0, decide) }
}

function decideCommand(id: string): string {
  return `moose decide ${id.slice(0, 8)}`
}

/** By the order's id; null: the caps cannot be read. */
type Ceilings = ReadonlyMap<string, readonly Ceiling[]> | null

async function readCeilings({ db }: Deps, ids: readonly string[]): Promise<Ceilings> {
  const found = await ceilingsOfOrders(db, ids).catch(faultOfRow)
  return found instanceof Fault ? null : found
}

function ceilingsIn(ceilings: Ceilings, id: string): readonly Ceiling[] | null {
  const own = ceilings?.get(id)
  return own === undefined ? null : own
}

const NOTHING_UNMET: ReturnType<typeof unmetOf> = { ended: null, evidence: [] }

async function approvals(deps: Deps, orders: readonly ListedOrder[]): Promise<InboxEntry[]> {
  const ceilings = await readCeilings(
    deps,
    orders.map(({ listed }) => listed.id),
  )
  const shown = await withTerms(
    deps,
    orders.map(({ listed }) => listed),
    ceilings,
  )
  return shown.map((order, index) => {
    const { worstCaseUsd, sentence, evidence } = approvalOf(order, ceilingsIn(ceilings, order.id))
    const explained = orders[index] === undefined ? null : orders[index].explained
    const next = explained === null ? [] : explained.why.next
    const unmet = explained === null ? NOTHING_UNMET : unmetOf(explained.order)
    return {
      kind: 'approval',
      work_order: order,
      sentence: unmet.ended === null ? sentence : `${sentence} ${unmet.ended.sentence}`,
      evidence: [...unmet.evidence, ...evidence],
      worst_case_usd: worstCaseUsd,
      next,
      since: order.created_at,
    }
  })
}

/**
 * Nothing while its checks on the forge still run, or are run again, or Moose does the next by itself, unless there is something to decide, or a cap
 * to raise.
 */
function reviewEntry(order: ListedOrder, escalated: ReadonlySet<string>): InboxEntry[] {
  const { pull } = order.explained.order
  const { needs } = reviewOf(pull)
  if (escalated.has(order.listed.id) || pull?.follow_up?.waits_for?.kind === 'cap') return [orderEntry('review', order)]
  if (isRunAgain(order.explained.order) || order.explained.goesOn) return []
  return needs === 'checks' ? [] : [orderEntry(needs === 'merge' ? 'merge' : 'review', order)]
}

/** Nothing where it goes on by itself, or when what the inbox names beside it ends. */
function blockedEntry(order: ListedOrder): InboxEntry[] {
  const { kind } = order.explained.why
  // A failed order that it depends on is an entry of its own.
  if (
    kind === 'dependency' &&
    order.explained.order.waitsFor.every(({ status }) => status !== 'cancelled' && status !== null)
  )
    return []
  if (kind === 'next' || kind === 'service' || kind === 'provider' || kind === 'emergency_stop') return []
  return [orderEntry(kind === 'held_change' ? 'held_change' : 'blocked', order)]
}

function orderEntry(kind: InboxKind, { listed, explained: { why } }: ListedOrder): InboxEntry {
  const { sentence, evidence, next } = why
  return { kind, work_order: listed, sentence, evidence, worst_case_usd: null, next, since: listed.updated_at }
}

function plainEntry(kind: InboxKind, sentence: string, next: readonly string[]): InboxEntry {
  return { kind, work_order: null, sentence, evidence: [], worst_case_usd: null, next: [...next], since: null }
}

function pausedEntry({ provider, proposers, failures, reason, since, until }: PausedProvider): InboxEntry {
  const next = proposers.flatMap((name) => [
    `moose proposer test ${asWord(name)}`,
    `moose proposer resume ${asWord(name)} --now`,
  ])
  return {
    ...plainEntry('paused_provider', `The provider ${provider} is paused until ${until}: ${reason}`, next),
    evidence: [
      { name: 'failures in a row', text: String(failures) },
      ...proposers.map((name) => ({ name: 'called by', text: name })),
      { name: 'until', text: until },
    ],
    since,
    provider,
  }
}

function failureEntry(pause: FailurePause): InboxEntry {
  const { kind, name, code, step, orders, since, paused_at: at } = pause
  const what = kind === 'project' ? 'of the project' : 'given to the proposer'
  const sentence = `The ${kind} ${name} is paused: the ${lastOrders(orders.length)} ${what} failed with ${code} at ${step}.`
  const last = orders.slice(-1).map((id) => `moose show ${id.slice(0, 8)}`)
  const next = [...last, `moose ${kind} resume ${asWord(name)}`]
  return {
    ...plainEntry(kind === 'project' ? 'paused_project' : 'paused_proposer', sentence, next),
    evidence: rowEvidence(pause),
    since: at === undefined ? since : at,
    ...(kind === 'project' ? { project: name } : { proposer: name }),
  }
}

/** What the budget warns of, as `moose status` does. */
function budgetEntries({
  emergency_stop: stop,
  disputed,
  unresolved,
  today,
  this_month: month,
}: BudgetLine): InboxEntry[] {
  const resume = stop.by_hand ? ['moose budget resume'] : ['moose budget cap kill USD']
  const how = stop.by_hand ? { by_hand: true } : { by_hand: false, cap: 'kill' as const }
  const broken = `${disputed} reservations of the ledger cannot be right, so nothing is spent.`
  const unknown = `${unresolved.count} ${unresolved.count === 1 ? 'call' : 'calls'} (${shownUsd(statedUsd(unresolved.amount_usd))}) may have been charged or not.`
  return [
    ...(stop.reason === null ? [] : [{ ...plainEntry('stopped', stop.reason, [...resume, 'moose budget']), ...how }]),
    ...(disputed === 0 ? [] : [plainEntry('stopped', broken, ['moose doctor', 'moose budget'])]),
    ...(stop.active ? [] : [...periodEntries(today, 'day'), ...periodEntries(month, 'month')]),
    ...(unresolved.count === 0 ? [] : [plainEntry('budget', unknown, ['moose budget', 'moose budget reconcile FILE'])]),
  ]
}

function periodEntries(
  { spent_usd: spent, soft_cap_usd: soft, hard_cap_usd: hard, left_usd: left }: BudgetPeriod,
  name: 'day' | 'month',
): InboxEntry[] {
  const usd = (amount: number) => shownUsd(statedUsd(amount))
  if (hard !== null && left === 0) {
    const sentence = `Nothing is left of the ${name}'s cap of ${usd(hard)}, so nothing is spent.`
    return [{ ...plainEntry('stopped', sentence, [`moose budget cap ${name} USD`, 'moose budget']), cap: name }]
  }
  if (soft === null || spent < soft) return []
  const sentence = `The ${name} has spent ${usd(spent)}: its soft cap of ${usd(soft)} is passed.`
  return [{ ...plainEntry('budget', sentence, ['moose budget']), cap: `${name}-soft` }]
}
