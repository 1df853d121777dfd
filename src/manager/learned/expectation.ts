import type { Candidate } from '../static-rule.ts'
import { type Context, type Evidence, NO_OUTCOMES, type OutcomeSummary } from './outcome-summary.ts'

/** How many orders the operator's threshold and price count for, beside those really seen. */
const PRIOR_ORDERS = 4
/** Success expected of a proposer for what its threshold says it can be trusted with, as long as nothing was seen. */
const PRIOR_TRUSTED = 0.8
/** How far above its threshold nothing more is expected of it, but for a little, so that no proposer is given up unseen. */
const PRIOR_FADE = 0.5
const PRIOR_LEAST = 0.05
/** Orders of other kinds count for this many at most: with enough of its own kind, an order is judged by those. */
const OTHER_KINDS_AT_MOST = 8
/** How far apart in complexity orders still count when one outcome is known (a standard deviation); see `widthFor`. */
const WIDTH = 0.3
/** So many standard deviations away nothing counts; it would be less than a thousandth. */
const FAR = 4

/** What is expected of one proposer for one order. Estimates in plain numbers; the ledger's arithmetic is elsewhere. */
export type Expectation = {
  candidate: Candidate
  /** Its configured threshold covers the order. */
  able: boolean
  /** Probability that an attempt given to it ends in a merged pull request, above 0. */
  success: number
  /** USD of one attempt with all its tries; null: neither a price nor a past cost is known. */
  costUsd: number | null
  /** USD per merged pull request; null when the cost is. */
  costPerMergeUsd: number | null
  /** How many past orders this rests on, those less similar counting less. */
  similarOrders: number
  /** How many of them were merged. */
  similarMerged: number
}

/**
 * What outcomes and configuration let expect: a Beta posterior over past orders, each weighted by how near its
 * complexity is, begun from what the operator's threshold says. Outcomes of other kinds of change count little.
 */
function expectationOf(context: Context, candidate: Candidate, past: OutcomeSummary): Expectation {
  const evidence = weigh(context, past)
  const { orders, merged } = evidence
  const success = (PRIOR_ORDERS * priorSuccess(candidate, context.complexity) + merged) / (PRIOR_ORDERS + orders)
  const costUsd = expectedCost(candidate, evidence)
  return {
    candidate,
    able: candidate.complexityThreshold >= context.complexity,
    success,
    costUsd,
    costPerMergeUsd: costUsd === null ? null : costUsd / success,
    similarOrders: orders,
    similarMerged: merged,
  }
}

/** Of every candidate; cheapest per merged pull request first, those of unknown cost last. */
export function expectAll(
  context: Context,
  candidates: readonly Candidate[],
  past: ReadonlyMap<string, OutcomeSummary>,
): Expectation[] {
  return candidates
    .map((candidate) => {
      const own = past.get(candidate.name)
      return expectationOf(context, candidate, own === undefined ? NO_OUTCOMES : own)
    })
    .sort((left, right) => rank(left) - rank(right) || (left.candidate.name < right.candidate.name ? -1 : 1))
}

/** Not infinite: the difference of two unknown costs must be 0. */
function rank({ costPerMergeUsd }: Expectation): number {
  return costPerMergeUsd === null ? Number.MAX_VALUE : costPerMergeUsd
}

/** Parameters of the Beta distribution of a success: what is known about it, and how well. */
export function betaOf({ success, similarOrders }: Pick<Expectation, 'success' | 'similarOrders'>): [number, number] {
  const known = PRIOR_ORDERS + similarOrders
  return [known * success, known * (1 - success)]
}

function priorSuccess({ complexityThreshold }: Candidate, complexity: number): number {
  const above = Math.max(0, complexity - complexityThreshold)
  return Math.max(PRIOR_LEAST, PRIOR_TRUSTED * (1 - above / PRIOR_FADE))
}

function expectedCost({ expectedCostUsd }: Candidate, { orders, costUsd }: Evidence): number | null {
  if (expectedCostUsd === null) return orders === 0 ? null : costUsd / orders
  return (PRIOR_ORDERS * expectedCostUsd + costUsd) / (PRIOR_ORDERS + orders)
}

function weigh({ complexity, kind }: Context, past: OutcomeSummary): Evidence {
  const width = widthFor(past.orders)
  const same: Evidence = { orders: 0, merged: 0, costUsd: 0 }
  const other: Evidence = { orders: 0, merged: 0, costUsd: 0 }
  for (const [known, byKind] of past.byComplexity) {
    const distance = (known - complexity) / width
    if (Math.abs(distance) > FAR) continue
    const weight = Math.exp(-(distance * distance) / 2)
    for (const [ofKind, evidence] of byKind) {
      const sum = ofKind === kind ? same : other
      sum.orders += weight * evidence.orders
      sum.merged += weight * evidence.merged
      sum.costUsd += weight * evidence.costUsd
    }
  }
  const share = OTHER_KINDS_AT_MOST / Math.max(other.orders, OTHER_KINDS_AT_MOST)
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
