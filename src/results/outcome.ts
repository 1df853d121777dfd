import type { AttemptRow } from '../db/attempts.ts'
import type { PartialEvidence } from './end-of-attempt.ts'

/** What every outcome of an attempt says, however it ended; costs and times are those of the attempt as it was run. */
export function outcomeOf(attempt: AttemptRow, evidence: PartialEvidence) {
  const { routed, proposed, verified } = evidence
  const endedAt = attempt.ended_at === null ? attempt.claimed_at : attempt.ended_at
  return {
    row: {
      work_order_id: attempt.work_order_id,
      attempt: attempt.number,
      operation_type: 'work_order_execution' as const,
      cost: attempt.cost_usd,
      execution_time_ms: endedAt.getTime() - attempt.claimed_at.getTime(),
      model_used: routed === undefined ? 'none' : routed.decision.selected_proposer,
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
        hard_stop_required: routed === undefined ? null : routed.decision.routing_metadata.hard_stop_required,
      },
    },
  }
}

function linesOf({ added, deleted }: { added: number | null; deleted: number | null }): number {
  return added === null || deleted === null ? 0 : added + deleted
}

function sum(values: readonly number[]): number {
  return Math.round(values.reduce((total, value) => total + value, 0))
}
