import type { EndedAttempt } from '../db/attempts.ts'
import { kindOfChange } from '../work-order/kind-of-change.ts'
import type { PartialEvidence } from './end-of-attempt.ts'

/** What every outcome of an attempt says, however it ended; costs and times are those of the attempt as it was run. */
export function outcomeOf(attempt: EndedAttempt, evidence: PartialEvidence) {
  const { routed, proposed, verified } = evidence
  return {
    row: {
      work_order_id: attempt.work_order_id,
      attempt: attempt.number,
      operation_type: 'work_order_execution' as const,
      cost: attempt.cost_usd,
      execution_time_ms: attempt.duration_ms,
      model_used: proposerOf(evidence),
      route_reason: routed === undefined ? null : routed.decision.reason,
      diff_size_lines: verified === undefined ? null : sum(verified.files.map(linesOf)),
      test_duration_ms: verified === undefined ? null : sum(verified.checks.map((check) => check.durationMs)),
    },
    context: {
      error: attempt.error,
      metadata: {
        work_order_id: attempt.work_order_id,
        proposer_used: proposed === undefined ? null : proposed.response.proposer_used,
        replayed: proposed !== undefined && proposed.response.replayed === true,
        complexity_score: routed === undefined ? null : routed.decision.routing_metadata.complexity_score,
        change_kind: routed === undefined ? null : kindOfChange(routed.order.files_in_scope),
        hard_stop_required: routed === undefined ? null : routed.decision.routing_metadata.hard_stop_required,
      },
    },
  }
}

/**
 * Whom the order was given to: the routing's choice, or who took over in an outage. Who answered last, after a retry
 * with somebody more able, is `proposer_used`: the choice is judged by what came of it, with everything that cost.
 */
function proposerOf({ routed, proposed }: PartialEvidence): string {
  const failover = proposed === undefined ? null : proposed.failover
  if (failover !== null) return failover.decision.selected_proposer
  return routed === undefined ? 'none' : routed.decision.selected_proposer
}

function linesOf({ added, deleted }: { added: number | null; deleted: number | null }): number {
  return added === null || deleted === null ? 0 : added + deleted
}

function sum(values: readonly number[]): number {
  return Math.round(values.reduce((total, value) => total + value, 0))
}
