import { z } from 'zod'

/** The seed's ManagerRoutingRequest (2.2, 4.3), the body of `POST /api/manager`. */
export const RoutingRequest = z.object({
  work_order_id: z.string().min(1),
  task_description: z.string(),
  /** 0 to 1; 0 is a value, not a missing field. */
  complexity_score: z.number().min(0).max(1),
  context_requirements: z.array(z.string()).default([]),
  approved_by_director: z.boolean(),
})
export type RoutingRequest = z.infer<typeof RoutingRequest>

/** Why and how a proposer was chosen; a foreign Manager may add fields of its own. */
export const RoutingMetadata = z.looseObject({
  complexity_score: z.number(),
  hard_stop_required: z.boolean(),
  /** The risky words found in the description. */
  hard_stop_reasons: z.array(z.string()).optional(),
  /** Names of the active proposers that could have been chosen, cheapest first. */
  available_proposers: z.array(z.string()).optional(),
  candidates_count: z.number().int().optional(),
  /** Expected cost of one attempt in USD; an estimate, not a reservation. Null: the price is unknown. */
  estimated_cost_usd: z.number().nullable().optional(),
  routing_strategy: z.string().optional(),
  selection_timestamp: z.string().optional(),
})

/** The seed's RoutingDecision. */
export const RoutingDecision = z.object({
  /** A name of `proposer_configs`. */
  selected_proposer: z.string().min(1),
  reason: z.string(),
  /** 0 to 1. */
  confidence: z.number().min(0).max(1),
  fallback_proposer: z.string().optional(),
  routing_metadata: RoutingMetadata,
})
export type RoutingDecision = z.infer<typeof RoutingDecision>

/** What `POST /api/manager` answers. */
export const RoutingResponse = z.object({ success: z.literal(true), routing_decision: RoutingDecision })

/** Whether calls to a proposer can work on this machine; the reason completes "X is not available: …". */
export type Availability = { available: true } | { available: false; reason: string }

/** A proposal that failed, as the Manager is asked what to do about it (`GET /api/manager`). */
export const RetryRequest = z.object({
  work_order_id: z.string().min(1),
  /** A name of `proposer_configs`. */
  current_proposer: z.string().min(1),
  /** How often the order has been proposed now, 1 for the first. */
  attempt: z.coerce.number().int().min(1),
  /** A fault code where Moose asks itself. */
  failure_reason: z.string().default(''),
})
export type RetryRequest = z.infer<typeof RetryRequest>

export const RetryDecision = z.object({
  should_retry: z.boolean(),
  /** Of the try that follows; of the last one when none follows. */
  attempt_number: z.number().int(),
  max_attempts: z.number().int(),
  /** Who makes the next try; absent when none follows, or the same one does. */
  next_proposer: z.string().optional(),
  strategy: z.enum(['same_model', 'switch_model', 'escalate']),
  /** A full sentence for a human. */
  reasoning: z.string(),
})
export type RetryDecision = z.infer<typeof RetryDecision>

export interface Manager {
  /**
   * Chooses the proposer for one attempt.
   *
   * @throws {Fault} `work_order_not_approved`, `no_able_proposer`; a foreign Manager also `manager_unreachable`,
   *   `manager_refused`.
   */
  route(request: RoutingRequest, signal: AbortSignal): Promise<RoutingDecision>
  /**
   * Says what to do about a failed proposal.
   *
   * @throws {Fault} `config_invalid`; a foreign Manager also `manager_unreachable`, `manager_refused`.
   */
  decideRetry(request: RetryRequest, signal: AbortSignal): Promise<RetryDecision>
}
