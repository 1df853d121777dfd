import { z } from '../zod.ts'

/** What git cannot merge of a pull request, as it was last seen. It holds as long as head and base stand there. */
export const SeenConflict = z
  .object({
    base_sha: z.string(),
    /** Where its base was seen to stand since; missing: it was not looked at. Another than `base_sha` has moved on. */
    seen_base_sha: z.string().optional(),
    head_sha: z.string(),
    /** As they were told: of more than 20, the last entry says how many more. */
    files: z.array(z.string()),
    /** Why no model can resolve it, as a sentence; missing: one may be asked to. */
    by_hand: z.string().optional(),
    /** When the branch was first seen to conflict, as an ISO time. */
    since: z.string(),
  })
  .openapi('SeenConflict')
export type SeenConflict = z.infer<typeof SeenConflict>
