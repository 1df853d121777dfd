import { knownOrOther } from '../stored-text.ts'
import { z } from '../zod.ts'
import { Revert, UnverifiedMerge } from './revert.ts'

/** What merged a pull request. */
export const MergedBy = z
  .object({
    /** `rule`: Moose, by the merge policy `auto`; `auto_merge`: its forge by itself, as Moose had asked it to; `person`: a person. */
    is: knownOrOther(['rule', 'auto_merge', 'person']),
    /** Of a person: the login on the forge, or the name by which it was merged through Moose; null: not told. */
    name: z.string().nullable(),
  })
  .openapi('MergedBy')
export type MergedBy = z.infer<typeof MergedBy>

/** Of a pull request that was merged. */
export const AFTER_MERGE = {
  /** What reverted it on its base since it was merged; null: nothing, as far as that was looked for. */
  reverted: Revert.nullish(),
  /** That it was merged at a commit which Moose has not verified, as far as that is known; null: nothing says so. */
  merged_unverified: UnverifiedMerge.nullish(),
  /** What merged it; null: it is not merged, or an earlier Moose did not keep that. */
  merged_by: MergedBy.nullish(),
}

/** As its makers spell it. */
export function forgeName(forge: string): string {
  return forge === 'github' ? 'GitHub' : forge
}

/** Behind "was merged"; empty where it is not known. */
export function mergedByText(by: MergedBy | null): string {
  if (by?.is === 'rule') return ' by a rule of the merge policy'
  if (by?.is === 'auto_merge') return " by GitHub's auto-merge (requested by Moose)"
  if (by?.is !== 'person') return ''
  return by.name === null ? ' by a person' : ` by ${by.name}`
}

/** As it is kept with the outcome of a pull request; null: an earlier Moose did not keep it. */
export function mergedByIn(metadata: unknown): MergedBy | null {
  const kept = z.object({ merged_by: MergedBy }).safeParse(metadata)
  return kept.success ? kept.data.merged_by : null
}
