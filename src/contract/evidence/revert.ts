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
