import type { RoutingOutcome } from '../db/outcome-vectors.ts'
import { shownUsd, Usd } from '../money.ts'
import type { RoutingRequest } from '../ports/routing.ts'
import { type KindOfChange, kindOfChange } from '../work-order/kind-of-change.ts'
import type { Candidates } from './candidates.ts'
import { findHardStops } from './hard-stops.ts'
import {
  chooseByOutcomes,
  expectByOutcomes,
  type LearnedChoice,
  type LearnedPolicySettings,
} from './learned/learned-policy.ts'
import { leaveOutPaused, thresholdFor } from './leave-out-paused.ts'
import { byCost, type Candidate, type Choice, chooseProposer } from './static-rule.ts'

/** What a decision stands on; the same again gives the same decision. */
export type Grounds = {
  candidates: Candidates
  outcomes: readonly RoutingOutcome[]
  settings: LearnedPolicySettings
  /** Below the lowest hard cap over the order; null: there is none. */
  left: Usd | null
}

export type RoutingChoice = Pick<Choice, 'chosen' | 'fallback' | 'reason' | 'confidence'> & {
  strategy:
    | Choice['strategy']
    | LearnedChoice['strategy']
    | 'budget_forced_optimization'
    | 'retry_same_model'
    | 'retry_switch_model'
    | 'retry_escalated'
    | 'wanted_proposer'
  kind: KindOfChange
  hardStops: string[]
  /** Of every candidate that need not wait, cheapest per merged pull request first. */
  expectations: LearnedChoice['expectations']
}

/**
 * Chooses the proposer of an order: by what the outcomes say where enough is known, else by the static rule; within the
 * hard stops, and with what is left of the budget.
 *
 * @throws {Fault} `provider_paused` when every proposer that would do has to wait for its provider
 */
export function decide(request: RoutingRequest, { candidates, outcomes, settings, left }: Grounds): RoutingChoice {
  const { complexity_score: complexity, work_order_id: workOrderId } = request
  const hardStops = findHardStops(request.task_description)
  const kind = kindOfChange(request.context_requirements)
  const order = { workOrderId, complexity, kind, hardStops }
  const proposers = leaveOutPaused(order, candidates.proposers, candidates.pauses)
  const learned = chooseByOutcomes(order, proposers, outcomes, settings)
  const choice = learned === null ? chooseProposer(order, proposers) : learned
  const expectations = learned === null ? expectByOutcomes(order, proposers, outcomes) : learned.expectations
  const enough = thresholdFor(order, proposers)
  const trusted = proposers.filter(({ complexityThreshold }) => complexityThreshold >= enough)
  const forced = forcedByBudget(choice.chosen, trusted, candidates.worstCases, left)
  const { chosen, fallback, strategy, reason, confidence } = forced === null ? choice : forced
  return { chosen, fallback, strategy, reason, confidence, kind, hardStops, expectations }
}

/** What the first Moose called it. */
type ForcedChoice = Omit<Choice, 'strategy'> & { strategy: 'budget_forced_optimization' }

const CONFIDENCE = 0.8

/**
 * Who does an order instead of the one that was chosen, when a first call of that one would pass a hard cap: the
 * cheapest of those that may do it and still fit.
 *
 * @param allowed those the rules let do the order, whatever the budget
 * @param worstCases what a first call reserves, by name
 * @param left below the lowest hard cap; null: there is none
 * @returns null when the choice fits, or when none fits: its first call is then refused, and the order waits for the money
 */
function forcedByBudget(
  chosen: Candidate,
  allowed: readonly Candidate[],
  worstCases: ReadonlyMap<string, Usd>,
  left: Usd | null,
): ForcedChoice | null {
  if (left === null || fits(chosen, worstCases, left)) return null
  const [cheapest] = allowed.filter((candidate) => fits(candidate, worstCases, left)).sort(byCost)
  if (cheapest === undefined) return null
  const reason =
    `Only ${shownUsd(Usd.max(0, left))} are left below a hard cap, less than a call to ${chosen.name} may cost; ` +
    `${cheapest.name} is the cheapest that may do the order and fits.`
  return { chosen: cheapest, fallback: null, strategy: 'budget_forced_optimization', reason, confidence: CONFIDENCE }
}

function fits({ name }: Candidate, worstCases: ReadonlyMap<string, Usd>, left: Usd): boolean {
  const worstCase = worstCases.get(name)
  return worstCase !== undefined && worstCase.lessThanOrEqualTo(left)
}
