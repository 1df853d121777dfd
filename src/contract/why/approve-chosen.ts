import { LIMITS, RISK_LEVELS } from '../../work-order/content.ts'
import { FaultBody } from '../faults.ts'
import { ListQuery } from '../order-list.ts'
import { storedText, UtcTime } from '../stored-text.ts'
import { ContentHash, WorkOrderView } from '../work-orders.ts'
import { z } from '../zod.ts'
import { ApproveWorkOrder } from './approve.ts'

/** Looked at at once, the newest. */
export const MOST_CHOSEN = 1_000

/** Which pending orders are meant that are not approved; what is left out is not asked about. */
export const ApproveChosen = ApproveWorkOrder.omit({ content_sha256: true, head_sha: true })
  .extend({
    project: ListQuery.shape.project,
    risk: z.enum(RISK_LEVELS).optional().openapi({ description: 'The highest one, by the rules' }),
    title: storedText(LIMITS.title)
      .optional()
      .openapi({ description: 'Words, all of which are in the title, in any case' }),
    filed_before: UtcTime.optional(),
    confirm: z
      .array(z.strictObject({ work_order_id: z.uuid(), content_sha256: ContentHash }))
      .min(1)
      .max(MOST_CHOSEN)
      .optional()
      .openapi({ description: 'The chosen ones to be approved, as they were answered. Left out: none is approved' }),
  })
  .openapi('ApproveChosen')
export type ApproveChosen = z.infer<typeof ApproveChosen>

export const ApproveChosenResponse = z
  .object({
    success: z.literal(true),
    /** Each with its risk, the most it may cost, and what verifies it; the oldest first. */
    chosen: z.array(WorkOrderView),
    worst_case_usd: z
      .number()
      .openapi({ description: 'The most that those chosen may cost together, as far as it is bounded' }),
    unbounded: z.number().int().openapi({ description: 'How many of them no cap of their own bounds' }),
    above: z
      .array(z.object({ level: z.enum(RISK_LEVELS), rule: z.string(), orders: z.number().int().positive() }))
      .openapi({ description: 'How many fit but for `risk`, which is higher, and the first rule that says so' }),
    is_cut: z.boolean().openapi({ description: `Only the newest ${MOST_CHOSEN} that are not approved were looked at` }),
    approved: z.array(WorkOrderView),
    /** Confirmed ones that were not approved, e.g. because they were edited meanwhile. */
    refused: z.array(z.object({ work_order_id: z.string(), error: FaultBody.shape.error })),
  })
  .openapi('ApproveChosenResponse')
export type ApproveChosenResponse = z.infer<typeof ApproveChosenResponse>
