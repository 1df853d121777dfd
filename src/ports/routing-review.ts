import { z } from 'zod'
import { RoutingDecision } from './routing.ts'

/** What decides which proposer gets an order, as it is set and known now. */
const Policy = z.object({
  mode: z.enum(['auto', 'static', 'learned']),
  /** Outcomes `auto` waits for. */
  min_outcomes: z.number().int(),
  /** Outcomes known of past orders. */
  known_outcomes: z.number().int(),
  /** Share of orders that must be merged; null: as many as the static rule would bring to that. */
  success_floor: z.number().nullable(),
  explore: z.boolean(),
})

/** Which proposer would get an order now and why, and which ones got it before. */
export const RouteExplanation = z.object({
  work_order_id: z.guid(),
  title: z.string(),
  policy: Policy,
  decision: RoutingDecision,
  /** Oldest first. */
  past: z.array(z.object({ attempt: z.number().int(), decision: RoutingDecision })),
})
export type RouteExplanation = z.infer<typeof RouteExplanation>
export const RouteExplanationResponse = z.object({ success: z.literal(true), explanation: RouteExplanation })

/** A past attempt, and what today's policy would have done with its order. */
export const ReplayedRoute = z.object({
  work_order_id: z.guid(),
  attempt: z.number().int(),
  title: z.string(),
  complexity_score: z.number(),
  change_kind: z.string(),
  was: z.object({
    proposer: z.string(),
    cost_usd: z.number(),
    /** Null: its pull request is still open. */
    merged: z.boolean().nullable(),
  }),
  would_be: z.object({
    proposer: z.string(),
    strategy: z.string(),
    /** USD of one attempt; null: unknown. */
    expected_cost_usd: z.number().nullable(),
    expected_success: z.number(),
  }),
})
export type ReplayedRoute = z.infer<typeof ReplayedRoute>

/** Sums over the attempts whose end is known and whose cost would be; estimates beside what really was. */
const ReplaySummary = z.object({
  attempts: z.number().int(),
  /** Of them, those that would go to another proposer. */
  changed: z.number().int(),
  compared: z.number().int(),
  was: z.object({ cost_usd: z.number(), merged: z.number().int() }),
  would_be: z.object({ expected_cost_usd: z.number(), expected_merged: z.number() }),
})

export const RouteReplay = z.object({ policy: Policy, summary: ReplaySummary, attempts: z.array(ReplayedRoute) })
export type RouteReplay = z.infer<typeof RouteReplay>
export const RouteReplayResponse = z.object({ success: z.literal(true), replay: RouteReplay })

export const ReplayQuery = z.strictObject({
  /** The latest so many attempts. */
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
})
