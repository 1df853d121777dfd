import { STATUSES } from '../work-order/status.ts'
import { ShownUsd } from './amounts.ts'
import { MergedCounts } from './numbers.ts'
import { knownOrOther } from './stored-text.ts'
import { z } from './zod.ts'

const Time = z.iso.datetime()
/** Null: there is no such cap. */
const Cap = ShownUsd.nullable()

/** What is counted against a cap. */
const Sums = z.object({
  /** Charged. */
  spent_usd: ShownUsd,
  /** Reserved for calls under way, and for calls of which it is unknown whether they were charged. */
  reserved_usd: ShownUsd,
})

/** The day or the month, in UTC by the database's clock. */
export const BudgetPeriod = Sums.extend({
  /** Passing it warns. */
  soft_cap_usd: Cap,
  /** No call is made that could pass it. */
  hard_cap_usd: Cap,
  /** What calls can still take; of the day, below the emergency kill too. Null: there is no cap. */
  left_usd: Cap,
}).openapi('BudgetPeriod')
export type BudgetPeriod = z.infer<typeof BudgetPeriod>

/** The first Moose's names. */
export const BUDGET_STATUSES = ['normal', 'warning', 'hard_cap_exceeded', 'emergency_kill'] as const

/** How the money stands, in short. */
export const BudgetLine = z
  .object({
    /**
     * `warning`: the day or the month has spent its soft cap; `hard_cap_exceeded`: nothing is left of one of them;
     * `emergency_kill`: every call is stopped.
     */
    status: z.enum(BUDGET_STATUSES),
    emergency_stop: z.object({
      active: z.boolean(),
      /** It was stopped by hand; otherwise the day's spending has reached the emergency kill. */
      by_hand: z.boolean(),
      /** What happened and what to do; null while nothing is stopped. */
      reason: z.string().nullable(),
    }),
    today: BudgetPeriod,
    this_month: BudgetPeriod,
    /** Calls of which it is unknown whether they were charged; they stay reserved until they are reconciled. */
    unresolved: z.object({ count: z.number().int(), amount_usd: ShownUsd }),
    /**
     * Reservations whose entries break the rules of the ledger. They count nowhere, and nothing is spent until each is put
     * right: settle it.
     */
    disputed: z.number().int(),
  })
  .openapi('BudgetLine')
export type BudgetLine = z.infer<typeof BudgetLine>

/** What all attempts of an order together have cost. */
export const OrderBudget = Sums.extend({
  /** Its own, or the usual one; null: none, or `budget_limits` cannot be read. */
  cap_usd: Cap,
  /** The part of `reserved_usd` of which it is unknown whether it was charged. */
  unresolved_usd: ShownUsd,
}).openapi('OrderBudget')
export type OrderBudget = z.infer<typeof OrderBudget>

/** A reservation that has not ended. */
export const OpenReservation = z
  .object({
    /** What the provider was sent as `x-client-request-id`. */
    id: z.guid(),
    state: z.enum(['under_way', 'unresolved']),
    work_order_id: z.guid().nullable(),
    attempt: z.number().int().nullable(),
    proposer: z.string(),
    provider: z.string(),
    model: z.string(),
    /** The most the call can cost. */
    amount_usd: ShownUsd,
    at: Time,
  })
  .openapi('OpenReservation')
export type OpenReservation = z.infer<typeof OpenReservation>

/** The row `budget_limits` as it is in force. */
const BudgetLimitsView = z
  .object({
    order_cap: Cap,
    project_monthly_cap: Cap,
    daily_soft_cap: Cap,
    daily_hard_cap: Cap,
    monthly_target: Cap,
    monthly_hard_cap: Cap,
    emergency_kill: Cap,
  })
  .openapi('BudgetLimits')

export const BudgetPause = z.object({
  provider: z.string(),
  /** Outages in a row. */
  failures: z.number().int(),
  reason: z.string(),
  since: Time,
  until: Time,
})

export const BudgetView = BudgetLine.extend({
  at: Time,
  /** `2026-01-31`, in UTC. */
  day: z.iso.date(),
  /** `2026-01`, in UTC. */
  month: z.string().openapi({ example: '2026-01' }),
  limits: BudgetLimitsView,
  /** This month, the dearest first; with those that have a cap of their own. `project` null: of no project, or of one that is gone. */
  projects: z.array(Sums.extend({ project: z.string().nullable(), cap_usd: Cap })),
  /** This month, the dearest first. */
  models: z.array(
    Sums.extend({
      proposer: z.string(),
      provider: z.string(),
      model: z.string(),
      /** Every try, also those that failed. */
      calls: z.number().int(),
      input_tokens: z.number().int(),
      output_tokens: z.number().int(),
    }),
  ),
  /** The 20 dearest that cost something this month, with all they have cost ever, as their caps count it. */
  orders: z.array(
    Sums.extend({
      id: z.guid(),
      /** Null: the order was deleted. */
      title: z.string().nullable(),
      status: knownOrOther(STATUSES).nullable(),
      cap_usd: Cap,
    }),
  ),
  /** Oldest first, at most 500. */
  reservations: z.array(OpenReservation),
  /** Orders that rest until there is money, a price or a provider; oldest first, at most 100. */
  waiting: z.array(
    z.object({
      id: z.guid(),
      title: z.string(),
      code: z.string(),
      /** With what to do about it. */
      message: z.string(),
      /** Of `budget_exceeded`: which cap, and whose; null for the others. */
      scope: z.string().nullable(),
      of: z.string().nullable(),
    }),
  ),
  /** Providers that are paused until then. */
  paused_providers: z.array(BudgetPause),
}).openapi('Budget')
export type BudgetView = z.infer<typeof BudgetView>

/** A row of `merged_by` of the numbers, with amounts for showing as all others here. */
export const BudgetMergedBy = MergedCounts.extend({
  orders_usd: ShownUsd,
  cost_per_merged_usd: ShownUsd.nullable(),
}).openapi('BudgetMergedBy')
export type BudgetMergedBy = z.infer<typeof BudgetMergedBy>

export const BudgetResponse = z.object({
  success: z.literal(true),
  budget: BudgetView,
  /** What a merged pull request cost in the last 30 days, by project, proposer and kind of change; in no answer to a change. */
  merged_by: z.array(BudgetMergedBy).optional(),
})

export const EmergencyResponse = z.object({
  success: z.literal(true),
  /** Null: it is done, and the row `budget_limits` cannot be read; `problem` says why. */
  budget: BudgetView.or(z.null()),
  problem: z.string().optional(),
})
export type EmergencyResponse = z.infer<typeof EmergencyResponse>
