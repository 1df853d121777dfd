import { applyEdits } from '../edits/apply-edits.ts'
import { parseEdits } from '../edits/parse-edits.ts'
import { isOf } from '../faults/families.ts'
import { Fault } from '../faults/fault.ts'
import type { BaseTree } from '../ports/proposal.ts'

/** Why an answer cannot be applied to the base commit; null when it can. Nothing is written. */
export async function faultOfEdits(text: string, base: BaseTree, scope: readonly string[]): Promise<Fault | null> {
  try {
    await applyEdits(parseEdits(text), { read: (path) => base.read(path), scope })
    return null
  } catch (error) {
    if (error instanceof Fault && isOf('correctable', error.code)) return error
    throw error
  }
}
