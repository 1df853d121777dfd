import type { RoutingOutcome } from '../db/routing-outcomes.ts'
import type { KindOfChange } from '../work-order/kind-of-change.ts'
import { betaOf, type Expectation, expectationOf } from './expectation.ts'
import { type LearnedStrategy, learnedReason } from './learned-reason.ts'
import { sampleBeta } from './sample-beta.ts'
import { seededChance } from './seeded-chance.ts'
import type { Candidate, Choice } from './static-rule.ts'

export type LearnedPolicySettings = {
  /** `auto`: once enough outcomes are known; `learned`: from the first order on; `static`: never. */
  mode: 'auto' | 'static' | 'learned'
  /** What `auto` waits for: outcomes of the proposers that can be chosen now. */
  minOutcomes: number
  /** Success asked for, 0 to 1: the cheapest is sought among the proposers that reach it. */
  successFloor: number
  /** Try now and then what is not known well yet. Off: always the best by what is known. */
  explore: boolean
  /** Together with the order's id it decides what is tried. */
  seed: number
}

export type OrderToRoute = {
  workOrderId: string
  /** 0 to 1. */
  complexity: number
  kind: KindOfChange
  /** Risky words; any of them leaves only the most able proposers. */
  hardStops: readonly string[]
}

export type LearnedChoice = Omit<Choice, 'strategy' | 'confidence'> & {
  strategy: LearnedStrategy
  /** Expected success of the chosen one. */
  confidence: number
  /** Of every candidate, also of those a hard stop excludes; by what is known, best first. */
  expectations: Expectation[]
}

type Ranked = { expectation: Expectation; success: number }

/**
 * Who does an order, learned from how past orders ended: the cheapest per merged pull request among those that
 * succeed often enough. A contextual bandit: Thompson sampling over Beta posteriors, with complexity and kind of change
 * as the context, so that trying becomes rarer as more is known. The same order, outcomes and settings always give the
 * same choice. Costs are estimates in plain numbers, not bookkeeping.
 *
 * @param outcomes in any order; those of proposers that are not candidates do not count
 * @returns null when it is off, so that the static rule decides
 */
export function chooseByOutcomes(
  order: OrderToRoute,
  candidates: readonly [Candidate, ...Candidate[]],
  outcomes: readonly RoutingOutcome[],
  settings: LearnedPolicySettings,
): LearnedChoice | null {
  const known = outcomes.filter(({ proposer }) => candidates.some(({ name }) => name === proposer))
  if (!isOn(settings, known.length)) return null
  const { successFloor: floor } = settings
  const expectations = rankByOutcomes(order, candidates, known, floor)
  const allowed = order.hardStops.length === 0 ? expectations : mostAble(expectations)
  const [best] = allowed
  const chosen = settings.explore ? bestOfDraw(order, allowed, settings) : best
  if (best === undefined || chosen === undefined) return null
  const strategy = strategyOf(order, chosen, best)
  const fallback = [...allowed, ...expectations].find((one) => one !== chosen)
  return {
    chosen: chosen.candidate,
    fallback: fallback === undefined ? null : fallback.candidate,
    strategy,
    reason: learnedReason({ strategy, chosen, best, allowed, hardStops: order.hardStops, floor }),
    confidence: chosen.success,
    expectations,
  }
}

/**
 * What is expected of each candidate for one order, the best first: whatever the mode, so that it can be shown beside
 * a choice of the static rule.
 *
 * @param floor success asked for, 0 to 1
 */
export function rankByOutcomes(
  order: Pick<OrderToRoute, 'complexity' | 'kind'>,
  candidates: readonly Candidate[],
  outcomes: readonly RoutingOutcome[],
  floor: number,
): Expectation[] {
  return candidates
    .map((candidate) => {
      const own = outcomes.filter(({ proposer }) => proposer === candidate.name)
      return expectationOf(order, candidate, own, floor)
    })
    .sort((left, right) => compare(asKnown(left), asKnown(right), floor))
}

function isOn({ mode, minOutcomes }: LearnedPolicySettings, known: number): boolean {
  return mode === 'auto' ? known >= minOutcomes : mode === 'learned'
}

function mostAble(expectations: readonly Expectation[]): Expectation[] {
  const highest = Math.max(...expectations.map(({ candidate }) => candidate.complexityThreshold))
  return expectations.filter(({ candidate }) => candidate.complexityThreshold === highest)
}

/** Each success is drawn from what is known about it; a draw does not depend on who else is a candidate. */
function bestOfDraw(
  { workOrderId }: OrderToRoute,
  allowed: readonly Expectation[],
  { seed, successFloor }: LearnedPolicySettings,
): Expectation | undefined {
  const [first] = allowed
    .map((expectation) => {
      const [alpha, beta] = betaOf(expectation)
      const chance = seededChance(seed, workOrderId, expectation.candidate.name)
      return { expectation, success: sampleBeta(alpha, beta, chance) }
    })
    .sort((left, right) => compare(left, right, successFloor))
  return first === undefined ? undefined : first.expectation
}

function asKnown(expectation: Expectation): Ranked {
  return { expectation, success: expectation.success }
}

/** Above the floor first, there the cheapest per merged pull request; below it the most successful. */
function compare(left: Ranked, right: Ranked, floor: number): number {
  const aboveFloor = left.success >= floor
  if (aboveFloor !== right.success >= floor) return aboveFloor ? -1 : 1
  const cheaper = costPerMerge(left) - costPerMerge(right)
  const moreSuccessful = right.success - left.success
  return (
    (aboveFloor ? cheaper || moreSuccessful : moreSuccessful || cheaper) ||
    (left.expectation.candidate.name < right.expectation.candidate.name ? -1 : 1)
  )
}

/** An unknown cost after every known one. Not infinite: the difference of two unknown costs must be 0. */
function costPerMerge({ expectation: { costUsd }, success }: Ranked): number {
  return costUsd === null ? Number.MAX_VALUE : costUsd / Math.max(success, Number.EPSILON)
}

function strategyOf({ hardStops }: OrderToRoute, chosen: Expectation, best: Expectation): LearnedStrategy {
  if (hardStops.length > 0) return 'hard_stop_override'
  if (chosen !== best) return 'learned_exploration'
  return chosen.aboveFloor ? 'learned_cheapest_per_merge' : 'learned_most_successful'
}
