import { z } from '../zod.ts'

const Time = z.iso.datetime()

/** A commit on the base that took a merged change back. */
export const Revert = z
  .object({
    /** Null: an earlier Moose did not keep it. */
    by: z.string().nullable(),
    /** When it was committed, but not before the merge. */
    at: Time,
    /** When Moose saw it. */
    seen_at: Time,
  })
  .openapi('Revert')
export type Revert = z.infer<typeof Revert>

/** While its forge was to merge the one commit by itself, the other was pushed, and merged by the forge or a person. */
export const UnverifiedMerge = z.object({ verified_sha: z.string(), merged_sha: z.string() }).openapi('UnverifiedMerge')
export type UnverifiedMerge = z.infer<typeof UnverifiedMerge>
