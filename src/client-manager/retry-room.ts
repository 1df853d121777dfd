import type { Kysely } from 'kysely'
import { PIPELINE_REVISION } from '../attempt/pipeline-revision.ts'
import { refusalOf } from '../budget/ledger.ts'
import type { RetryMode } from '../contract/why/retry.ts'
import type { EditWorkOrder, WorkOrderView } from '../contract/work-orders.ts'
import { rejectedPushOf } from '../db/attempts/last-attempt.ts'
import type { PaidCall } from '../db/budget-entries/reservations.ts'
import type { Database } from '../db/schema.ts'
import { resumableOrders, type SuspendedOrder } from '../db/work-orders/suspended-orders.ts'
import { Fault } from '../faults/fault.ts'
import type { Usd } from '../money.ts'
import { neededUsd } from '../orchestrator/resume-conditions.ts'
import { payerOf } from '../orchestrator/resume-suspended.ts'
import { WorkOrderContent } from '../work-order/content.ts'

/** How an order is retried, where that asks a model. */
export type Asking = {
  mode: Exclude<RetryMode, 'verify_only'>
  /** Whom a human wants it given to; null: the Manager chooses. */
  wanted: string | null
}

/** The first call of a new attempt: by which proposer, and what it reserves. */
export type FirstCall = Pick<PaidCall, 'proposer' | 'provider' | 'model'> & { usd: Usd }

/**
 * What the first call of a new attempt of an order would be, by the base as it is known without the network; nothing is asked and
 * nothing is stored.
 *
 * @returns null: that is not known here
 */
export type FirstCallOf = (
  order: Pick<WorkOrderView, 'id' | 'project' | 'attempts'> & WorkOrderContent,
  asking: Asking,
) => Promise<FirstCall | null>

export type RoomDeps = { db: Kysely<Database>; firstCallOf: FirstCallOf }

export type Retry = Asking & {
  order: WorkOrderView
  /** What it is changed to and approved with first, for a new attempt; left out: it stays as it is. */
  amended?: Omit<EditWorkOrder, 'budget_usd' | 'content_sha256'>
  /** Its own cap then; null: the usual one. Left out: as it is. */
  orderCap?: Usd | null
}

/**
 * Why a retry is refused: the order would be blocked by a cap before its first call. Null: there is room, it is not approved, no model is
 * asked, or what its first call needs is not known.
 *
 * @returns `budget_exceeded` as it is now, with the commands that raise each cap in its way
 * @throws {Fault} `ledger_unsound`, `config_invalid`
 */
export async function retryRefusedByCap(deps: RoomDeps, retry: Retry): Promise<Fault | null> {
  const { id, status, phase, approved } = retry.order
  const isAmended = retry.amended !== undefined
  const isGivenUpFirst = isAmended && phase === 'in_review'
  if (!(approved || isAmended)) return null
  if (!(isGivenUpFirst || ['failed', 'blocked', 'cancelled'].includes(status))) return null
  // What is changed, or asked anew, is a new attempt.
  const isAnew = isAmended || retry.mode === 'fresh'
  const [resting = null] = isAnew ? [] : await resumableOrders(deps.db, [id], { revision: PIPELINE_REVISION })
  const refusal = resting === null ? await ofNewAttempt(deps, retry) : await ofResumed(deps, resting, retry)
  if (refusal?.code !== 'budget_exceeded') return null
  const anew = resting === null ? '' : await anewInstead(deps, retry)
  const again = status === 'blocked' ? 'again ' : ''
  const open = isGivenUpFirst ? 'Its pull request stays open. ' : ''
  // Its last words are the commands that raise the caps.
  const message = `Work order ${id} was not retried, because it would be blocked ${again}at once. ${open}${anew}${refusal.message}`
  return new Fault('budget_exceeded', message, refusal.details)
}

/** Of a call that its attempt was refused, which it makes first when it goes on. */
async function ofResumed({ db }: RoomDeps, resting: SuspendedOrder, { orderCap }: Retry): Promise<Fault | null> {
  const needed = resting.reason.code === 'budget_exceeded' ? neededUsd(resting) : null
  return needed === null ? null : await refusalOf(db, payerOf(resting), needed, orderCap)
}

async function ofNewAttempt(
  { db, firstCallOf }: RoomDeps,
  { order, amended, mode, wanted, orderCap }: Retry,
): Promise<Fault | null> {
  // No model is asked: the commit that is there is published.
  if (mode === 'again' && amended === undefined && (await rejectedPushOf(db, order.id)) !== null) return null
  const content = WorkOrderContent.safeParse({ ...order, ...amended })
  if (!content.success) return null
  const { id, attempts } = order
  const project = amended?.project === undefined ? order.project : amended.project
  const first = await firstCallOf({ id, project, attempts, ...content.data }, { mode, wanted })
  if (first === null) return null
  const { usd, ...call } = first
  // An order that names no project is one of the project that its last attempt was made in.
  const attempt = project === null ? attempts : null
  return await refusalOf(db, { ...call, workOrderId: id, attempt }, usd, orderCap)
}

/** Where that would not be refused as well. */
async function anewInstead(deps: RoomDeps, retry: Retry): Promise<string> {
  const refusal = await ofNewAttempt(deps, { ...retry, mode: 'fresh' })
  return refusal === null ? `A new attempt is begun by \`moose retry ${retry.order.id.slice(0, 8)} --fresh\`. ` : ''
}
