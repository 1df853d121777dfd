import type { Kysely } from 'kysely'
import { hardCapOf } from '../budget/caps.ts'
import { type Ceiling, leftBelow } from '../budget/ceilings.ts'
import { ceilingsOfOrders } from '../budget/headroom.ts'
import { largestReservations } from '../db/budget-entries/reservations.ts'
import { wantedProposer } from '../db/escalations/order-escalations.ts'
import type { Database } from '../db/schema.ts'
import { pausedAmong, readPausing } from '../db/work-orders/failure-rows.ts'
import { Usd } from '../money.ts'
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
  const proposer = wanted === null ? asking.maker : wanted
  const paused = pausedAmong(pausing, { project, proposer })
  if (paused !== null) return { for: paused.by, because: paused.fault.message }
  const largest = (await largestReservations(db, workOrderId)).get(proposer)
  const ceilings = (await ceilingsOfOrders(db, [workOrderId])).get(workOrderId)
  return largest === undefined || ceilings === undefined ? null : waitsForRoom(ceilings, new Usd(largest))
}

/**
 * The caps of a day or a month that have no room for a call now, and have it once that is over; null: none is in its way, or one has no room
 * for it at any time. As where the cap of the order itself has none, the reaction is begun then, refused, and decided about.
 *
 * @param usd the most that a call for the order to its proposer has reserved so far
 */
export function waitsForRoom(ceilings: readonly Ceiling[], usd: Usd): Waits | null {
  const full = ceilings.filter((ceiling) => leftBelow(ceiling).lessThan(usd))
  const [first] = full
  const isHopeless = ({ scope, cap }: Ceiling) => scope === 'order' || cap.lessThan(usd)
  if (first === undefined || full.some(isHopeless)) return null
  const { scope, of } = first
  // Without amounts: another call would change them, and each change of the sentence is told.
  const caps = full.map((one) => hardCapOf(one.scope).label(one.of)).join(', and the one ')
  const because = `The cap ${caps} has no room for a call. It begins by itself once it has; a higher one is set by: moose budget cap`
  return { for: { kind: 'cap', name: hardCapOf(scope).argument(of) }, because }
}
