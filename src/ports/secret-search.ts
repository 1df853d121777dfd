import type { Project } from '../work-order/project.ts'

/** A commit that would be pushed. */
export type OutgoingCommit = {
  project: Project
  baseSha: string
  headSha: string
  /** Names the commit would be pushed under. */
  branches: readonly string[]
  signal: AbortSignal
}

/** A secret of Moose's that a commit would carry out. */
export type CarriedSecret = {
  /** What a person knows it by; never its value. */
  name: string
  /** Where it stands, e.g. `src/a.ts, line 3` or `the commit's message`; without the secret. */
  place: string
  /** Of the file; null: it stands in no file's content. */
  path: string | null
  /** From 1; null where there are no lines. */
  line: number | null
}

/** Looks for the secrets this process was given in what it is about to publish. */
export interface SecretSearch {
  /**
   * The first secret the commit adds to what its base holds: to a file's content, text or not, to a file's name, to the
   * commit's message or the names of its branch. One that a file held before, as often as now, is not added.
   *
   * @returns null: there is none
   */
  find(outgoing: OutgoingCommit): Promise<CarriedSecret | null>
}
