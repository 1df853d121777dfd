import { type Fault, toFault } from '../faults/fault.ts'

/** Kinds of things that are left over, as a person reads them. */
export const KINDS = {
  workspaces: 'of attempts that do not run',
  commits: 'in mirrors, of unreferenced attempts',
  mirrors: 'of projects that are gone',
  caches: 'of set-ups not used for long',
  containers: 'of processes that are gone',
  'git files': 'of git processes that are gone',
  'removed files': 'that a process did not get to delete',
  'engine runs': 'whose attempt has ended or is gone',
} as const

export type Kind = keyof typeof KINDS

/** Something that is not used any more. */
export type Leftover = {
  kind: Kind
  /** What a person would look for. */
  name: string
  /** What it takes on disk; null: not measured, or not on this disk. */
  bytes: number | null
  /** Looks once more and removes it. @returns false when it is in use again, or another process has removed it */
  remove(): Promise<boolean>
}

export type Removal = {
  removed: Leftover[]
  /** Those that could not be removed, each with its fault; the others are still removed. */
  failed: { leftover: Leftover; fault: Fault }[]
}

/** Removes what is left over, one after the other. */
export async function removeLeftovers(leftovers: readonly Leftover[], signal: AbortSignal): Promise<Removal> {
  const removal: Removal = { removed: [], failed: [] }
  for (const leftover of leftovers) {
    if (signal.aborted) break
    try {
      if (await leftover.remove()) removal.removed.push(leftover)
    } catch (error) {
      removal.failed.push({ leftover, fault: toFault(error) })
    }
  }
  return removal
}
