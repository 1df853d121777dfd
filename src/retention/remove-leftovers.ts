import { type Fault, toFault } from '../faults/fault.ts'
import type { Leftover } from './leftover.ts'

export type Removal = {
  removed: Leftover[]
  /** What stands in the way of one is in the way of no other. */
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
