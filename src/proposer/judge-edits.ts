import { applyEdits } from '../edits/apply-edits.ts'
import { parseEdits } from '../edits/parse-edits.ts'
import { Fault, type FaultCode } from '../faults/fault.ts'
import type { BaseTree } from '../ports/proposal.ts'

/** What a model can put right when it is told. */
const CORRECTABLE: ReadonlySet<FaultCode> = new Set([
  'change_out_of_scope',
  'change_without_effect',
  'edits_malformed',
  'edits_missing',
  'edits_rejected',
  'reasoning_unclear',
])

/** Why an answer cannot be applied to the base commit; null when it can. Nothing is written. */
export async function faultOfEdits(text: string, base: BaseTree, scope: readonly string[]): Promise<Fault | null> {
  try {
    await applyEdits(parseEdits(text), { read: (path) => base.read(path), scope })
    return null
  } catch (error) {
    if (error instanceof Fault && CORRECTABLE.has(error.code)) return error
    throw error
  }
}
