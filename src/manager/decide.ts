import type { RoutingOutcome } from '../db/outcome-vectors.ts'
import type { Usd } from '../money.ts'
import type { RoutingRequest } from '../ports/routing.ts'
import { type KindOfChange, kindOfChange } from '../work-order/kind-of-change.ts'
import type { Candidates } from './candidates.ts'
import { findHardStops } from './hard-stops.ts'
import type { Expectation } from './learned/expectation.ts'
import {
  chooseByOutcomes,
  expectByOutcomes,
  type LearnedChoice,
  type LearnedPolicySettings,
} from './learned/learned-policy.ts'
import { leaveOutPaused, thresholdFor } from './leave-out-paused.ts'
import { type Choice, chooseProposer } from './static-rule.ts'
import { forcedByBudget } from './within-budget.ts'

/** What a decision stands on; the same again gives the same decision. */
export type Grounds = {
  field: Candidates
  outcomes: readonly RoutingOutcome[]
  settings: LearnedPolicySettings
  /** Below the lowest hard cap over the order; null: there is none. */
  left: Usd | null
}

export type Decided = Pick<Choice, 'chosen' | 'fallback' | 'reason' | 'confidence'> & {
  strategy:
    | Choice['strategy']
    | LearnedChoice['strategy']
    | 'budget_forced_optimization'
    | 'retry_same_model'
    | 'retry_switch_model'
    | 'retry_escalated'
  kind: KindOfChange
  hardStops: string[]
  /** Of every candidate that need not wait, cheapest per merged pull request first. */
  expectations: Expectation[]
}

/**
 * Who does an order: what the outcomes say where enough is known, else the static rule; within the hard stops, and
 * with what is left of the budget.
 *
 * @throws {Fault} `provider_paused` when everybody who would do has to wait for his provider
 */
export function decide(request: RoutingRequest, { field, outcomes, settings, left }: Grounds): Decided {
  const { complexity_score: complexity, work_order_id: workOrderId } = request
  const hardStops = findHardStops(request.task_description)
  const kind = kindOfChange(request.context_requirements)
  const order = { workOrderId, complexity, kind, hardStops }
  const candidates = leaveOutPaused(order, field.candidates, field.pauses)
  const learned = chooseByOutcomes(order, candidates, outcomes, settings)
  const choice = learned === null ? chooseProposer(order, candidates) : learned
  const expectations = learned === null ? expectByOutcomes(order, candidates, outcomes) : learned.expectations
  const enough = thresholdFor(order, candidates)
  const trusted = candidates.filter(({ complexityThreshold }) => complexityThreshold >= enough)
  const forced = forcedByBudget(choice.chosen, trusted, field.worstCases, left)
  const { chosen, fallback, strategy, reason, confidence } = forced === null ? choice : forced
  return { chosen, fallback, strategy, reason, confidence, kind, hardStops, expectations }
}
