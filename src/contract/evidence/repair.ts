import { z } from 'zod'

/** What stands for a check where the base had moved, and git could not merge it into the branch. */
export const CONFLICT = 'merge conflict'

/** One try of an attempt to mend what a check found, in the order they were made. */
export const Repair = z.object({
  /** The check that failed and led to it, or `merge conflict`. */
  check: z.string(),
  /** `fix`: the check's own `fix:` command; `proposer`: the model was told what failed; `aider`: the same through Aider. */
  by: z.enum(['fix', 'proposer', 'aider']),
  /** The commit it made; null: it made none. */
  head_sha: z.string().nullable(),
  /** USD of its model calls. */
  cost_usd: z.number().nonnegative(),
  /** Whether its check passed, or failed as on the base, afterwards; another one may fail. */
  mended: z.boolean(),
})
export type Repair = z.infer<typeof Repair>
