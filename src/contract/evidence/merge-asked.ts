import { z } from '../zod.ts'

/** What became of having an open pull request merged by rule. */
export const MergeAsked = z.object({
  /** The commit that is to be merged, and no other. */
  head_sha: z.string(),
  /**
   * `asking`: the forge is being asked; `waiting`: it merges by itself once all it requires is there; `refused`: as `why` says;
   * `switched_off`: somebody has taken back there what was waited for, and this commit is not asked for again.
   */
  is: z.enum(['asking', 'waiting', 'refused', 'switched_off']),
  /** Of `asking`: why its forge may merge it still, which it was told not to do. */
  why: z.string().nullable(),
  /** What was known of it then: where that is another, it is tried again. */
  of: z.string(),
  /** Tried again from then on: what is refused, and by other processes what is being asked; null: not by time. */
  again_at: z.string().nullable(),
  at: z.string(),
})
export type MergeAsked = z.infer<typeof MergeAsked>
