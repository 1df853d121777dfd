import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { findVerifiable, type Verifiable } from '../attempt/verify-only/what-to-verify.ts'
import { whatIsVerified } from '../contract/evidence/step-summary.ts'
import type { Retried, RetryMode } from '../contract/why/retry.ts'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { lastFailureBefore } from '../db/attempts/attempts.ts'
import { type LastAttempt, lastAttemptOf, rejectedPushOf } from '../db/attempts/last-attempt.ts'
import { openEscalation } from '../db/escalations/order-escalations.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder, moveWorkOrder, wrongStatus } from '../db/work-orders/work-orders.ts'
import { codesOf, isOf } from '../faults/families.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { assertNotHeldBack } from './settle-dependents.ts'

/** With the database as who acts writes to it. */
type Retrying = { db: Kysely<Database>; pool: Pool; workspaces: Pick<Workspaces, 'keptCommit'> }

type NewOrAgain = Exclude<RetryMode, 'verify_only'>

/**
 * Makes an ended or blocked order pending; its approval stays. A suspended attempt is resumed unless models are asked anew, a
 * cancelled one is not. A commit whose checks had passed and whose push was rejected is verified and published.
 *
 * @returns what that does
 * @throws {Fault} `work_order_not_found`, `work_order_conflict`, `dependency_unmet`
 */
export async function retryOrder(deps: Retrying, idOrPrefix: string, mode: NewOrAgain): Promise<Retried> {
  const { db } = deps
  const order = await findWorkOrder(db, idOrPrefix)
  await assertNotHeldBack(db, order)
  // As it stands before the order moves: from then on the attempt that rests may run.
  const { retried, verifies } = await foreseeRetry(deps, order, mode)
  const move = { from: ['failed', 'blocked', 'cancelled'], to: 'pending', reason: null, verifies, retry: mode } as const
  const because =
    mode === 'fresh'
      ? 'models are asked anew'
      : verifies === null
        ? null
        : verifiesAgain({ attempt: verifies, branch: null })
  if (!(await moveWorkOrder(db, order.id, { ...move, ...(because === null ? {} : { because }) })))
    throw notRetried(await findWorkOrder(db, order.id), mode, (await openEscalation(db, order.id)) !== null)
  return retried
}

/**
 * What a retry would do, as the order stands. `verifies` is the attempt whose commit is verified and published without a model; null: a new one
 * is made, or the last one goes on. `said` is without what becomes of recordings.
 */
type Foreseen = { retried: Retried; said: string; verifies: number | null; takesAnswers: boolean }

export async function foreseeRetry(
  deps: Retrying,
  { id, attempts, approved }: WorkOrderView,
  mode: NewOrAgain,
): Promise<Foreseen> {
  const { db } = deps
  const verifies = mode === 'again' ? await unpublishedCommit(deps, id) : null
  if (verifies !== null) {
    const said = publishedAgain(id, verifies)
    return { retried: { mode, sentence: said, told_of: null, replays: false }, said, verifies, takesAnswers: false }
  }
  const last = await lastAttemptOf(db, id)
  const isTold = mode === 'again' && last?.goesOn !== true
  const next = { workOrderId: id, attempt: attempts + 1 }
  const failure = isTold ? await lastFailureBefore(db, next, codesOf('model_work')) : null
  const toldOf = failure === null ? null : failure.error.code
  const replays = last !== null && last.isReplayed
  const said = whatRetryDoes({ mode, last, toldOf, approved })
  const retried = { mode, sentence: replays ? `${said} ${REPLAYS}` : said, told_of: toldOf, replays }
  return { retried, said, verifies, takesAnswers: isTold && last !== null && takesAnswers(last) }
}

/**
 * A pending one waits for its approval, or to be carried out.
 *
 * @param isToDecide whether a human has to decide about it, as of an open pull request of which Moose does no more
 */
