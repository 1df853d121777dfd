import type { SeenConflict } from '../contract/evidence/seen-conflict.ts'
import type { FaultRecord } from '../faults/fault.ts'

/** The conflict that a fault tells of, with the number of its pull request; null: it is of none that git has found. */
export function seenConflictOf(
  { code, details }: FaultRecord,
  now: Date,
): { number: number; conflict: SeenConflict } | null {
  const { number, base_sha, head_sha, files } = details === undefined ? {} : details
  if (code !== 'merge_conflict' || typeof number !== 'number') return null
  if (typeof base_sha !== 'string' || typeof head_sha !== 'string' || typeof files !== 'string') return null
  return { number, conflict: seenConflict({ base_sha, head_sha, files }, now) }
}

/** @param files as a message names them */
export function seenConflict(
  { base_sha, head_sha, files }: { base_sha: string; head_sha: string; files: string },
  now: Date,
): SeenConflict {
  return { base_sha, head_sha, files: files.split(', '), since: now.toISOString() }
}
