import { z } from '@hono/zod-openapi'

/** The part of a webhook of GitHub that is looked at; it is only a hint, GitHub itself is asked what is so. */
export const GitHubWebhookBody = z
  .looseObject({
    pull_request: z.looseObject({ number: z.number().int() }).optional(),
    check_suite: z.looseObject({ pull_requests: z.array(z.looseObject({ number: z.number().int() })) }).optional(),
    check_run: z
      .looseObject({
        check_suite: z.looseObject({ pull_requests: z.array(z.looseObject({ number: z.number().int() })) }).optional(),
      })
      .optional(),
  })
  .openapi('GitHubWebhook')
export type GitHubWebhookBody = z.infer<typeof GitHubWebhookBody>

export const GitHubWebhookResponse = z.object({
  success: z.literal(true),
  /** False: this delivery was taken before. */
  accepted: z.boolean(),
})
