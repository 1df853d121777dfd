import type { EndedAttempt } from '../db/attempts/attempts.ts'
import type { OutcomeFacts } from '../db/schema.ts'
import type { FaultRecord } from '../faults/fault.ts'
import { NO_USD } from '../money.ts'
import { answersOfProposal } from '../ports/proposal.ts'
import { kindOfChange } from '../work-order/kind-of-change.ts'
import type { PartialEvidence } from './evidence.ts'
import { tookOverIn } from './steps/propose.ts'

/** What every outcome of an attempt says, however it ended; costs and times are those of the attempt as it was run. */
export function outcomeOf(attempt: EndedAttempt, { metadata, ...facts }: OutcomeFacts) {
  const { work_order_id, number, cost_usd, duration_ms, error } = attempt
  return {
    row: {
      work_order_id,
      attempt: number,
      operation_type: 'work_order_execution' as const,
      cost: cost_usd,
      execution_time_ms: duration_ms,
      ...facts,
    },
    context: { error, metadata: { work_order_id, ...metadata } },
  }
}

/** @param fault what has ended the attempt; null: it has succeeded, or was never heard of again */
export function outcomeFacts(evidence: PartialEvidence, fault: FaultRecord | null): OutcomeFacts {
  const { routed, proposed, verified } = evidence
  return {
    model_used: proposerOf(evidence, fault),
    route_reason: routed === undefined ? null : routed.decision.reason,
    diff_size_lines: verified === undefined ? null : sum(verified.files.map(linesOf)),
    test_duration_ms: verified === undefined ? null : sum(verified.checks.map((check) => check.durationMs)),
    metadata: {
      proposer_used: proposed === undefined ? null : proposed.response.proposer_used,
      // What it took beside the first answer; `cost` is that of all of it.
      answers: proposed === undefined ? null : proposed.answers,
      refinements: refinementsOf(evidence),
      replayed: proposed !== undefined && proposed.response.replayed === true,
      complexity_score: routed === undefined ? null : routed.decision.routing_metadata.complexity_score,
      change_kind: routed === undefined ? null : kindOfChange(routed.order.files_in_scope),
      ...repairFacts(evidence),
      hard_stop_required: routed === undefined ? null : routed.decision.routing_metadata.hard_stop_required,
    },
  }
}

/** What it took to mend the change; without a repair nothing is said. */
function repairFacts({ repairs = [] }: PartialEvidence) {
  if (repairs.length === 0) return {}
  const cost = repairs.reduce((total, { cost_usd }) => total.plus(cost_usd), NO_USD)
  return {
    repairs: repairs.map(({ check, by, mended }) => ({ check, by, mended })),
    repair_cost_usd: cost.toNumber(),
  }
}

/**
 * The proposer the order was given to: the routing's choice, or the one that took over in an outage. The one that answered
 * last, after a retry with a more able one, is `proposer_used`: the choice is judged by what came of it, with all it cost.
 */
function proposerOf({ routed, proposed }: PartialEvidence, fault: FaultRecord | null): string {
  // What was verified once more was made, and judged, before.
  if (routed?.verifies !== undefined) return 'none'
  const failover = proposed === undefined ? null : proposed.failover
  if (failover !== null) return failover.decision.selected_proposer
  const tookOver = proposed === undefined && fault !== null ? tookOverIn(fault) : null
  if (tookOver !== null) return tookOver
  return routed === undefined ? 'none' : routed.decision.selected_proposer
}

/** Answers of the proposal that were sent back; null: there is none. */
function refinementsOf({ proposed }: PartialEvidence): number | null {
  const response = proposed?.response
  return response?.refinement_metadata === undefined ? null : answersOfProposal(response) - 1
}

function linesOf({ added, deleted }: { added: number | null; deleted: number | null }): number {
  return added === null || deleted === null ? 0 : added + deleted
}

function sum(values: readonly number[]): number {
  return Math.round(values.reduce((total, value) => total + value, 0))
}
