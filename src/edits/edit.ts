import type { Traits } from './file-traits.ts'

/** One SEARCH/REPLACE pair: whole lines without their line endings. */
export type Replacement = {
  /** Line of the answer (from 1) its SEARCH marker stands on. */
  line: number
  /** The lines to be found exactly once; empty only for a file that is missing or empty. */
  search: readonly string[]
  replace: readonly string[]
  /** Which of several places is meant: at this line of the file before the block, from 1, or below the only line of a text. */
  near?: { line: number } | { below: string }
  /** Whether a newline ends the file then, where the lines are to be its last ones. */
  finalNewline?: boolean
}

type Block = {
  /** Place of the block in the answer, from 1. */
  block: number
  /** Line of the answer (from 1) its header stands on. */
  line: number
  /** As the model wrote it; what it means is told when the edit is applied. */
  path: string
}

type NamedFence = { namedBy?: 'title' | 'words'; isAll?: boolean; isGuess?: boolean; mayReplace?: 'likely' | 'said' }

/** One block of an answer. Blocks are applied in their order. */
export type Edit =
  /** Without a pair where only traits are changed. */
  | (Block & Traits & { kind: 'edit'; replacements: readonly Replacement[] })
  /**
   * `body`: the lines of the whole file; none for an empty file. `namedBy`: what names the file where no header says that
   * this is the whole of it. Under a title a new file is made of it; else it must stand in the file in the end, as a run of its
   * lines, or be all of the file by what `mayReplace` says: `likely` where its lines show that, `said` where words do too.
   * `isGuess`: only its place behind a view of the file tells of it, so that one with few lines of the file is an example.
   * `isAll`: a verb, or words such as "the complete file", say that it is more than a part.
   */
  | (Block & Traits & { kind: 'write'; body: readonly string[] } & NamedFence)
  | (Block & { kind: 'delete' })
  | (Block & Traits & { kind: 'rename'; to: string })
