import type { CandidateView, RoutingDecision, RoutingRequest } from '../ports/routing.ts'
import type { Decided, Grounds } from './decide.ts'
import type { Expectation } from './learned/expectation.ts'

type Circumstances = Pick<Grounds, 'field'> & {
  standing: { budget_status: string; daily_spend: number }
  at: Date
  /** Becomes `budget_reservation_id`. */
  id: string
}

/** A decision as the seed has it, with everything it stands on. */
export function decisionOf(request: RoutingRequest, decided: Decided, around: Circumstances): RoutingDecision {
  const { chosen, fallback, strategy, reason, confidence, kind, hardStops, expectations } = decided
  const { field, standing, at, id } = around
  return {
    selected_proposer: chosen.name,
    reason,
    confidence,
    ...(fallback === null ? {} : { fallback_proposer: fallback.name }),
    routing_metadata: {
      complexity_score: request.complexity_score,
      hard_stop_required: hardStops.length > 0,
      hard_stop_reasons: hardStops,
      change_kind: kind,
      ...standing,
      available_proposers: field.candidates.map(({ name }) => name),
      candidates_count: field.candidates.length,
      candidates: expectations.map(viewOf),
      excluded: [
        ...field.excluded,
        ...[...field.pauses].map(([proposer, { message }]) => ({ proposer, reason: `has to wait: ${message}` })),
      ],
      estimated_cost_usd: chosen.expectedCostUsd,
      routing_strategy: strategy,
      selection_timestamp: at.toISOString(),
      budget_reservation_id: id,
    },
  }
}

function viewOf(expectation: Expectation): CandidateView {
  return {
    proposer: expectation.candidate.name,
    able: expectation.able,
    expected_cost_usd: expectation.costUsd,
    expected_success: rounded(expectation.success),
    expected_cost_per_merge_usd: expectation.costPerMergeUsd,
    similar_orders: rounded(expectation.similarOrders),
    similar_merged: rounded(expectation.similarMerged),
  }
}

function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000
}
