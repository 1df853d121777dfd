import type { RoutingOutcome } from '../../../src/db/outcome-vectors.ts'
import { seededChance } from '../../../src/manager/learned/seeded-chance.ts'
import type { Policy } from './policies.ts'
import type { SimulatedOrder, World } from './world.ts'

/** How many orders later the end of one is known: a failure when it ends, a merge when a human has looked. */
const FAILURE_KNOWN_AFTER = 3
const MERGE_KNOWN_AFTER = { least: 5, most: 60 } as const
/** As many outcomes as the Manager remembers. */
const REMEMBERED = 5_000

/** One policy over all orders. */
export type Run = {
  policy: Policy['name']
  orders: number
  merged: number
  costUsd: number
  /** What the choices up to and with each order were worth on average, luck left out. */
  expectedMergedAt: number[]
  expectedCostAt: number[]
  /** Orders begun by each proposer. */
  chosen: Record<string, number>
  seconds: number
}

/** Carries out the same orders with a policy that learns of each end when it can. */
export function simulate(world: World, policy: Policy, all: readonly SimulatedOrder[], seed: number): Run {
  const began = performance.now()
  const waiting = new Map<number, RoutingOutcome[]>()
  let known: RoutingOutcome[] = []
  const run: Run = {
    policy: policy.name,
    orders: all.length,
    merged: 0,
    costUsd: 0,
    expectedMergedAt: [],
    expectedCostAt: [],
    chosen: {},
    seconds: 0,
  }
  const expected = { merged: 0, costUsd: 0 }
  for (const [index, order] of all.entries()) {
    known = [...(waiting.get(index) ?? []), ...known].slice(0, REMEMBERED)
    waiting.delete(index)
    const proposer = policy.choose(order, known)
    const { merged, costUsd } = world.attempt(order, proposer)
    const { complexity, kind } = order
    const due = index + knownAfter(merged, index, seed)
    const outcome = { proposer, complexity, kind, merged, costUsd, durationMs: 0 }
    waiting.set(due, [...(waiting.get(due) ?? []), outcome])
    const truth = world.truth(complexity, proposer)
    expected.merged += truth.success
    expected.costUsd += truth.costUsd
    run.merged += Number(merged)
    run.costUsd += costUsd
    run.chosen[proposer] = (run.chosen[proposer] ?? 0) + 1
    run.expectedMergedAt.push(expected.merged)
    run.expectedCostAt.push(expected.costUsd)
  }
  run.seconds = (performance.now() - began) / 1000
  return run
}

function knownAfter(merged: boolean, index: number, seed: number): number {
  if (!merged) return FAILURE_KNOWN_AFTER
  const { least, most } = MERGE_KNOWN_AFTER
  return least + Math.floor(seededChance(seed, 'merge', index)() * (most - least + 1))
}

/**
 * Cumulative regret in USD after each order: what the choices cost beyond the oracle's, and for each merge they are
 * short of what a further merge is worth to the oracle. Of expectations, so that luck does not count; never falling.
 */
export function regretAt(run: Run, oracle: Run, worthUsd: number): number[] {
  return run.expectedCostAt.map((costUsd, index) => {
    const excess = costUsd - (oracle.expectedCostAt[index] ?? 0)
    const missing = (oracle.expectedMergedAt[index] ?? 0) - (run.expectedMergedAt[index] ?? 0)
    return excess + worthUsd * missing
  })
}
