import { z } from './zod.ts'

/** The body of every error answer. `code` is stable; `message` says what happened, why and what to do. */
export const FaultBody = z
  .object({
    success: z.literal(false),
    error: z.object({
      code: z.string().openapi({ example: 'work_order_not_found' }),
      message: z.string(),
      details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
    }),
  })
  .openapi('Fault')
