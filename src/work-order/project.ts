/** Who merges what is proved and green: a human, or Moose as far as the Director's rules allow. */
export const MERGE_POLICIES = ['manual', 'auto'] as const
export type MergePolicy = (typeof MERGE_POLICIES)[number]

/** The repository an order is for. */
export type Project = {
  id: string
  name: string
  /** What git fetches from and pushes to: a URL or an absolute path. */
  repository: string
  defaultBranch: string
  forge: 'local' | 'github'
  /** The host of its forge, where the URL names another for ssh; null: the host of the URL. */
  forgeHost: string | null
  /** A UUID: the name of its mirror. Another one when the repository was changed to another. */
  mirrorId: string
  /** How its branches are called (naming.ts); null: the usual way. */
  branchPattern: string | null
  commits: CommitRules
  /** What its children run in where the sandbox is one of containers; null: none is set. */
  sandboxImage: string | null
}

/** How the commits of a project are made; settings of the operator. */
export type CommitRules = {
  /** `Name <mail>`; null: Moose. */
  author: string | null
  committer: string | null
  /** Whether a commit says `Signed-off-by` its committer. */
  signOff: boolean
  /** Absolute path of an SSH key; null: commits are not signed. */
  signingKey: string | null
}

/** Where nothing is set. */
export const PLAIN_COMMITS: CommitRules = { author: null, committer: null, signOff: false, signingKey: null }
