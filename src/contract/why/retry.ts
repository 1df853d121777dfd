import { WorkOrderResponse } from '../work-orders.ts'
import { z } from '../zod.ts'

/** How an order is retried. */
export const RETRY_MODES = ['again', 'fresh', 'verify_only'] as const
export type RetryMode = (typeof RETRY_MODES)[number]

export const RetryWorkOrder = z
  .strictObject({
    mode: z
      .enum(RETRY_MODES)
      .default('again')
      .openapi({
        description:
          '`again`: the model is asked again and told what failed last; answers that were not to blame are taken again, and a ' +
          'commit whose push alone was rejected is verified and published without a model. ' +
          '`fresh`: it is asked anew, is told of no earlier failure, and no earlier answer is taken. `verify_only`: no model is ' +
          'called, and nothing is paid; checks and publishing are run on the latest commit that an attempt left.',
      }),
  })
  .openapi('RetryWorkOrder')

export const VerifyWorkOrder = z
  .strictObject({
    resolve: z
      .boolean()
      .default(false)
      .openapi({
        description:
          'Where git cannot merge the base into the branch of the pull request, the model that made the change is asked to: once ' +
          "for the two commits, with at most two answers, paid for within the order's cap. Otherwise no model is called.",
      }),
  })
  .openapi('VerifyWorkOrder')

/** What a retry does. */
export const Retried = z
  .object({
    mode: z.enum(RETRY_MODES),
    /** One or two sentences. */
    sentence: z.string(),
    /** The code of the failure that the model is told of; null: of none. */
    told_of: z.string().nullable(),
    /** Whether its last attempt was answered by a recording, which can only be replayed. */
    replays: z.boolean(),
  })
  .openapi('Retried')
export type Retried = z.infer<typeof Retried>

export const RetriedWorkOrderResponse = WorkOrderResponse.extend({ retried: Retried })
