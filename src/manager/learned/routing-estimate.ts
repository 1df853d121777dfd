import type { RoutingOutcome } from '../../db/outcome-vectors.ts'
import { type Candidate, chooseProposer } from '../static-rule.ts'
import { expectAll } from './expectation.ts'
import { asKnown, type MarginalMergeCost, marginalMergeCost, type Step, stepsOf } from './marginal-merge-cost.ts'
import type { Context, OutcomeSummary } from './outcome-summary.ts'

/** So many of the latest orders show which orders come, and whether the floor is kept. */
const RECENT_ORDERS = 500

export type RoutingEstimate = {
  /** Share of all orders that must be merged. */
  floor: number
  worth: MarginalMergeCost
  /** Share of the cost per merged pull request that is saved against the static rule; below 0 it costs more. */
  saving: number
  /** The static rule is expected to keep the floor. */
  ruleKeepsFloor: boolean
}

type OneOrMore = readonly [Candidate, ...Candidate[]]
type Past = ReadonlyMap<string, OutcomeSummary>

/**
 * What a further merge may cost if orders such as the latest ones go on coming, beside what the static rule would do
 * with them.
 *
 * @param outcomes newest first
 * @param successFloor null: what the static rule would reach
 */
export function estimateRouting(
  order: Context,
  candidates: OneOrMore,
  { outcomes, past }: { outcomes: readonly RoutingOutcome[]; past: Past },
  successFloor: number | null,
): RoutingEstimate {
  const recent = outcomes.slice(0, RECENT_ORDERS)
  const { orders, rule } = tally([order, ...recent], candidates, past)
  const floor = successFloor === null ? rule.share : successFloor
  const worth = marginalMergeCost(orders, floor + shortfall(recent, floor))
  const saving = rule.costPerMergeUsd === 0 ? 0 : 1 - worth.costPerMergeUsd / rule.costPerMergeUsd
  return { floor, worth, saving, ruleKeepsFloor: rule.share >= floor }
}

/** What recent orders were short of the floor, the next ones make up for: trying costs merges. */
function shortfall(recent: readonly RoutingOutcome[], floor: number): number {
  if (recent.length === 0) return 0
  return Math.max(0, floor - recent.filter(({ merged }) => merged).length / recent.length)
}

/** Who is worth considering for each of these orders, how often such an order comes, and what the static rule reaches. */
function tally(contexts: readonly Context[], candidates: OneOrMore, past: Past) {
  const orders: { steps: Step[]; times: number }[] = []
  const rule = { merged: 0, costUsd: 0 }
  for (const group of Map.groupBy(contexts, ({ complexity, kind }) => `${complexity} ${kind}`).values()) {
    const [context] = group
    if (context === undefined) continue
    const expectations = expectAll(context, candidates, past)
    const { chosen } = chooseProposer({ complexity: context.complexity, hardStops: [] }, candidates)
    const ofRule = expectations.find(({ candidate }) => candidate === chosen)
    if (ofRule !== undefined) {
      rule.merged += group.length * ofRule.success
      // An unknown cost is not lower than a known one.
      rule.costUsd += ofRule.costUsd === null ? Number.POSITIVE_INFINITY : group.length * ofRule.costUsd
    }
    orders.push({ times: group.length, steps: stepsOf(expectations.map(asKnown)) })
  }
  return { orders, rule: { share: rule.merged / contexts.length, costPerMergeUsd: rule.costUsd / rule.merged } }
}
