import type { RoutingOutcome } from '../../../src/db/outcome-vectors.ts'
import { chooseByOutcomes, type LearnedPolicySettings } from '../../../src/manager/learned/learned-policy.ts'
import {
  asKnown,
  type MarginalMergeCost,
  marginalMergeCost,
  stepAt,
  stepsOf,
} from '../../../src/manager/learned/marginal-merge-cost.ts'
import { chooseProposer } from '../../../src/manager/static-rule.ts'
import type { SimulatedOrder, World } from './world.ts'

export type PolicyName = 'static rule' | 'learned' | 'learned, floor stated' | 'oracle'

export type Policy = {
  name: PolicyName
  /** @param known outcomes that can be known by now, newest first */
  choose(order: SimulatedOrder, known: readonly RoutingOutcome[]): string
}

export function staticPolicy({ candidates }: World): Policy {
  const choose = ({ complexity }: SimulatedOrder) => chooseProposer({ complexity, hardStops: [] }, candidates)
  return { name: 'static rule', choose: (order) => choose(order).chosen.name }
}

/** The learned policy, with the static rule while it is off. */
export function learnedPolicy(world: World, name: PolicyName, settings: LearnedPolicySettings): Policy {
  const rule = staticPolicy(world)
  return {
    name,
    choose: (order, known) => {
      const learned = chooseByOutcomes({ ...order, hardStops: [] }, world.candidates, known, settings)
      return learned === null ? rule.choose(order, known) : learned.chosen.name
    },
  }
}

/**
 * Knows all orders beforehand, and the true success and cost of everybody, though not how an order turns out. It seeks
 * what the learned policy seeks: the least cost per merged pull request with as many merged as by the static rule.
 */
export function oraclePolicy(
  world: World,
  orders: readonly SimulatedOrder[],
): {
  policy: Policy
  worth: MarginalMergeCost
  ruleShare: number
} {
  const rule = staticPolicy(world)
  const byComplexity = Map.groupBy(orders, ({ complexity }) => complexity)
  const steps = new Map([...byComplexity.keys()].map((complexity) => [complexity, trueSteps(world, complexity)]))
  const tally = [...byComplexity].map(([complexity, { length }]) => ({
    times: length,
    steps: steps.get(complexity) ?? [],
  }))
  const ofRule = orders.map((order) => world.truth(order.complexity, rule.choose(order, [])).success)
  const ruleShare = ofRule.reduce((sum, success) => sum + success, 0) / orders.length
  const worth = marginalMergeCost(tally, ruleShare)
  const choose = ({ complexity }: SimulatedOrder) => {
    const step = stepAt(steps.get(complexity) ?? [], worth.usd)
    if (step === undefined) throw new Error('A world has at least one candidate.')
    return step.expectation.candidate.name
  }
  return { policy: { name: 'oracle', choose }, worth, ruleShare }
}

function trueSteps({ candidates, truth }: World, complexity: number) {
  return stepsOf(
    candidates.map((candidate) => {
      const { success, costUsd } = truth(complexity, candidate.name)
      const seen = { able: true, similarOrders: 0, similarMerged: 0 }
      return asKnown({ candidate, success, costUsd, costPerMergeUsd: costUsd / success, ...seen })
    }),
  )
}
