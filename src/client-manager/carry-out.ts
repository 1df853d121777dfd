import type { Kysely } from 'kysely'
import type { Actor } from '../contract/actor.ts'
import type { DecideWorkOrder, EscalationOption, OfferedOption } from '../contract/why/escalation.ts'
import type { EditWorkOrder, WorkOrderView } from '../contract/work-orders.ts'
import { lastAttemptOf } from '../db/attempts/last-attempt.ts'
import { wantedProposer, wantProposer } from '../db/escalations/order-escalations.ts'
import { lookAnew } from '../db/follow-ups.ts'
import { pullRequestsInBrief } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { approveWorkOrder } from '../db/work-orders/approve-work-order.ts'
import { assertEditable, editWorkOrder } from '../db/work-orders/edit-work-order.ts'
import { wrongStatus } from '../db/work-orders/work-orders.ts'
import { Fault } from '../faults/fault.ts'
import { shownUsd, statedUsd } from '../money.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import { ONCE_APPROVED } from '../orchestrator/retry.ts'
import type { HeldCommit } from '../work-order/protection/held-change.ts'
import type { Retry } from './retry-room.ts'

type Acting = {
  db: Kysely<Database>
  orchestrator: Pick<Orchestrator, 'retry' | 'verify' | 'adopt' | 'cancel'>
  by: Actor
}

type Choice = { order: WorkOrderView; offer: OfferedOption; held: HeldCommit | null; wish: DecideWorkOrder }

/** Does what was chosen, by the acts that there are for it. @returns what follows @throws {Fault} those of the acts */
export async function carryOut(acting: Acting, choice: Choice): Promise<string> {
  return ACTS[choice.wish.option](acting, choice)
}

const ACTS: Readonly<Record<EscalationOption, (acting: Acting, choice: Choice) => Promise<string>>> = {
  allow,
  async adopt({ orchestrator, by }, { order }) {
    return (await orchestrator.adopt(order.id, by)).sentence
  },
  retry,
  model,
  amend,
  async verify({ orchestrator, by }, { order }) {
    return (await orchestrator.verify(order.id, by)).sentence
  },
  async abort({ orchestrator, by }, { order, offer }) {
    await orchestrator.cancel(order.id, by)
    return offer.sentence
  },
}

async function allow({ db }: Acting, { order, held, offer }: Choice): Promise<string> {
  const listed = held === null ? [] : held.held
  const paths = listed.flatMap(({ path, fingerprint }) => (fingerprint === null && path !== null ? [path] : []))
  const secrets = listed.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]))
  await approveWorkOrder(db, order.id, {
    ...asLookedAt(order),
    ...(held === null ? {} : { head_sha: held.headSha }),
    allow: paths,
    allow_secrets: secrets,
    // What was too long to be listed is allowed with all the rest alone.
    allow_all_protected: held !== null && held.count > listed.length,
  })
  return offer.sentence
}

async function retry(acting: Acting, choice: Choice): Promise<string> {
  const raised = await raiseBudget(acting, choice)
  await wantProposer(acting.db, choice.order.id, null)
  if (isInReview(choice.order)) return `${raised}${await onceMore(acting, choice)}`
  return `${raised}${(await acting.orchestrator.retry(choice.order.id, acting.by)).sentence}`
}

async function model(acting: Acting, choice: Choice): Promise<string> {
  const { db, orchestrator, by } = acting
  const { order } = choice
  const proposer = otherProposer(choice)
  if (isInReview(order)) {
    const raised = await raiseBudget(acting, choice)
    await wantProposer(db, order.id, proposer)
    return `${raised}${proposer} is asked. ${await onceMore(acting, choice)}`
  }
  const mode = await modeOfOther(db, order.id)
  await wantProposer(db, order.id, proposer)
  const raised = await raiseBudget(acting, choice)
  const { sentence } = await orchestrator.retry(order.id, by, mode)
  return `${raised}It is given to ${proposer}. ${sentence}`
}

function otherProposer({ offer, wish }: Pick<Choice, 'offer' | 'wish'>): string | null {
  return wish.proposer === undefined ? offer.proposer : wish.proposer
}

/** Its attempt would go on with the proposer it was given to. */
async function modeOfOther(db: Acting['db'], id: string): Promise<'fresh' | 'again'> {
  const last = await lastAttemptOf(db, id)
  return last !== null && last.goesOn ? 'fresh' : 'again'
}

