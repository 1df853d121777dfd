import type { HeldChange } from '../work-order/protection/held-change.ts'
import type { ProtectionRules } from '../work-order/protection/protected-paths.ts'
import type { OutgoingCommit } from './secret-search.ts'

/** A commit that would be pushed, with the text of its pull request and the rules of its project. */
export type PublishedCommit = Pick<OutgoingCommit, 'project' | 'baseSha' | 'headSha' | 'signal'> & {
  rules: ProtectionRules
  /** Title and body. */
  text: string
}

/** Looks for what a human has to allow in what is about to be published. */
export interface HeldSearch {
  /**
   * What of the commit is protected, judged by git's own comparison with its base: protected paths and parts of files,
   * submodules, links that lead out of the tree or became one, changed executable bits; then texts that look like keys and
   * were not there before. Texts like keys first, then by path.
   */
  find(published: PublishedCommit): Promise<HeldChange[]>
  /**
   * Of these earlier commits, those that the commit differs from only by what git alone has merged into it from its base; each with
   * the paths that are not the same since.
   */
  mergedSince(
    published: Omit<PublishedCommit, 'rules' | 'text'>,
    earlier: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, ReadonlySet<string>>>
  /** The diff of these files alone, cut at `maxBytes` with a note. */
  diffOf(
    published: Omit<PublishedCommit, 'rules' | 'text'>,
    paths: readonly string[],
    maxBytes: number,
  ): Promise<string>
}
