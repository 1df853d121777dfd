import { CAP_TARGETS } from '../budget-changes.ts'
import { knownOrOther } from '../stored-text.ts'
import { WorkOrderView } from '../work-orders.ts'
import { z } from '../zod.ts'
import { Why } from './why.ts'

/** The most an approval allows to be spent, in USD; null: no cap of its own keeps it. */
const WorstCase = z.number().nonnegative().nullable()

export const WhyResponse = z.object({
  success: z.literal(true),
  /** Of an order that is not approved with `verification` and `protected_scope`. */
  work_order: WorkOrderView,
  why: Why,
  /** Of an order that is not approved; null for others. */
  worst_case_usd: WorstCase,
})
export type WhyResponse = z.infer<typeof WhyResponse>

/** What waits for a human; in this order, and of one kind the oldest first. */
export const INBOX_KINDS = [
  /** Nothing is spent at all. */
  'stopped',
  /** So many orders in a row failed alike that their project, or their proposer, is given none. */
  'paused_project',
  'paused_proposer',
  'approval',
  'held_change',
  /** A pull request that is ready to be merged. */
  'merge',
  /** An open pull request that conflicts, whose checks failed, that waits for a review or was turned down, or that was moved. */
  'review',
  'blocked',
  'failed',
  'paused_provider',
  'budget',
] as const
export type InboxKind = (typeof INBOX_KINDS)[number]

export const InboxEntry = z
  .object({
    kind: knownOrOther(INBOX_KINDS),
    /** Null: it is about no order. Of an approval with `verification` and `protected_scope`. */
    work_order: WorkOrderView.or(z.null()),
    sentence: z.string(),
    evidence: Why.shape.evidence,
    /** Of an approval; null for others. */
    worst_case_usd: WorstCase,
    /** Commands to type, the most likely first. */
    next: Why.shape.next,
    /** Of a paused provider: its name. */
    provider: z.string().optional(),
    /** Of a paused project, or a paused proposer: its name. */
    project: z.string().optional(),
    proposer: z.string().optional(),
    /** The cap that is reached, as `PUT /api/budget/caps` names it; missing: it is about no cap. */
    cap: z.enum(CAP_TARGETS).optional(),
    /** Whether every call to a model was stopped by hand: it may be resumed. */
    by_hand: z.boolean().optional(),
    /** Since when it waits; null: that is not known. */
    since: z.iso.datetime().nullable(),
  })
  .openapi('InboxEntry')
export type InboxEntry = z.infer<typeof InboxEntry>

export const InboxResponse = z.object({
  success: z.literal(true),
  inbox: z.array(InboxEntry),
  /** Orders that are not looked at because there are more than 100 in one state: the newest are. */
  left_out: z.number().int(),
})
export type InboxResponse = z.infer<typeof InboxResponse>
