import { estimateComplexity } from '../../../src/manager/complexity.ts'
import { type Chance, seededChance } from '../../../src/manager/learned/seeded-chance.ts'
import { decideRetry } from '../../../src/manager/retry-strategy.ts'
import type { Candidate } from '../../../src/manager/static-rule.ts'
import type { KindOfChange } from '../../../src/work-order/kind-of-change.ts'
import { HARD_EXERCISES, type PublishedModel } from './published-figures.ts'

/** What is assumed beside the published figures; docs/routing.md says why. */
export type Assumptions = {
  /** Where the two boards stand on Moose's scale of complexity; between and beyond them the logit is a line. */
  easyAt: number
  hardAt: number
  /** Correlation of two models' success on the same order, 0 to 1. */
  sharedDifficulty: number
  /** How often an order has 1, 2, … acceptance criteria, and files in scope. */
  criteria: readonly number[]
  files: readonly number[]
  /** What a stronger model's first call after another's failures is worth: its first answer, or its second. */
  afterOthersFailed: 'first' | 'second'
}

export type SimulatedOrder = {
  workOrderId: string
  complexity: number
  kind: KindOfChange
  /** How hard it turns out to be for a model, 0 to 1 evenly: below its success rate it succeeds. */
  hardnessFor(model: string): number
}

export type AttemptEnd = { merged: boolean; costUsd: number }

/** Probability of a merge and mean cost of an attempt. */
export type Truth = { success: number; costUsd: number }

export type World = {
  /** What an operator has configured: the thresholds decide about the static rule and who takes over. */
  candidates: readonly [Candidate, ...Candidate[]]
  order(index: number): SimulatedOrder
  /** Carries an order out with a first proposer, the retry strategy deciding who tries next. */
  attempt(order: SimulatedOrder, proposer: string): AttemptEnd
  /** What `attempt` comes to on average over orders of this complexity. */
  truth(complexity: number, proposer: string): Truth
}

/** Shares of 5,000 orders; the published figures say nothing about kinds, so that none is easier. */
const KINDS: readonly [KindOfChange, number][] = [
  ['code', 0.6],
  ['tests', 0.15],
  ['config', 0.1],
  ['docs', 0.1],
  ['style', 0.05],
]

type Try = { model: string; rate(complexity: number): number }

/** A world in which the published figures hold. */
export function createWorld(
  models: readonly PublishedModel[],
  thresholds: Readonly<Record<string, number>>,
  assumptions: Assumptions,
  seed: number,
): World {
  const candidates = models.map((model) => toCandidate(model, thresholds))
  const costs = new Map(candidates.map(({ name, expectedCostUsd }) => [name, expectedCostUsd]))
  const plans = new Map(models.map(({ name }) => [name, planOf(name, models, candidates, assumptions)]))
  const cost = (model: string) => required(costs.get(model))
  const plan = (proposer: string) => required(plans.get(proposer))
  return {
    candidates: [required(candidates[0]), ...candidates.slice(1)],
    order: (index) => createOrder(index, assumptions, seed),
    attempt: ({ complexity, hardnessFor }, proposer) => {
      let costUsd = 0
      for (const { model, rate } of plan(proposer)) {
        costUsd += cost(model)
        if (hardnessFor(model) < rate(complexity)) return { merged: true, costUsd }
      }
      return { merged: false, costUsd }
    },
    truth: (complexity, proposer) => {
      const failing = plan(proposer).map((_, index, tries) =>
        failedAll(tries.slice(0, index + 1), complexity, assumptions.sharedDifficulty),
      )
      const reached = [1, ...failing]
      const costUsd = plan(proposer).reduce((sum, { model }, index) => sum + required(reached[index]) * cost(model), 0)
      return { success: 1 - required(failing.at(-1)), costUsd }
    },
  }
}

/** One call costs the published total over the calls it paid: one per exercise, and one more where that failed. */
function toCandidate({ name, hard }: PublishedModel, thresholds: Readonly<Record<string, number>>) {
  const expectedCostUsd = hard.totalCostUsd / (HARD_EXERCISES * (2 - hard.first / 100))
  return { name, complexityThreshold: required(thresholds[name]), expectedCostUsd }
}

/** Who tries, in which order, and how likely each has succeeded by then: the real retry strategy, asked to the end. */
function planOf(
  first: string,
  models: readonly PublishedModel[],
  candidates: readonly Candidate[],
  { easyAt, hardAt, afterOthersFailed }: Assumptions,
): Try[] {
  const plan: Try[] = []
  let model: string | undefined = first
  while (model !== undefined) {
    const current = required(models.find(({ name }) => name === model))
    const again = plan.some((earlier) => earlier.model === current.name)
    const answer = again || (plan.length > 0 && afterOthersFailed === 'second') ? 'second' : 'first'
    const [easy, hard] = [logit(current.easy[answer]), logit(current.hard[answer])]
    const slope = (hard - easy) / (hardAt - easyAt)
    const rate = (complexity: number) => 1 / (1 + Math.exp(-(easy + slope * (complexity - easyAt))))
    plan.push({ model: current.name, rate })
    const request = { work_order_id: 'bench', current_proposer: current.name, attempt: plan.length }
    const { complexityThreshold } = required(candidates.find(({ name }) => name === current.name))
    const next = decideRetry({ ...request, failure_reason: 'check_failed' }, candidates, complexityThreshold)
    model = next.should_retry ? next.next_proposer : undefined
  }
  return plan
}

/**
 * Probability that all these tries fail. With the square root of `shared`, and independently for each model, its
 * hardness is the order's own; otherwise a number of its own. So two models share it with the probability `shared`.
 */
function failedAll(tries: readonly Try[], complexity: number, shared: number): number {
  const best = new Map<string, number>()
  for (const { model, rate } of tries) best.set(model, Math.max(best.get(model) ?? 0, rate(complexity)))
  const rates = [...best.values()]
  const [one, other] = rates
  if (one === undefined || rates.length > 2)
    throw new Error('The bench expects a retry strategy with one or two models.')
  if (other === undefined) return 1 - one
  return shared * (1 - Math.max(one, other)) + (1 - shared) * (1 - one) * (1 - other)
}

function createOrder(index: number, assumptions: Assumptions, seed: number): SimulatedOrder {
  const chance = seededChance(seed, 'order', index)
  const criteria = pick(assumptions.criteria, chance) + 1
  const files = pick(assumptions.files, chance) + 1
  const [kind] = required(
    KINDS[
      pick(
        KINDS.map(([, share]) => share),
        chance,
      )
    ],
  )
  const own = chance()
  return {
    workOrderId: `order-${index}`,
    complexity: estimateComplexity({ criteria, files }),
    kind,
    hardnessFor: (model) => {
      const chanceOfModel = seededChance(seed, 'hardness', index, model)
      const shares = chanceOfModel() < Math.sqrt(assumptions.sharedDifficulty)
      return shares ? own : chanceOfModel()
    },
  }
}

/** An index, as often as its weight says. */
function pick(weights: readonly number[], chance: Chance): number {
  let left = chance() * weights.reduce((sum, weight) => sum + weight, 0)
  return Math.max(
    0,
    weights.findIndex((weight) => (left -= weight) < 0),
  )
}

function logit(percent: number): number {
  return Math.log(percent / (100 - percent))
}

function required<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error('The bench is missing a value it has just made.')
  return value
}
