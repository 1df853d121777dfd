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

type Approved = { review: string | null; head_sha: string; seen_approval?: SeenApproval | null | undefined }

/** By a person with write access, as seen with what its branch holds; null: none was seen with that. */
export function approvalSeen({ head_sha: head, seen_approval: approval = null }: Omit<Approved, 'review'>) {
  if (approval === null || approval.head_sha !== head || approval.by === null) return null
  return { ...approval, by: approval.by }
}

/** Of a pull request that its forge calls approved, where what its branch holds was made after that; null: it was not. */
export function approvedBeforeText(pull: Approved): string | null {
  const approval = approvalSeen(pull)
  if (pull.review !== 'APPROVED' || approval === null || approval.holds) return null
  const { by, approved_sha: sha, head_sha: head } = approval
  const what = sha === null ? 'a commit that is gone' : sha.slice(0, 12)
  return `${by} approved ${what}, and ${head.slice(0, 12)} was made since`
}
