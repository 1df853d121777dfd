import { RISK_LEVELS } from '../work-order/content.ts'
import { Risk } from '../work-order/risk.ts'
import { Scope } from './api-token.ts'
import { ORDER_FORMATS } from './order-file/formats.ts'
import { storedText } from './stored-text.ts'
import { HiddenTextView, MOST_ORDERS_AT_ONCE, NewWorkOrder, WorkOrderParams, WorkOrderView } from './work-orders.ts'
import { z } from './zod.ts'

/** Characters of a file of orders; reading YAML keeps the service from everything else. */
export const LONGEST_ORDER_FILE = 500_000

const CheckText = z.strictObject({
  text: z
    .string()
    .max(LONGEST_ORDER_FILE, `is longer than ${LONGEST_ORDER_FILE} characters`)
    .openapi({
      description:
        'A file of orders: YAML or JSON (one, a list, `{ "work_orders": […] }`, several documents), JSON lines, or CSV with ' +
        'the names of fields in its first line',
    }),
  format: z.enum(ORDER_FORMATS).optional().openapi({ description: 'Left out: by what the text looks like' }),
  project: NewWorkOrder.shape.project.openapi({ description: 'Name of the project of those that name none' }),
})

const CheckList = z.strictObject({
  work_orders: z
    .array(z.unknown())
    .min(1)
    .max(MOST_ORDERS_AT_ONCE)
    .openapi({ description: 'What would be filed; whatever is wrong with it is told in the answer' }),
  edit_of: WorkOrderParams.shape.id.optional().openapi({
    description: 'Of the order that is to become this: what it has spent already counts',
  }),
})

/** Body of `POST /api/work-orders/check`. */
export const CheckWorkOrders = z.union([CheckText, CheckList])
export type CheckWorkOrders = z.infer<typeof CheckWorkOrders>

const LineProblem = z
  .object({
    /** From 1; null: it was not read from a text. */
    line: z.number().int().nullable(),
    /** `title`, `files_in_scope[1]`; empty: the whole of it. */
    field: z.string(),
    /** Completes the sentence that begins with the field. */
    reason: z.string(),
  })
  .openapi('OrderProblem')

export const OrderCheck = z
  .object({
    /** Where it begins in the text; null: there is none. */
    line: z.number().int().nullable(),
    /** As it is written, also of what cannot be filed; null: there is no text of this name. */
    title: z.string().nullable(),
    /** As it would be filed; null: it is not what the contract says an order is. */
    order: NewWorkOrder.or(z.null()),
    /** Why it cannot be filed and carried out; empty: it can. */
    problems: z.array(LineProblem),
    /** What is probably not meant, and can be filed all the same. */
    warnings: z.array(LineProblem),
    /** The project it would be for; null: there is none yet, or it cannot be told. */
    project: z.string().nullable(),
    /** What a token needs to file it as it is: `approve` where it is approved at once, or may cost more than any order. */
    scope: Scope,
    /** The most that approving it would allow to be spent, in USD; null: no cap of its own keeps it, or `order` is null. */
    worst_case_usd: z.number().nonnegative().nullable(),
    /** What approving it would mean, in words; null: `order` is null. */
    sentence: z.string().nullable(),
    /** Its risk by the Director's rules, and which of them fit; null: `order` is null. */
    risk: Risk.or(z.null()),
    /** The highest risk that its project has approved by rule; null: it has a human approve each. */
    auto_approve: z.enum(RISK_LEVELS).nullable(),
    verification: WorkOrderView.shape.verification.unwrap(),
    protected_scope: WorkOrderView.shape.protected_scope.unwrap(),
    hidden_text: z.array(HiddenTextView),
  })
  .openapi('OrderCheck')
export type OrderCheck = z.infer<typeof OrderCheck>

export const CheckWorkOrdersResponse = z.object({
  success: z.literal(true),
  /** Whether all of them can be filed. */
  fileable: z.boolean(),
  /** In the order of the text or the list. */
  work_orders: z.array(OrderCheck),
  /** What keeps parts of the text from being read at all. */
  problems: z.array(LineProblem),
  /** Of all of them together; null: of one it cannot be told, or no cap keeps it. */
  worst_case_usd: z.number().nonnegative().nullable(),
})
export type CheckWorkOrdersResponse = z.infer<typeof CheckWorkOrdersResponse>

export const FilesQuery = z.strictObject({
  prefix: storedText(512).default('').openapi({ description: 'What the paths begin with; empty: those at the root' }),
  anywhere: z
    .enum(['true', 'false'])
    .default('false')
    .openapi({ description: '`true`: behind those, paths that have the text anywhere, whatever its case' }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
export type FilesQuery = z.infer<typeof FilesQuery>

export const ProjectFilesResponse = z.object({
  success: z.literal(true),
  /** The base branch. */
  branch: z.string(),
  /** The commit whose files these are; null: it is not known without a network that answers. */
  commit: z.string().nullable(),
  /** Of those that begin so the ones in that folder: folders, with a / at the end, and files, each by name. */
  files: z.array(z.string()),
  /** Others that fit, beyond `limit`. */
  left_out: z.number().int(),
})
export type ProjectFilesResponse = z.infer<typeof ProjectFilesResponse>
