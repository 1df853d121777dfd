import type { Project } from '../work-order/project.ts'
import type { BaseTree } from './proposal.ts'

/** One file that differs between two commits, as git reports it (renames are a deletion and an addition). */
export type ChangedFile = {
  path: string
  change: 'added' | 'modified' | 'deleted'
  /** Lines; null for a binary file. */
  added: number | null
  deleted: number | null
}

/** What `setup` left for the checks of a commit, kept on this machine. */
export type Prepared = {
  /** Null: the project sets nothing up. */
  key: string | null
  /** Whether it had been kept before. */
  reused: boolean
  durationMs: number
  /** The paths of `cache`. */
  cache: readonly string[]
  /** What `setup` made that git ignores and `cache` does not name, relative to the tree: no check is given it. */
  notKept: readonly string[]
}

/** A work tree of one attempt. Disposing it removes it from disk. */
export interface WorkTree extends AsyncDisposable {
  /** Absolute path of the work tree. */
  readonly path: string
  readonly baseSha: string
  /** What git in the tree reads outside of the attempt's folder, and must not write; absolute paths. */
  readonly borrows: readonly string[]
  /** Of its project: what children run in where the sandbox is one of containers; null: none is set. */
  readonly image: string | null
  /**
   * Commits everything in the tree and brings the commit back into the mirror: files that `.gitignore` names too, for
   * nothing but an executor has written there. Not for a tree in which a check has run.
   *
   * @param when author and committer date; a fixed one makes a repeated commit the same commit
   * @returns the commit; null when the tree equals its base
   */
  commit(message: string, when: Date): Promise<string | null>
  /** Paths of the tree that differ from the base, as git sees them and `commit` would take them, sorted. */
  changedPaths(): Promise<string[]>
}

/** The private clone of one attempt: the whole repository, for foreign code. */
export interface Workspace extends WorkTree {
  /**
   * Puts every tracked file back to the commit the workspace was opened at or last committed, after a check. What git
   * ignores and what lies in a folder of `cache` stays. The tree is not committed any more then.
   *
   * @throws {Fault} `check_failed` when the tree is not the folder any more that was opened; nothing is touched then
   */
  restore(): Promise<void>
  /**
   * Commits what a script has changed of tracked files and new ones that git does not ignore, as far as it lies in the scope.
   * Everything else is put back, as by `restore`. There is one commit on top of the one the workspace was opened at:
   * committing again replaces it by one that holds both changes.
   *
   * @param when author and committer date
   * @returns `sha` null: nothing in the scope has changed; `outside`: paths that were put back, sorted
   * @throws {Fault} those of `restore`
   */
  commitWithin(
    scope: readonly string[],
    commit: { message: string; when: Date },
  ): Promise<{ sha: string | null; outside: string[] }>
  /**
   * Folders (with a slash at their end) and files that git ignores here, sorted; without what is in a folder of `cache`,
   * and without folders that hold nothing else.
   */
  ignored(): Promise<string[]>
  /** Moves what lies in the folders of `cache` away, to be copied into other workspaces. Nothing runs here any more. */
  keepCaches(key: string): Promise<void>
}

export type BaseRequest = {
  project: Project
  /** The commit to check out. */
  sha: string
  signal: AbortSignal
  /** Copies of what is kept come into the tree and the HOME of what runs there; without it, or null: nothing does. */
  prepared?: Prepared | null
}

export type WorkspaceRequest = BaseRequest & {
  workOrderId: string
  attempt: number
  /** What the base branch and `origin/<base>` of the clone stand at; without it the base branch as it was last fetched. */
  base?: string
}

export type ScopedRequest = WorkspaceRequest & {
  /** The order's `files_in_scope`. */
  scope: readonly string[]
}

export type BranchRequest = {
  project: Project
  workOrderId: string
  /** The attempt for which what is found is kept. */
  attempt: number
  /** Of a pull request of the order. */
  branch: string
  /** The commit it was last known to hold. */
  known: string
  /** The commit of the base that this one builds on. */
  began: string
  signal: AbortSignal
}

/** The last commit that an attempt has made, or verified. */
export type AttemptCommit = { attempt: number; headSha: string }

/** A branch beside the base it is to be merged into. */
export type StandingBranch = {
  /** Where the base stands. */
  baseTip: string
  /** Where the branch stands; where it is gone, the commit it was known to hold. */
  head: string
  /** Whether the repository has the branch. */
  isThere: boolean
  /**
   * The attempt of the order that has made the head, as both the commit and what is kept of the attempt say; this one: an earlier run
   * of it has pushed it. Null: none has.
   */
  madeBy: number | null
  /** The commit of the base that the head builds on. */
  forkedAt: string
}

/**
 * What came of merging the base into a branch. `files`: those that both sides changed, sorted; `tree`: what git made of them,
 * where it could not merge between lines `<<<<<<< HEAD`, `=======` and `>>>>>>> BASE` with the ids of the commits.
 */
