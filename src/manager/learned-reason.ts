import type { Expectation } from './expectation.ts'

export type LearnedStrategy =
  | 'hard_stop_override'
  /** The cheapest per merged pull request above the floor. */
  | 'learned_cheapest_per_merge'
  /** Nobody reaches the floor: the one that succeeds most. */
  | 'learned_most_successful'
  /** Not the best by what is known; chosen to learn. */
  | 'learned_exploration'

type Explained = {
  strategy: LearnedStrategy
  chosen: Expectation
  /** By what is known; the chosen one, unless it is an exploration. */
  best: Expectation
  /** Those that could be chosen. */
  allowed: readonly Expectation[]
  hardStops: readonly string[]
  floor: number
}

/** Why the learned policy chose, in full sentences for a human. */
export function learnedReason(choice: Explained): string {
  const parts = [hardStopSentence(choice), evidenceSentence(choice.chosen), verdictSentence(choice)]
  return parts.filter((part) => part !== '').join(' ')
}

function hardStopSentence({ hardStops }: Explained): string {
  if (hardStops.length === 0) return ''
  const words = hardStops.map((word) => `"${word}"`).join(', ')
  return `The order speaks of ${words}, so only the most able proposers may do it.`
}

function evidenceSentence({
  candidate: { name },
  similarOrders,
  similarMerged,
  success,
  costUsd,
}: Expectation): string {
  const cost = costUsd === null ? 'at an unknown price' : `at about ${usd(costUsd)} an attempt`
  const orders = Math.round(similarOrders)
  if (orders === 0) {
    return `Nothing similar has been done with ${name} yet; as it is configured ${percent(success)} of such orders should be merged, ${cost}.`
  }
  const merged = `${Math.round(similarMerged)} ${orders === 1 ? 'was' : 'were'} merged`
  return `Of about ${orders} similar ${orders === 1 ? 'order' : 'orders'} ${merged} with ${name}, ${cost}.`
}

function verdictSentence({ chosen, best, allowed, floor }: Explained): string {
  const above = allowed.filter(({ aboveFloor }) => aboveFloor).length
  const { name } = chosen.candidate
  if (chosen !== best) {
    return `It is tried to learn more about it; by what is known ${best.candidate.name} would be chosen${perMerge(best)}.`
  }
  if (above === 0) {
    return `No proposer is expected to reach the floor of ${percent(floor)}; ${name} comes closest with ${percent(chosen.success)}. Split the order if the result is poor.`
  }
  const rank = above === 1 ? 'the only one' : `the cheapest of ${above}`
  return `With ${percent(chosen.success)} success expected${perMerge(chosen)}, it is ${rank} above the floor of ${percent(floor)}.`
}

function perMerge({ costPerMergeUsd }: Expectation): string {
  return costPerMergeUsd === null ? '' : `, about ${usd(costPerMergeUsd)} per merged pull request`
}

function usd(amount: number): string {
  return `$${amount.toFixed(4)}`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
