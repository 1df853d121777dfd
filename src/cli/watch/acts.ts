import { WhyResponse } from '../../contract/why/inbox.ts'
import { WorkOrderResponse, type WorkOrderView } from '../../contract/work-orders.ts'
import { type OrderState, orderState } from '../../work-order/order-state.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { shortId, usd } from '../pages/humanize.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'
import { hiddenNotes, protectionNotes, verificationNotes } from '../pages/verification-notes.ts'

export const ACTS = ['approve', 'cancel', 'retry', 'merge'] as const
export type Act = (typeof ACTS)[number]

/** What is asked before an act; each of them costs or destroys something. */
export type Question = {
  act: Act
  orderId: string
  /** The question, and below it what is to be known before it is answered. */
  lines: readonly string[]
  /** Sent with the act: it is done to the order as it was looked at. */
  body: Record<string, unknown> | null
}

const OF_STATES: Record<Act, readonly OrderState[]> = {
  approve: ['unapproved'],
  cancel: ['unapproved', 'waiting', 'running', 'review', 'blocked', 'failed'],
  retry: ['failed', 'blocked', 'cancelled'],
  merge: ['review'],
}
const PAST: Record<Act, string> = { approve: 'approved', cancel: 'cancelled', retry: 'retried', merge: 'merged' }

/** Why this cannot be done to an order that stands there, and what can; null: it can. */
export function refusalOf(act: Act, order: WorkOrderView): string | null {
  const state = orderState(order)
  if (OF_STATES[act].includes(state)) return null
  const id = shortId(order.id)
  if (act === 'approve' && state === 'blocked' && order.status_reason?.code === 'protected_change')
    return `What its change holds is allowed by name: moose show ${id}   then: moose approve ${id} --allow PATH`
  const could = ACTS.filter((other) => OF_STATES[other].includes(state))
  const instead = could.length === 0 ? '' : ` It can be: ${could.map((other) => PAST[other]).join(', ')}.`
  return `${id} is ${stateWords(state)}, and cannot be ${PAST[act]}.${instead}`
}

function stateWords(state: OrderState): string {
  return state === 'unapproved' ? 'not approved' : state === 'review' ? 'in review' : state
}

/**
 * Looks the order up, so that what is asked is about what stands there now.
 *
 * @returns the question, or why the act cannot be done
 * @throws {Fault} as `ApiClient.call`
 */
export async function askFor(
  api: ApiClient,
  act: Act,
  orderId: string,
  signal: AbortSignal,
): Promise<Question | string> {
  const path = `${workOrderPath(orderId)}/why`
  const found = await api.call({ method: 'GET', path, answer: WhyResponse, signal })
  const { work_order: order } = found
  const refusal = refusalOf(act, order)
  if (refusal !== null) return refusal
  const { content_sha256: content } = order
  const body = act === 'approve' && content !== undefined ? { content_sha256: content } : null
  return { act, orderId: order.id, lines: [...questionOf(act, found), ...notesOf(act, order)], body }
}

/** The question on one line, and on another what it costs or destroys. */
function questionOf(act: Act, { work_order: order, worst_case_usd: worst }: WhyResponse): [string, string] {
  const named = `${shortId(order.id)} “${oneLine(order.title, LONGEST_TITLE)}”?`
  const spent =
    order.actual_cost === null ? 'Nothing was spent so far.' : `${usd(order.actual_cost)} were spent so far.`
  switch (act) {
    case 'approve':
      return [
        `Approve ${named}`,
        worst === null ? 'No cap limits what it may cost.' : `At most ${usd(worst)} may be spent.`,
      ]
    case 'cancel':
      return [`Cancel ${named}`, `${lostBy(order)} ${spent}`]
    case 'retry':
      return [`Try again ${named}`, `A new attempt is paid for anew. ${spent}`]
    case 'merge':
      return [`Merge pull request #${order.github_pr_number} of ${named}`, 'Its branch is merged into the base branch.']
  }
}

/** What cancelling ends. */
function lostBy(order: WorkOrderView): string {
  const state = orderState(order)
  if (state === 'review') return `Its pull request #${order.github_pr_number} is closed unmerged.`
  return state === 'running' ? 'Its attempt is stopped at the next safe point.' : 'It is not carried out.'
}

function notesOf(act: Act, order: WorkOrderView): string[] {
  if (act === 'approve') return [...hiddenNotes(order), ...verificationNotes(order), ...protectionNotes(order)]
  return act === 'retry' && !order.approved ? ['It is not approved: it runs only when that is done too.'] : []
}

/** @returns what has been done. @throws {Fault} as `ApiClient.call` */
export async function perform(api: ApiClient, { act, orderId, body }: Question): Promise<string> {
  const path = `${workOrderPath(orderId)}/${act}`
  const sent = body === null ? {} : { body }
  const { work_order: order } = await api.call({ method: 'POST', path, ...sent, answer: WorkOrderResponse })
  return `${PAST[act]} ${shortId(order.id)} “${oneLine(order.title, LONGEST_TITLE)}”`
}
