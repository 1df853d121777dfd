import type { RoutingOutcome } from '../db/routing-outcomes.ts'
import type { KindOfChange } from '../work-order/kind-of-change.ts'
import type { Candidate } from './static-rule.ts'

/** How many orders the operator's threshold and price count for, beside those really seen. */
const PRIOR_ORDERS = 4
/** How far above its threshold nothing more is expected of a proposer. */
const PRIOR_FADE = 0.5
/** Before anything was seen nobody is given up and nobody is certain. */
const PRIOR_LEAST = 0.05
const PRIOR_MOST = 0.99
/** Orders of other kinds count for this many at most: with enough of its own kind, an order is judged by those. */
const OTHER_KINDS_AT_MOST = 8
/** How far apart in complexity orders still count when one outcome is known (a standard deviation); see `widthFor`. */
const WIDTH = 0.3

/** What is expected of one proposer for one order. Estimates in plain numbers; the ledger's arithmetic is elsewhere. */
export type Expectation = {
  candidate: Candidate
  /** Its configured threshold covers the order. */
  able: boolean
  /** Probability that an attempt given to it ends in a merged pull request. */
  success: number
  /** Expected to succeed at least as often as the floor asks. */
  aboveFloor: boolean
  /** USD of one attempt with all its tries; null: neither a price nor a past cost is known. */
  costUsd: number | null
  /** USD per merged pull request; null when the cost is. */
  costPerMergeUsd: number | null
  /** How many past orders this rests on, those less similar counting less. */
  similarOrders: number
  /** How many of them were merged. */
  similarMerged: number
}

type Evidence = { orders: number; merged: number; costUsd: number }

/**
 * What outcomes and configuration let expect: a Beta posterior over past orders, each weighted by how near its
 * complexity is, begun from what the operator's threshold says. Outcomes of other kinds of change count little.
 *
 * @param outcomes of this proposer
 * @param floor success asked for, 0 to 1
 */
export function expectationOf(
  { complexity, kind }: { complexity: number; kind: KindOfChange },
  candidate: Candidate,
  outcomes: readonly RoutingOutcome[],
  floor: number,
): Expectation {
  const { orders, merged, costUsd } = weigh({ complexity, kind }, outcomes)
  const success = (PRIOR_ORDERS * priorSuccess(candidate, complexity, floor) + merged) / (PRIOR_ORDERS + orders)
  const cost = expectedCost(candidate, { orders, merged, costUsd })
  return {
    candidate,
    able: candidate.complexityThreshold >= complexity,
    success,
    aboveFloor: success >= floor,
    costUsd: cost,
    costPerMergeUsd: cost === null ? null : cost / success,
    similarOrders: orders,
    similarMerged: merged,
  }
}

/** Parameters of the Beta distribution of a success: what is known about it, and how well. */
export function betaOf({ success, similarOrders }: Pick<Expectation, 'success' | 'similarOrders'>): [number, number] {
  const known = PRIOR_ORDERS + similarOrders
  return [known * success, known * (1 - success)]
}

/**
 * Up to its threshold the operator trusts it: half-way between the floor and certainty. Above, it is below the floor,
 * and ever less.
 */
function priorSuccess({ complexityThreshold }: Candidate, complexity: number, floor: number): number {
  const above = complexity - complexityThreshold
  const prior = above <= 0 ? (1 + floor) / 2 : floor * (1 - above / PRIOR_FADE)
  return Math.min(PRIOR_MOST, Math.max(PRIOR_LEAST, prior))
}

function expectedCost({ expectedCostUsd }: Candidate, { orders, costUsd }: Evidence): number | null {
  if (expectedCostUsd === null) return orders === 0 ? null : costUsd / orders
  return (PRIOR_ORDERS * expectedCostUsd + costUsd) / (PRIOR_ORDERS + orders)
}

function weigh(
  { complexity, kind }: { complexity: number; kind: KindOfChange },
  outcomes: readonly RoutingOutcome[],
): Evidence {
  const width = widthFor(outcomes.length)
  const same: Evidence = { orders: 0, merged: 0, costUsd: 0 }
  const other: Evidence = { orders: 0, merged: 0, costUsd: 0 }
  for (const outcome of outcomes) {
    const distance = (outcome.complexity - complexity) / width
    const weight = Math.exp(-(distance * distance) / 2)
    const evidence = outcome.kind === kind ? same : other
    evidence.orders += weight
    if (outcome.merged) evidence.merged += weight
    evidence.costUsd += weight * outcome.costUsd
  }
  const share = Math.min(1, OTHER_KINDS_AT_MOST / Math.max(other.orders, OTHER_KINDS_AT_MOST))
  return {
    orders: same.orders + share * other.orders,
    merged: same.merged + share * other.merged,
    costUsd: same.costUsd + share * other.costUsd,
  }
}

/** The more is known, the nearer an order must be to count: the usual n^(-1/5) of kernel estimates. */
function widthFor(outcomes: number): number {
  return WIDTH * Math.max(1, outcomes) ** -0.2
}