export type BroughtUp = { outcome: 'brought_up'; sha: string } | { outcome: 'conflict'; files: string[]; tree: string }

/** Mirrors and private clones; the only code that runs git on a repository's content. */
export interface Workspaces {
  /**
   * Whether an attempt could begin and be committed in the project; asked before anything is paid for.
   *
   * @param branches the names the attempt's branch may have
   * @throws {Fault} `base_branch_missing`, `repository_refused` (also where the repository has a branch that leaves no room
   *   for one of these names), `repository_unreachable`, `signing_key_unusable`
   */
  assertReady(project: Project, branches: readonly string[], signal: AbortSignal): Promise<void>
  /**
   * Fetches the base branch into the project's mirror.
   *
   * @returns the commit it stands at
   * @throws {Fault} `repository_refused` (a URL we do not open), `repository_unreachable`, `base_branch_missing`
   */
  fetchBase(project: Project, signal: AbortSignal): Promise<string>
  /**
   * Makes sure that the mirror has a commit the base branch stood at, perhaps in another home.
   *
   * @throws {Fault} as `fetchBase`; `base_branch_missing` also when the branch was rewritten since
   */
  bringBase(project: Project, sha: string, signal: AbortSignal): Promise<void>
  /** The tree of a commit that is in the mirror. */
  tree(project: Project, sha: string): BaseTree
  /** The id of its tree object: two commits of the same files have the same. */
  treeId(project: Project, sha: string): Promise<string>
  /** Where the base branch stood when it was last fetched; null: it was not yet, or its place is not known at once. */
  lastBase(project: Project): Promise<string | null>
  /**
   * A new private clone at `sha`; whatever an earlier run of the same attempt left there is removed first.
   *
   * @throws {Fault} `setup_failed` when what was prepared is not kept here any more, or was touched: prepare it again;
   *   `change_out_of_scope` when the commit has files in a folder of `cache`
   */
  open(request: WorkspaceRequest): Promise<Workspace>
  /** As `open`, for a commit that is no attempt's: to set it up or to run the checks of a base. */
  openBase(request: BaseRequest): Promise<Workspace>
  /** Whether what a set-up left is kept here, as it was kept. */
  isKept(project: Project, key: string): Promise<boolean>
  /** What git knows a commit's files by. Equal ids, equal contents. */
  contents(project: Project, sha: string): Promise<{ tree: string; files: ReadonlyMap<string, string> }>
  /**
   * As `open`, with the files of the scope alone and without a clone: for an executor that looks at nothing else. What
   * it makes of them is the same commit.
   */
  openScoped(request: ScopedRequest): Promise<WorkTree>
  /** Files that differ between two commits of the mirror, sorted by path; taken from git, never from a claim. */
  changedFiles(project: Project, fromSha: string, toSha: string): Promise<ChangedFile[]>
  /** The unified diff between two commits of the mirror, cut at `maxBytes` with a note. */
  diff(project: Project, fromSha: string, toSha: string, maxBytes: number): Promise<string>
  /** Removes the workspace of an attempt if there is one. */
  discard(workOrderId: string, attempt: number): Promise<void>
  /** The commit that is kept here for an attempt; null: none is. */
  keptCommit(project: Project, workOrderId: string, attempt: number): Promise<string | null>
  /** Keeps a commit that the mirror has for an attempt. */
  keep(project: Project, key: { workOrderId: string; attempt: number }, sha: string): Promise<void>
  /**
   * Fetches the base and the branch of a pull request, whoever has pushed to it, and keeps its head for the attempt.
   *
   * @throws {Fault} as `fetchBase`; `work_order_conflict` when there is no commit, or none that builds on the base as far as the known one does
   */
  standingBranch(request: BranchRequest, made: readonly AttemptCommit[]): Promise<StandingBranch>
  /**
   * Merges the base into the head of a branch, in the mirror, and keeps the result for the attempt: the head is its first
   * parent. With the same `when` it is the same commit.
   */
  bringUp(request: BranchRequest, merge: { base: string; head: string; when: Date }): Promise<BroughtUp>
  /**
   * As `bringUp` with a given tree: makes the merge commit and keeps it for the attempt.
   *
   * @param merge.treeOf a tree, or a commit whose files it is to hold
   */
  bringUpAs(request: BranchRequest, merge: { base: string; head: string; when: Date; treeOf: string }): Promise<string>
  /**
   * Removes the commit an attempt left in the mirror, and nothing else: only the attempt's own ref, only when the
   * commit there says that this attempt made it, and only while the ref still stands at that commit.
   *
   * @returns the commit that was removed; null when there was none of this attempt
   */
  rollBack(project: Project, workOrderId: string, attempt: number): Promise<string | null>
}
