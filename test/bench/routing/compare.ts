import { learnedPolicy, oraclePolicy, type PolicyName, staticPolicy } from './policies.ts'
import type { Scenario } from './scenarios.ts'
import { type Run, regretAt, simulate } from './simulate.ts'
import { createWorld } from './world.ts'

/** What an operator asks for who has seen what the static rule reaches: as much, and not to fall short by bad luck. */
const POINTS_TO_SPARE = 1

/** One policy over the worlds of all seeds; sums are pooled. */
export type PolicyResult = {
  policy: PolicyName
  costPerMergeUsd: number
  successShare: number
  /** Share saved of the static rule's cost per merged pull request: pooled, and in each world. */
  saving: number
  savings: number[]
  /** What it has more of the orders merged than the static rule, in each world. */
  gains: number[]
  /** After all orders, mean of the worlds. */
  regretUsd: number
  /** Of each order, mean of the worlds: regret, and expected cost per merged pull request so far. */
  regretAt: number[]
  costPerMergeAt: number[]
  /** Orders begun by each proposer. */
  chosen: Record<string, number>
  seconds: number
}

export type Comparison = { scenario: string; orders: number; seeds: number[]; results: PolicyResult[] }

/** The same orders by each policy, in one world per seed. */
export function compare(scenario: Scenario, orders: number, seeds: number[]): Comparison {
  const worlds = seeds.map((seed) => runWorld(scenario, orders, seed))
  const rules = worlds.map(({ runs }) => at(runs, 0))
  const results = at(worlds, 0).runs.map((_, index) => pool(worlds, index, rules))
  return { scenario: scenario.name, orders, seeds, results }
}

type WorldRuns = { runs: Run[]; oracle: Run; worthUsd: number }

/** The static rule first. */
function runWorld({ models, thresholds, assumptions, settings }: Scenario, orders: number, seed: number): WorldRuns {
  const world = createWorld(models, thresholds, assumptions, seed)
  const all = Array.from({ length: orders }, (_, index) => world.order(index))
  const { policy: oracle, worth, ruleShare } = oraclePolicy(world, all)
  const stated = Math.ceil(100 * ruleShare + POINTS_TO_SPARE) / 100
  const policies = [
    staticPolicy(world),
    learnedPolicy(world, 'learned', { ...settings, seed }),
    learnedPolicy(world, 'learned, floor stated', { ...settings, successFloor: stated, seed }),
    oracle,
  ]
  const runs = policies.map((policy) => simulate(world, policy, all, seed))
  return { runs, oracle: at(runs, runs.length - 1), worthUsd: worth.usd }
}

function pool(worlds: readonly WorldRuns[], index: number, rules: readonly Run[]): PolicyResult {
  const runs = worlds.map((world) => at(world.runs, index))
  const regrets = worlds.map(({ oracle, worthUsd }, world) => regretAt(at(runs, world), oracle, worthUsd))
  const { policy, expectedCostAt } = at(runs, 0)
  const regret = expectedCostAt.map((_, order) => sum(regrets.map((one) => at(one, order))) / regrets.length)
  const perMergeAt = (order: number) =>
    sum(runs.map((run) => at(run.expectedCostAt, order))) / sum(runs.map((run) => at(run.expectedMergedAt, order)))
  return {
    policy,
    costPerMergeUsd: costPerMerge(runs),
    successShare: sum(runs.map(({ merged }) => merged)) / sum(runs.map(({ orders }) => orders)),
    saving: 1 - costPerMerge(runs) / costPerMerge(rules),
    savings: runs.map((run, world) => 1 - costPerMerge([run]) / costPerMerge([at(rules, world)])),
    gains: runs.map((run, world) => (run.merged - at(rules, world).merged) / run.orders),
    regretUsd: at(regret, regret.length - 1),
    regretAt: regret,
    costPerMergeAt: expectedCostAt.map((_, order) => perMergeAt(order)),
    chosen: addUp(runs.map((run) => run.chosen)),
    seconds: sum(runs.map(({ seconds }) => seconds)),
  }
}

function addUp(counts: readonly Record<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const [name, count] of counts.flatMap((one) => Object.entries(one))) total[name] = (total[name] ?? 0) + count
  return total
}

function costPerMerge(runs: readonly Run[]): number {
  return sum(runs.map(({ costUsd }) => costUsd)) / sum(runs.map(({ merged }) => merged))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`The bench has nothing at ${index}.`)
  return found
}
