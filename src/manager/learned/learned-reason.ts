import type { Expectation } from './expectation.ts'
import type { MarginalMergeCost, Step } from './marginal-merge-cost.ts'

export type LearnedStrategy =
  | 'hard_stop_override'
  /** A merged pull request costs the least so, with the floor kept. */
  | 'learned_cheapest_per_merge'
  /** The floor cannot be reached: the one that succeeds most. */
  | 'learned_most_successful'
  /** Not the best by what is known; chosen to learn. */
  | 'learned_exploration'

type ExplainedChoice = {
  strategy: LearnedStrategy
  chosen: Expectation
  /** By what is known; the chosen one, unless it is an exploration. */
  best: Expectation
  /** Those that were worth considering, from the cheapest on. */
  steps: readonly Step[]
  hardStops: readonly string[]
  floor: number
  worth: MarginalMergeCost
}

/** Why the learned policy chose, in full sentences for a human. */
export function learnedReason(choice: ExplainedChoice): string {
  const { hardStops, chosen, best } = choice
  const verdict = chosen === best ? alternativeSentence(choice) : explorationSentence(best)
  return [hardStopSentence(hardStops), evidenceSentence(chosen), verdict, floorSentence(choice)]
    .filter((part) => part !== '')
    .join(' ')
}

function hardStopSentence(hardStops: readonly string[]): string {
  if (hardStops.length === 0) return ''
  const words = hardStops.map((word) => `"${word}"`).join(', ')
  return `The order speaks of ${words}, so only the most able proposers may do it.`
}

function evidenceSentence({ candidate: { name }, similarOrders, similarMerged, ...expected }: Expectation): string {
  const cost = costClause(expected)
  const orders = Math.round(similarOrders)
  if (orders === 0) {
    return `Nothing similar has been done with ${name} yet; as it is configured ${percent(expected.success)} should be merged, ${cost}.`
  }
  const noun = orders === 1 ? 'order' : 'orders'
  const merged = Math.round(similarMerged)
  return `Of about ${orders} similar ${noun} ${merged} ${merged === 1 ? 'was' : 'were'} merged with ${name}, ${cost}.`
}

function costClause({ costUsd, costPerMergeUsd }: Pick<Expectation, 'costUsd' | 'costPerMergeUsd'>): string {
  if (costUsd === null || costPerMergeUsd === null) return 'at an unknown price'
  return `at about ${usd(costUsd)} an attempt and ${usd(costPerMergeUsd)} per merged pull request`
}

function alternativeSentence({ chosen, steps, worth }: ExplainedChoice): string {
  const next = steps[steps.findIndex(({ expectation }) => expectation === chosen) + 1]
  if (next === undefined) return 'No other proposer that may be used is expected to succeed more often.'
  const { expectation, perFurtherMergeUsd } = next
  const { name } = expectation.candidate
  return `${name} would succeed more often (${percent(expectation.success)}), but at ${usd(perFurtherMergeUsd)} for each further merge; up to ${usd(worth.usd)} is paid for one.`
}

function explorationSentence({ candidate: { name } }: Expectation): string {
  return `It is tried to learn more about it; by what is known it would be ${name}.`
}

function floorSentence({ strategy, floor, worth }: ExplainedChoice): string {
  const share = `${percent(worth.share)} of all orders should be merged`
  if (strategy !== 'learned_most_successful') return `So ${share}; the floor is ${percent(floor)}.`
  return `Even so only ${share}, below the floor of ${percent(floor)}: split orders or add a more able proposer.`
}

function usd(amount: number): string {
  return `$${amount.toFixed(4)}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
