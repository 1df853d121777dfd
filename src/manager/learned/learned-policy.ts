import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { RoutingOutcome } from '../../db/outcome-vectors.ts'
import type { Database } from '../../db/schema.ts'
import { readJsonSetting } from '../../db/system-config.ts'
import type { Candidate, Choice } from '../static-rule.ts'
import { betaOf, type Expectation, expectAll } from './expectation.ts'
import { type LearnedStrategy, learnedReason } from './learned-reason.ts'
import { asKnown, type Option, type Step, stepAt, stepsOf } from './marginal-merge-cost.ts'
import { type Context, summarizeOutcomes } from './outcome-summary.ts'
import { estimateRouting, type RoutingEstimate } from './routing-estimate.ts'
import { sampleBeta } from './sample-beta.ts'
import { seededChance } from './seeded-chance.ts'

/** So many of the latest outcomes are learned from. */
export const LATEST_OUTCOMES = 5_000

/** Share of the cost per merged pull request that must be expected to be saved: trying and erring costs something too. */
const LEAST_SAVING = 0.1

export type LearnedPolicySettings = {
  /** `auto`: once enough outcomes are known, and while it saves enough; `learned`: from the first order on; `static`: never. */
  mode: 'auto' | 'static' | 'learned'
  /** What `auto` waits for: outcomes of the proposers that can be chosen now. */
  minOutcomes: number
  /** Share of all orders that must be merged, 0 to 1; null: as many as the static rule would bring to that. */
  successFloor: number | null
  /** Try now and then what is not known well yet. Off: always the best by what is known. */
  explore: boolean
  /** Together with the order's id it decides what is tried. */
  seed: number
}

type OrderToRoute = Context & {
  workOrderId: string
  /** Risky words; any of them leaves only the most able proposers. */
  hardStops: readonly string[]
}

export type LearnedChoice = Omit<Choice, 'strategy' | 'confidence'> & {
  strategy: LearnedStrategy
  /** Expected success of the chosen one. */
  confidence: number
  /** Of every candidate, also of those a hard stop excludes; cheapest per merged pull request first. */
  expectations: Expectation[]
} & Pick<RoutingEstimate, 'floor' | 'worth'>

/**
 * Chooses the proposer of an order by how past orders ended, so that a merged pull request costs the least while the floor
 * of success is kept. The floor is one of all orders together: more success is bought for those orders where it is
 * cheapest. A contextual bandit: Thompson sampling over Beta posteriors, with complexity and kind of change as the
 * context, so that trying becomes rarer as more is known. The same order, outcomes and settings always give the same
 * choice. Costs are estimates in plain numbers, not bookkeeping.
 *
 * @param outcomes newest first; those of proposers that are not candidates do not count
 * @returns null when it is off, so that the static rule decides
 */
export function chooseByOutcomes(
  order: OrderToRoute,
  candidates: readonly [Candidate, ...Candidate[]],
  outcomes: readonly RoutingOutcome[],
  settings: LearnedPolicySettings,
): LearnedChoice | null {
  const known = outcomes.filter(({ proposer }) => candidates.some(({ name }) => name === proposer))
  if (settings.mode === 'static' || (settings.mode === 'auto' && known.length < settings.minOutcomes)) return null
  const past = summarizeOutcomes(known)
  const estimate = estimateRouting(order, candidates, { outcomes: known, past }, settings.successFloor)
  if (settings.mode === 'auto' && !isWorthwhile(estimate)) return null
  const { floor, worth } = estimate
  const expectations = expectAll(order, candidates, past)
  const allowed = order.hardStops.length === 0 ? expectations : mostAble(expectations)
  const steps = stepsOf(allowed.map(asKnown))
  const best = stepAt(steps, worth.usd)
  const drawn = settings.explore ? stepAt(stepsOf(draw(order, allowed, settings)), worth.usd) : best
  if (best === undefined || drawn === undefined) return null
  const chosen = drawn.expectation
  const strategy = strategyOf(order, chosen === best.expectation, worth.share >= floor)
  return {
    chosen: chosen.candidate,
    fallback: fallbackFor(chosen, best, steps, [...allowed, ...expectations]),
    strategy,
    reason: learnedReason({
      strategy,
      chosen,
      best: best.expectation,
      steps,
      hardStops: order.hardStops,
      floor,
      worth,
    }),
    confidence: chosen.success,
    expectations,
    floor,
    worth,
  }
}

/** What is expected of each candidate, whatever the mode, so that it can be shown beside a choice of the static rule. */
export function expectByOutcomes(
  context: Context,
  candidates: readonly Candidate[],
  outcomes: readonly RoutingOutcome[],
): Expectation[] {
  return expectAll(context, candidates, summarizeOutcomes(outcomes))
}

function isWorthwhile({ saving, ruleKeepsFloor }: RoutingEstimate): boolean {
  return saving >= LEAST_SAVING || !ruleKeepsFloor
}

function mostAble(expectations: readonly Expectation[]): Expectation[] {
  const highest = Math.max(...expectations.map(({ candidate }) => candidate.complexityThreshold))
  return expectations.filter(({ candidate }) => candidate.complexityThreshold === highest)
}

/** Each success is drawn from what is known about it; a draw does not depend on the other candidates. */
function draw(
  { workOrderId }: OrderToRoute,
  allowed: readonly Expectation[],
  { seed }: LearnedPolicySettings,
): Option[] {
  return allowed.map((expectation) => {
    const [alpha, beta] = betaOf(expectation)
    const chance = seededChance(seed, workOrderId, expectation.candidate.name)
    return { expectation, success: sampleBeta(alpha, beta, chance) }
  })
}

function strategyOf({ hardStops }: OrderToRoute, isBest: boolean, reachesFloor: boolean): LearnedStrategy {
  if (hardStops.length > 0) return 'hard_stop_override'
  if (!isBest) return 'learned_exploration'
  return reachesFloor ? 'learned_cheapest_per_merge' : 'learned_most_successful'
}

/** The best by what is known; where that is the chosen one, the next more successful, else the next cheapest. */
function fallbackFor(chosen: Expectation, best: Step, steps: readonly Step[], all: readonly Expectation[]) {
  const better = steps.slice(steps.indexOf(best))
  const [next] = [...better.map(({ expectation }) => expectation), ...all].filter((one) => one !== chosen)
  return next === undefined ? null : next.candidate
}

/** The row `routing_policy` of `system_config`: what may be changed about the learned policy while Moose runs. */
const RoutingPolicy = z
  .strictObject({
    mode: z.enum(['auto', 'static', 'learned'], 'is none of auto, static, learned').default('auto'),
    min_outcomes: z.int().min(1).max(100_000).default(50),
    success_floor: z.number().min(0).max(1).nullable().default(null),
    explore: z.boolean().default(true),
    seed: z.int().min(0).default(1),
  })
  .transform(
    ({ min_outcomes: minOutcomes, success_floor: successFloor, ...rest }): LearnedPolicySettings => ({
      ...rest,
      minOutcomes,
      successFloor,
    }),
  )

/** @throws {Fault} `config_invalid` */
export async function readPolicySettings(db: Kysely<Database>): Promise<LearnedPolicySettings> {
  return readJsonSetting(db, 'routing_policy', { schema: RoutingPolicy, consequence: 'Correct or delete it.' })
}