/** The retry that a choice comes to; null: it comes to none. */
export async function retryBy(db: Acting['db'], { order, offer, wish }: Omit<Choice, 'held'>): Promise<Retry | null> {
  const raised = raisedTo(wish, offer)
  const retried = { order, ...(raised === null ? {} : { orderCap: statedUsd(raised) }) }
  if (wish.option === 'retry') return { ...retried, mode: 'again', wanted: null }
  if (wish.option === 'model')
    return { ...retried, mode: await modeOfOther(db, order.id), wanted: otherProposer({ offer, wish }) }
  const { changes } = wish
  if (wish.option !== 'amend' || changes === undefined) return null
  const { budget_usd: budget, content_sha256: _, ...content } = changes
  const cap = budget === undefined || raised !== null ? {} : { orderCap: budget === null ? null : statedUsd(budget) }
  // An order in review is made anew, whatever is changed.
  const amended = Object.keys(content).length === 0 && !isInReview(order) ? {} : { amended: content }
  return { ...retried, ...cap, ...amended, mode: 'again', wanted: await wantedProposer(db, order.id) }
}

/** What Moose does about the pull request from then on is done by who follows it, at the next look. */
async function onceMore({ db }: Acting, { order }: Choice): Promise<string> {
  if (!(await lookAnew(db, order.id))) throw wrongStatus(order, 'followed once more')
  return 'Moose reacts once more at its next look at the pull request, while it takes orders on (moose start).'
}

function isInReview({ phase }: WorkOrderView): boolean {
  return phase === 'in_review'
}

async function amend(acting: Acting, choice: Choice): Promise<string> {
  const { db, orchestrator, by } = acting
  const { order, wish } = choice
  if (!order.approved && wish.changes?.content_sha256 === undefined) throw changedSince(order)
  const changes: EditWorkOrder = { ...asLookedAt(order), ...wish.changes }
  if (isInReview(order) || (isOfContent(changes) && (await hasOpenPull(db, order.id))))
    return await makeAnew(acting, choice, changes)
  const edited = await editWorkOrder(db, order.id, changes)
  const approval = { allow: [], allow_secrets: [], allow_all_protected: false }
  await approveWorkOrder(db, order.id, { ...asLookedAt(edited), ...approval })
  const raised = await raiseBudget(acting, choice)
  return `${raised}${(await orchestrator.retry(order.id, by)).sentence}`
}

/** What was approved and what is asked for here is approved with it, and nothing that somebody else has put in meanwhile. */
function changedSince({ id }: WorkOrderView): Fault {
  const short = id.slice(0, 8)
  const message =
    `Work order ${id} was changed after it was approved, so it is not approved along with other changes. See it with: ` +
    `moose show ${short}   Then change it with moose edit ${short}, approve it with moose approve ${short}, and retry it with ` +
    `moose retry ${short} (by the API: changes.content_sha256 of what was looked at)`
  return new Fault('work_order_conflict', message, { id })
}

const NO_CONTENT: ReadonlySet<string> = new Set(['budget_usd', 'content_sha256', 'depends_on'])

/** Whether what its change is made for is changed. */
function isOfContent(changes: EditWorkOrder): boolean {
  return Object.keys(changes).some((field) => !NO_CONTENT.has(field))
}

async function hasOpenPull(db: Acting['db'], id: string): Promise<boolean> {
  return (await pullRequestsInBrief(db, id)).some(({ state }) => state === 'open')
}

/** An order whose pull request is open is not edited: that is closed first, once nothing speaks against the changes. */
async function makeAnew(acting: Acting, choice: Choice, changes: EditWorkOrder): Promise<string> {
  const { db, orchestrator, by } = acting
  const { id } = choice.order
  await assertEditable(db, id, changes)
  await orchestrator.cancel(id, by)
  const edited = await editWorkOrder(db, id, changes)
  const raised = await raiseBudget(acting, choice)
  const { sentence } = await orchestrator.retry(id, by)
  const approval = { allow: [], allow_secrets: [], allow_all_protected: false }
  // What changed nothing left it approved, and it may run already.
  if (!edited.approved) await approveWorkOrder(db, id, { ...asLookedAt(edited), ...approval })
  return `Its pull request is closed. ${raised}${sentence.replace(ONCE_APPROVED, 'It is approved as it stands now: ')}`
}

function asLookedAt({ content_sha256 }: WorkOrderView): { content_sha256?: string } {
  return content_sha256 === undefined ? {} : { content_sha256 }
}

/** The cap that the answer names, else the one that the option offers where the changes name none; null: it stays. */
export function raisedTo(
  { budget_usd: named, changes }: DecideWorkOrder,
  { budget_usd: offered }: Pick<OfferedOption, 'budget_usd'>,
): number | string | null {
  if (named !== undefined) return named
  return changes?.budget_usd === undefined ? offered : null
}

/** @returns what its cap is from then on, as the beginning of an answer; empty: it stays @throws {Fault} those of `editWorkOrder` */
async function raiseBudget({ db }: Acting, { order, offer, wish }: Choice): Promise<string> {
  const budget = raisedTo(wish, offer)
  if (budget === null) return ''
  await editWorkOrder(db, order.id, { budget_usd: budget })
  return `Its cap is ${shownUsd(statedUsd(budget))} now. `
}