export function notRetried(
  order: Pick<WorkOrderView, 'id' | 'status' | 'phase' | 'approved'>,
  mode: RetryMode,
  isToDecide = false,
): Fault {
  const { id, status, phase, approved } = order
  const short = id.slice(0, 8)
  if (status !== 'pending' && isToDecide) {
    const stands = phase === null ? status : `${status}/${phase}`
    const message = `Work order ${id} is ${stands} and cannot be retried. Decide about it with: moose decide ${short}`
    return new Fault('work_order_conflict', message, { id, status })
  }
  if (status !== 'pending') return wrongStatus(order, 'retried')
  const option = mode === 'fresh' ? ' --fresh' : ''
  const next = approved
    ? `It waits to be carried out already; to have that done otherwise, cancel it first: moose cancel ${short}   then: moose retry ${short}${option}`
    : `It waits for approval: moose approve ${short}`
  return new Fault('work_order_conflict', `Work order ${id} is pending and cannot be retried. ${next}`, { id, status })
}

/** The attempt whose commit is there and was only not pushed; null: there is none, or it is not kept in this home. */
async function unpublishedCommit({ db, pool, workspaces }: Retrying, id: string): Promise<number | null> {
  const maker = await rejectedPushOf(db, id)
  if (maker === null) return null
  try {
    const found = await findVerifiable(db, { keptCommit: workspaces.keptCommit, pool }, id)
    return found.attempt === maker ? maker : null
  } catch (error) {
    if (toFault(error).code === 'work_order_conflict') return null
    throw error
  }
}

export const verifiesAgain = ({ attempt, branch }: Omit<Verifiable, 'proposer'>) =>
  `${whatIsVerified(attempt, branch)} is verified again`

function publishedAgain(id: string, attempt: number): string {
  return (
    `No model is called: its checks had passed, and only the push was rejected. They are run again on the commit of attempt ` +
    `${attempt}; if they pass, it is published. For another change: moose retry ${id.slice(0, 8)} --fresh`
  )
}

const ANEW = 'The model is asked anew: it is told of no earlier failure, and no earlier answer is taken.'
const REPLAYS =
  'Its last answers were recordings, which can only be replayed: the same ones come again. Another answer takes a proposer ' +
  'that calls a model: moose proposer add'

/** How what a retry does begins, of an order that waits for its approval. */
export const ONCE_APPROVED = 'Once it is approved: '

/** Of an order that waits for its approval, what it does from then on. */
export function whatRetryDoes({ mode, last, toldOf, approved }: Retry): string {
  const said = mode === 'fresh' ? ANEW : again(last, toldOf)
  return approved ? said : `${ONCE_APPROVED}${said.charAt(0).toLowerCase()}${said.slice(1)}`
}

type Retry = { mode: RetryMode; last: LastAttempt | null; toldOf: string | null; approved: boolean }

function again(last: LastAttempt | null, toldOf: string | null): string {
  if (last === null) return 'Its first attempt begins.'
  const { code, checkFailed } = last
  const ifRoom = ', if its cap has room for the next call; else it is blocked again, and moose why says what is missing'
  if (last.goesOn) return `Its attempt goes on where it rests (${code})${code === 'budget_exceeded' ? ifRoom : ''}.`
  const endedOtherwise = isNotToBlame(last)
  const told = toldOf === null ? '' : `, told of the last failure (${toldOf})`
  if (endedOtherwise && checkFailed !== null)
    return `The model is asked again${told}: its answer had failed (${checkFailed}) before the attempt ended (${code}).`
  if (takesAnswers(last))
    return `A new attempt begins and takes the answers that are there again, unpaid: none of them was to blame (${code}).`
  if (toldOf !== null) return `The model is asked again${told}.`
  if (code === null) return 'The model is asked again.'
  if (last.answers === 0) return `A new attempt begins: no model had answered when the last one ended (${code}).`
  return `The model is asked again; it is not told of the last failure (${code}).`
}

/** No answer of its models is to blame for how an attempt ended. */
function isNotToBlame({ code, answers, isOfOther }: LastAttempt): boolean {
  return code !== null && isOf('keeps_answers', code) && answers > 0 && !isOfOther
}

/** The next attempt takes its answers again. */
function takesAnswers(last: LastAttempt): boolean {
  return isNotToBlame(last) && last.checkFailed === null
}
