import { ShownUsd, UsdAmount } from '../amounts.ts'
import { knownOrOther, storedText } from '../stored-text.ts'
import { EditWorkOrder, WorkOrderResponse } from '../work-orders.ts'
import { z } from '../zod.ts'

/** What a human may decide about an order that is stopped; in the order in which they are offered. */
export const ESCALATION_OPTIONS = ['allow', 'adopt', 'retry', 'model', 'amend', 'verify', 'abort'] as const
export type EscalationOption = (typeof ESCALATION_OPTIONS)[number]

const Time = z.iso.datetime()
const Count = z.number().int().nonnegative()
const LONGEST_NAME = 1_000

/** One of the options of an open escalation. */
const OfferedOption = z
  .object({
    option: knownOrOther(ESCALATION_OPTIONS),
    /** What it does, in one or two sentences. */
    sentence: z.string(),
    /** USD, as the Manager expects it of one attempt; null: it is not known. */
    expected_cost_usd: ShownUsd.nullable(),
    /** The cap of the order after it, where the answer names no other; null: it stays as it is. */
    budget_usd: ShownUsd.nullable(),
    /** Of `model`: which one, where the answer names no other; null for others. */
    proposer: z.string().nullable(),
    /** Of `allow`: which commit is held and what of it, to be given back with the answer; null for others. */
    held: z.string().nullable(),
    /** What to type. */
    command: z.string(),
    /** How often it was the answer where an order was stopped by the same cause. */
    chosen: Count,
    /** Of these, how many have ended, and how many with a pull request that is open or merged. */
    ended: Count,
    ended_well: Count,
  })
  .openapi('OfferedOption')
export type OfferedOption = z.infer<typeof OfferedOption>

export const EscalationView = z
  .object({
    id: z.guid(),
    work_order_id: z.guid(),
    /** The attempt after which the order was stopped; 0: before the first. */
    attempt: z.number().int(),
    /** The code of the fault that stopped it. */
    cause: z.string(),
    opened_at: Time,
    /** Null: it is open. */
    closed_at: Time.nullable(),
    /** `decided`: by the answer; `went_on`: the order went on by other means. */
    closed_as: knownOrOther(['decided', 'went_on']).nullable(),
    /** Null: nothing was decided. Of an open one: what is being carried out. */
    answer: z
      .object({
        option: knownOrOther(ESCALATION_OPTIONS),
        /** As `kind:name`. */
        by: z.string(),
        at: Time,
        /** USD the order had cost until then. */
        spent_usd: ShownUsd,
      })
      .nullable(),
  })
  .openapi('Escalation')
export type EscalationView = z.infer<typeof EscalationView>

export const OpenEscalation = EscalationView.extend({
  /** What was asked, what was tried, what stopped it, what it cost, and what is there: a line each. */
  story: z.array(z.string()),
  options: z.array(OfferedOption),
}).openapi('OpenEscalation')
export type OpenEscalation = z.infer<typeof OpenEscalation>

export const EscalationResponse = z.object({
  success: z.literal(true),
  work_order_id: z.guid(),
  /** Null: nothing about the order has to be decided. */
  escalation: OpenEscalation.or(z.null()),
  /** Where nothing has to be decided: what to type next, as with why of an order that is blocked all the same. */
  next: z.array(z.string()),
  /** Those that are closed, the newest first. */
  past: z.array(EscalationView),
})

export const DecideWorkOrder = z
  .strictObject({
    option: z.enum(ESCALATION_OPTIONS),
    /** Of the escalation that was looked at. Where another is open by now, nothing is done. */
    escalation_id: z.guid().optional(),
    budget_usd: UsdAmount.optional().openapi({
      description:
        'Of `retry`, `model` and `amend`: the cap of the order from now on; left out: what the option offers.',
    }),
    proposer: storedText(LONGEST_NAME).min(1).optional().openapi({
      description: 'Of `model`: the proposer the next attempts are given to; left out: what the option offers.',
    }),
    held: z.string().max(100).optional().openapi({
      description:
        'Of `allow`, which takes it: `held` of the option as it was shown. Where another commit, or something else of it, is held by now, nothing is allowed.',
    }),
    changes: EditWorkOrder.optional().openapi({
      description: 'Of `amend`: what the order asks for from now on. It is approved as it stands then.',
    }),
  })
  .openapi('DecideWorkOrder')
export type DecideWorkOrder = z.infer<typeof DecideWorkOrder>

const BUDGETED: readonly EscalationOption[] = ['retry', 'model', 'amend']

/** What a decision has that does not belong to its option, or lacks (`isMissing`); null: it fits. */
export function misfitOf({
  option,
  budget_usd,
  proposer,
  changes,
  held,
}: DecideWorkOrder): { field: 'budget_usd' | 'proposer' | 'changes' | 'held'; isMissing: boolean } | null {
  if (budget_usd !== undefined && !BUDGETED.includes(option)) return { field: 'budget_usd', isMissing: false }
  if (proposer !== undefined && option !== 'model') return { field: 'proposer', isMissing: false }
  if ((held === undefined) === (option === 'allow')) return { field: 'held', isMissing: held === undefined }
  if ((changes === undefined) !== (option !== 'amend')) return { field: 'changes', isMissing: changes === undefined }
  return null
}

export const DecidedResponse = WorkOrderResponse.extend({
  escalation: EscalationView,
  /** What follows. */
  sentence: z.string(),
})
