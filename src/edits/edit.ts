/** One SEARCH/REPLACE pair: whole lines without their line endings. */
export type Replacement = {
  /** Line of the answer (from 1) its SEARCH marker stands on. */
  line: number
  /** The lines to be found exactly once; empty only for a file that is missing or empty. */
  search: readonly string[]
  replace: readonly string[]
}

type Block = {
  /** Place of the block in the answer, from 1. */
  block: number
  /** Line of the answer (from 1) its header stands on. */
  line: number
  /** As the model wrote it; checked when the edit is applied. */
  path: string
}

/** One block of an answer. Blocks are applied in their order. */
export type Edit =
  | (Block & { kind: 'edit'; replacements: readonly Replacement[] })
  /** `body`: the lines of the whole file; none for an empty file. */
  | (Block & { kind: 'write'; body: readonly string[] })
  | (Block & { kind: 'delete' })
  | (Block & { kind: 'rename'; to: string })
