import type { Kysely } from 'kysely'
import { hardCapOf } from '../budget/caps.ts'
import { leftBelow, raiseCommand } from '../budget/ceilings.ts'
import { ceilingsOfOrders } from '../budget/headroom.ts'
import { largestReservations } from '../db/budget-entries/reservations.ts'
import { wantedProposer } from '../db/escalations/order-escalations.ts'
import type { Database } from '../db/schema.ts'
import { pausedAmong, readPausing } from '../db/work-orders/failure-rows.ts'
import { NO_USD, shownUsd, Usd } from '../money.ts'
import type { WatchedPullRequest } from '../ports/pull-request.ts'
import type { Decision, Reaction, Waited } from './decide.ts'

type Db = Kysely<Database>

/** What keeps a model from being asked now, and for how long that is so, in sentences. */
export type Waits = { for: Waited; because: string }

/** What is not made now, with what it is about. */
export function waiting(
  { reaction }: { reaction: Reaction },
  said: { why: string; waitsFor?: Waited },
): Decision & { reaction: null } {
  return { reaction: null, isExhausted: false, refused: reaction, ...said }
}

type Asking = {
  /** The proposer that made the change. */
  maker: string
  /** How many orders in a row that fail alike pause their project or proposer, as of now; 0: none. */
  pauseAfter: () => Promise<number>
}

/**
 * What keeps the model of a reaction from being asked and ends without a decision about this order, so that the order does not leave its
 * review only to wait; null: nothing.
 *
 * @throws {Fault} `config_invalid` for limits that cannot be read
 */
export async function whatWaits(
  db: Db,
  { project, workOrderId }: WatchedPullRequest,
  asking: Asking,
): Promise<Waits | null> {
  const pausing = await readPausing(db, await asking.pauseAfter())
  const wanted = await wantedProposer(db, workOrderId)
  const paused = pausedAmong(pausing, { project, proposer: wanted === null ? asking.maker : wanted })
  if (paused !== null) return { for: paused.by, because: paused.fault.message }
  return await whichCap(db, workOrderId)
}

/**
 * The cap of a day or a month that has no room for as much as a call for this order has reserved so far; null: there is none. One of the
 * order itself has no more room later, so the reaction is begun, refused, and decided about.
 */
async function whichCap(db: Db, workOrderId: string): Promise<Waits | null> {
  const reserved = [...(await largestReservations(db, workOrderId)).values()].map((usd) => new Usd(usd))
  const largest = Usd.max(NO_USD, ...reserved)
  const ceilings = (await ceilingsOfOrders(db, [workOrderId])).get(workOrderId)
  const full = ceilings?.find((ceiling) => ceiling.scope !== 'order' && leftBelow(ceiling).lessThan(largest))
  if (full === undefined) return null
  const { scope, of, cap } = full
  const left = leftBelow(full)
  const because =
    `A call for this order has reserved up to ${shownUsd(largest)}, and the cap ${hardCapOf(scope).label(of)}, ${shownUsd(cap)}, has ` +
    `${shownUsd(left.isNegative() ? NO_USD : left)} left. It begins by itself when there is room; to raise the cap: ${raiseCommand(full, largest)}`
  return { for: { kind: 'cap', name: scope }, because }
}
