import { z } from 'zod'

/** What stands for a check where the base had moved, and git could not merge it into the branch. */
export const CONFLICT = 'merge conflict'

/** Behind the name of what a pull request's own forge said, whose checks are not run here. */
export const OF_PULL_REQUEST = ' of the pull request'
export const REVIEW = `review${OF_PULL_REQUEST}`

/** Whether a repair was asked for on the pull request, so that only its forge can tell whether it is mended. */
export function isOfPullRequest({ check }: Pick<Repair, 'check'>): boolean {
  return check.endsWith(OF_PULL_REQUEST)
}

/** One try of an attempt to mend what a check found, in the order they were made. */
export const Repair = z.object({
  /** The check that failed and led to it, `merge conflict`, or what was said on the pull request: `… of the pull request`. */
  check: z.string(),
  /** `fix`: the check's own `fix:` command; `proposer`: the model was told what failed; `aider`: the same through Aider. */
  by: z.enum(['fix', 'proposer', 'aider']),
  /** The commit it made; null: it made none. */
  head_sha: z.string().nullable(),
  /** USD of its model calls. */
  cost_usd: z.number().nonnegative(),
  /** Whether its check passed, or failed as on the base, afterwards; another one may fail. On the pull request: whether all here did. */
  mended: z.boolean(),
})
export type Repair = z.infer<typeof Repair>
