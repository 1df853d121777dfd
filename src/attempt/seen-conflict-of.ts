import { z } from 'zod'
import type { SeenConflict } from '../contract/evidence/seen-conflict.ts'
import type { ConflictOf } from '../db/attempts/asked-before.ts'
import type { FaultRecord } from '../faults/fault.ts'
import { jsonOrNull } from '../json-or-null.ts'
import { shownFiles } from '../work-order/ways-out.ts'

const Details = z.object({
  number: z.number(),
  base_sha: z.string(),
  head_sha: z.string(),
  files_json: z.string().transform(jsonOrNull).pipe(z.array(z.string())),
  by_hand: z.string().optional(),
})

/** The conflict that a fault tells of, with the number of its pull request; null: it is of none that git has found. */
export function seenConflictOf(
  { code, details }: FaultRecord,
  now: Date,
): { number: number; conflict: SeenConflict } | null {
  const told = code === 'merge_conflict' ? Details.safeParse(details) : null
  if (told === null || !told.success) return null
  const { number, base_sha, head_sha, files_json: files, by_hand } = told.data
  const left = by_hand === undefined ? {} : { by_hand }
  return { number, conflict: { base_sha, head_sha, files, ...left, since: now.toISOString() } }
}

const Moved = z.object({ number: z.number(), seen_head_sha: z.string() })

/** Where a merge has found the branch that was changed after its checks; null: the fault tells of nothing like that. */
export function movedHeadOf({ code, details }: FaultRecord): { number: number; headSha: string } | null {
  const told = code === 'merge_conflict' ? Moved.safeParse(details) : null
  return told === null || !told.success ? null : { number: told.data.number, headSha: told.data.seen_head_sha }
}

export function seenConflict(
  { base_sha, head_sha, files }: ConflictOf & { files: readonly string[] },
  now: Date,
): SeenConflict {
  return { base_sha, head_sha, files: shownFiles(files), since: now.toISOString() }
}
