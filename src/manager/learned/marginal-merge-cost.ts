import type { Expectation } from './expectation.ts'

/** Sums of successes in another order must not look like a difference. */
const ROUNDING = 1e-9

/** One way to carry an order out: its proposer, and the success to reckon with, as known or as drawn. */
export type Option = { expectation: Expectation; success: number }

/** An option as it is known, nothing drawn. */
export function asKnown(expectation: Expectation): Option {
  return { expectation, success: expectation.success }
}

/** A proposer worth considering, and what each merge costs that it brings beyond those of the step before, in USD. */
export type Step = Option & { perFurtherMergeUsd: number }

/**
 * The proposers worth considering for one order, from the cheapest on: each next one is the cheapest way to more
 * success. One that costs more and does not succeed more is left out, as is one of unknown cost beside known ones.
 *
 * @param options at least one
 */
export function stepsOf(options: readonly Option[]): Step[] {
  const known = options.filter(({ expectation }) => expectation.costUsd !== null)
  let rest = known.length === 0 ? options : known
  const [cheapest] = rest.toSorted((left, right) => costOf(left) - costOf(right) || bySuccess(left, right))
  if (cheapest === undefined) return []
  const steps: Step[] = [{ ...cheapest, perFurtherMergeUsd: 0 }]
  let current: Option = cheapest
  for (;;) {
    const { success } = current
    const from = costOf(current)
    rest = rest.filter((option) => option.success > success)
    const [next] = rest
      .map((option) => ({ ...option, perFurtherMergeUsd: (costOf(option) - from) / (option.success - success) }))
      .sort((left, right) => left.perFurtherMergeUsd - right.perFurtherMergeUsd || bySuccess(left, right))
    if (next === undefined) return steps
    steps.push(next)
    current = next
  }
}

/** The proposer of an order when a further merge may cost so much. */
export function stepAt(steps: readonly Step[], worthUsd: number): Step | undefined {
  return steps.findLast(({ perFurtherMergeUsd }) => perFurtherMergeUsd <= worthUsd)
}

/** What a further merge may cost; the share of the orders that should be merged then, and what each should cost, in USD. */
export type MarginalMergeCost = { usd: number; share: number; costPerMergeUsd: number }

/**
 * The least that must be paid for further merges so that the floor is reached over all these orders together, bought
 * where they are cheapest. Where the floor leaves a choice, it is what makes a merged pull request cheapest.
 *
 * @param orders the steps of each, and how often such an order comes
 * @param floor share of the orders, 0 to 1
 */
export function marginalMergeCost(
  orders: readonly { steps: readonly Step[]; times: number }[],
  floor: number,
): MarginalMergeCost {
  const total = sum(orders.map(({ times }) => times))
  const first = orders.flatMap(({ steps: [step], times }) => (step === undefined ? [] : [{ step, times }]))
  let merged = sum(first.map(({ step, times }) => times * step.success))
  let costUsd = sum(first.map(({ step, times }) => times * costOf(step)))
  let dearest = 0
  const further = orders
    .flatMap(({ steps, times }) => steps.slice(1).map((step, index) => gain(step, steps[index], times)))
    .sort((left, right) => left.perFurtherMergeUsd - right.perFurtherMergeUsd)
  for (const { perFurtherMergeUsd, merges } of further) {
    const short = merged / total < floor - ROUNDING
    if (!short && perFurtherMergeUsd > costUsd / merged && perFurtherMergeUsd > dearest) break
    merged += merges
    costUsd += merges * perFurtherMergeUsd
    dearest = perFurtherMergeUsd
  }
  const next = further.find(({ perFurtherMergeUsd }) => perFurtherMergeUsd > dearest)
  const costPerMergeUsd = costUsd / merged
  return { usd: between(dearest, next?.perFurtherMergeUsd, costPerMergeUsd), share: merged / total, costPerMergeUsd }
}

/**
 * Halfway between the dearest accepted step and the cheapest rejected one, so that small random differences change no
 * choice and exploration ends. If the floor needs no more merges, it is the average cost of a merge.
 */
function between(dearest: number, next: number | undefined, costPerMergeUsd: number): number {
  if (dearest <= costPerMergeUsd) return costPerMergeUsd
  return next === undefined ? 2 * dearest : (dearest + next) / 2
}

function gain(step: Step, before: Step | undefined, times: number) {
  const merges = before === undefined ? 0 : times * (step.success - before.success)
  return { perFurtherMergeUsd: step.perFurtherMergeUsd, merges }
}

/** An unknown cost counts only where all are unknown: then none is cheaper. */
function costOf({ expectation: { costUsd } }: Option): number {
  return costUsd === null ? 0 : costUsd
}

/** More successful first; then by name, so that the order of the candidates does not matter. */
function bySuccess(left: Option, right: Option): number {
  return right.success - left.success || (left.expectation.candidate.name < right.expectation.candidate.name ? -1 : 1)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
