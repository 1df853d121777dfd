import { z } from 'zod'
import { MOST_PATHS } from './proposal.ts'

/** Of a longer list a schema says only that, and not what is wrong with each of its entries. */
const LONGEST_LIST = 1_000

/** The specification's ManagerRoutingRequest (2.2, 4.3), the body of `POST /api/manager`. */
export const RoutingRequest = z.object({
  work_order_id: z.string().min(1),
  task_description: z.string(),
  /** 0 to 1; 0 is a value, not a missing field. */
  complexity_score: z.number().min(0).max(1),
  context_requirements: z.array(z.string()).max(MOST_PATHS).default([]),
  approved_by_director: z.boolean(),
})
export type RoutingRequest = z.infer<typeof RoutingRequest>

/** What is expected of a proposer for one order: estimates. */
export const CandidateView = z.object({
  proposer: z.string(),
  /** Its configured threshold covers the order. */
  able: z.boolean(),
  /** USD of one attempt with all its tries; null: neither a price nor a past cost is known. */
  expected_cost_usd: z.number().nullable(),
  /** USD that a first call reserves, the most it can cost; null: its price is not known. */
  reserves_usd: z.number().nullable().optional(),
  /** Probability of a merged pull request, 0 to 1. */
  expected_success: z.number(),
  /** USD per merged pull request. */
  expected_cost_per_merge_usd: z.number().nullable(),
  /** How many past orders this is based on, weighted by similarity; 0: on the configuration alone. */
  similar_orders: z.number(),
  similar_merged: z.number(),
})
export type CandidateView = z.infer<typeof CandidateView>

/** Why and how a proposer was chosen; a foreign Manager may add fields of its own. */
export const RoutingMetadata = z.looseObject({
  complexity_score: z.number(),
  hard_stop_required: z.boolean(),
  /** The risky words found in the description. */
  hard_stop_reasons: z.array(z.string()).max(LONGEST_LIST).optional(),
  /** What the files in scope are: code, tests, docs, … */
  change_kind: z.string().optional(),
  /** USD spent today (UTC), by all orders. */
  daily_spend: z.number().optional(),
  /** `normal`, `warning`, `hard_cap_exceeded` or `emergency_kill`. */
  budget_status: z.string().optional(),
  /** Names of the active proposers that could have been chosen, cheapest first. */
  available_proposers: z.array(z.string()).max(LONGEST_LIST).optional(),
  candidates_count: z.number().int().optional(),
  /** The same with what is expected of each, cheapest per merged pull request first. */
  candidates: z.array(CandidateView).max(LONGEST_LIST).optional(),
  /** Why the other configured proposers could not be chosen. */
  excluded: z
    .array(z.object({ proposer: z.string(), reason: z.string() }))
    .max(LONGEST_LIST)
    .optional(),
  /** Expected cost of one attempt in USD; an estimate, not a reservation. Null: the price is unknown. */
  estimated_cost_usd: z.number().nullable().optional(),
  routing_strategy: z.string().optional(),
  selection_timestamp: z.string().optional(),
  /** Under which every reservation of the attempt's calls stands in the ledger. Each call reserves for itself. */
  budget_reservation_id: z.string().optional(),
})

/** No row of `proposer_configs` has another: Postgres holds no NUL. */
const ProposerName = z.string().refine((name) => !name.includes('\0'), 'holds a NUL, which no name has')

/** The specification's RoutingDecision. */
export const RoutingDecision = z.object({
  /** A name of `proposer_configs`. */
  selected_proposer: ProposerName.min(1),
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

/** As many as the database counts. */
const MOST_ATTEMPTS = 2_147_483_647

/** A proposal that failed, as the Manager is asked what to do about it (`GET /api/manager`). */
export const RetryRequest = z.object({
  work_order_id: z.string().min(1),
  /** A name of `proposer_configs`. */
  current_proposer: z.string().min(1),
  /** How often the order has been proposed now, 1 for the first. */
  attempt: z.coerce.number().int().min(1).max(MOST_ATTEMPTS),
  /** A fault code where Moose asks itself. */
  failure_reason: z.string().default(''),
})
export type RetryRequest = z.infer<typeof RetryRequest>

export const RetryDecision = z.object({
  should_retry: z.boolean(),
  /** Of the try that follows; of the last one when none follows. */
  attempt_number: z.number().int(),
  max_attempts: z.number().int(),
  /** The proposer of the next try; absent when there is none, or when it is the same. */
  next_proposer: ProposerName.optional(),
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
