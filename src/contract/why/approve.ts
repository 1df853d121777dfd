import { LIMITS } from '../../work-order/content.ts'
import { ScopePath } from '../../work-order/scope.ts'
import { storedText } from '../stored-text.ts'
import { ContentHash } from '../work-orders.ts'
import { z } from '../zod.ts'

/** Which content is approved, and what of its changes is allowed to be published beside. */
export const ApproveWorkOrder = z
  .strictObject({
    content_sha256: ContentHash.optional().openapi({
      description: 'Of the order as it was looked at. Where its content is another one by now, nothing is approved.',
    }),
    head_sha: z
      .string()
      .regex(/^[0-9a-f]{40}$/, 'must be a commit')
      .optional()
      .openapi({
        description: 'Of the held commit that was looked at. Where it is not held by now, nothing is allowed.',
      }),
    allow: z.array(ScopePath).max(LIMITS.files).default([]).openapi({
      description: 'Protected paths that may change, or folders with a / at their end',
    }),
    allow_all_protected: z.boolean().default(false).openapi({
      description: 'Whatever is protected; no text that looks like a key',
    }),
    allow_secrets: z
      .array(z.string().regex(/^[0-9a-f]{16}$/, 'must be a fingerprint of 16 digits, as the reason tells it'))
      .max(LIMITS.files)
      .default([])
      .openapi({ description: 'Fingerprints of texts that look like keys and may be published' }),
  })
  .openapi('ApproveWorkOrder')
export type ApproveWorkOrder = z.infer<typeof ApproveWorkOrder>

export const ReasonBody = z.strictObject({ reason: storedText(LIMITS.criterion).optional() })
