import { z } from '../zod.ts'

/** The approval of a person with write access by which a pull request counts as approved, as last seen. */
export const SeenApproval = z
  .object({
    /** Login; null: no such person has approved it. */
    by: z.string().nullable(),
    /** The commit that was approved; null: it is not known. */
    approved_sha: z.string().nullable(),
    /** What its branch held then. */
    head_sha: z.string(),
    /** Whether that is the approved commit, or differs from it only by what git alone has merged in from its base, for Moose. */
    holds: z.boolean(),
  })
  .openapi('SeenApproval')
export type SeenApproval = z.infer<typeof SeenApproval>

/** As `pull_requests.seen_approval` has it. */
export function approvalIn(stored: unknown): SeenApproval | null {
  return stored === null ? null : SeenApproval.parse(stored)
}

/** Of a pull request that its forge calls approved, where what its branch holds was made after that; null: it was not. */
export function approvedBeforeText({
  review,
  head_sha: head,
  seen_approval: approval = null,
}: {
  review: string | null
  head_sha: string
  seen_approval?: SeenApproval | null | undefined
}): string | null {
  if (review !== 'APPROVED' || approval === null || approval.holds || approval.head_sha !== head) return null
  const { by, approved_sha: sha } = approval
  if (by === null) return null
  const what = sha === null ? 'a commit that is gone' : sha.slice(0, 12)
  return `${by} approved ${what}, and ${head.slice(0, 12)} was made since; to be merged by rule it needs another approval`
}
