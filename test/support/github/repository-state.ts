import type { GitRemote } from '../git-remote.ts'
import type { StandInActions, StandInRun } from './actions.ts'
import { type StandInComment, type StandInReview, type StandInThread, VIEWER } from './conversation.ts'

export type Pull = {
  number: number
  title: string
  body: string
  head: string
  base: string
  /** Where the branch stands, or last stood. */
  sha: string
  state: 'open' | 'closed'
  mergedAt: string | null
  /** Who has merged it, where that is not the maintainer, whose page it is. */
  mergedBy?: string
  mergeSha: string | null
  labels: string[]
  checks: 'SUCCESS' | 'FAILURE' | 'PENDING' | null
  review: 'APPROVED' | 'CHANGES_REQUESTED' | 'REVIEW_REQUIRED' | null
  reviews?: StandInReview[]
  runs?: StandInRun[]
  threads?: StandInThread[]
  comments?: StandInComment[]
  /** GitHub merges it once nothing blocks it. */
  autoMerge?: { by: string; method: 'merge' | 'squash' | 'rebase' } | null
  /** Who has put it into the merge queue of its base, in which it stays until a test merges it; null: it is in none. */
  queuedBy?: string | null
  /** Whether git can merge it; it can unless told. */
  mergeable?: 'MERGEABLE' | 'CONFLICTING' | 'UNKNOWN'
  /** It is marked as not ready for review. */
  isDraft?: boolean
  /** How often something was said or pushed. */
  touched?: number
  /** When last; a second after the time before, unless told. */
  touchedAt?: Date
}

/** A repository of the stand-in: branches are those of a real bare repository, the rest is in memory. */
export type RepositoryState = {
  owner: string
  name: string
  pulls: Pull[]
  /** Labels the repository knows. */
  labels: Set<string>
  /** What doctor asks about. */
  settings: {
    /** Whose token it is; of an app `slug[bot]`. */
    account: string
    push: boolean
    allowMergeCommit: boolean
    allowSquashMerge: boolean
    /** By rulesets of the base branch; null: whatever the repository allows. */
    ruledMethods: string[] | null
    ruledLinear: boolean
    classicLinear: boolean
    mergeQueue: boolean
    workflows: number
    reviewsRequired: number
    /** By a classic protection of the base branch; null: there is none. */
    classicReviews: number | null
    /** Whether the base branch is protected by something only administrators see. */
    hiddenProtection: boolean
    writers: string[]
    /** Of accounts that are more, or less, than `writers` says. */
    permissions: Record<string, 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none'>
    allowAutoMerge: boolean
  }
  actions: StandInActions
  /** What ran on the tip of the base. */
  baseRuns: StandInRun[]
  /** Where a branch stands; null: there is none. */
  headOf(branch: string): Promise<string | null>
  /**
   * Brings the pull requests up to date with their branches, as GitHub does: deleting one closes its pull request, and one
   * whose commit was pushed into its base is merged.
   */
  refresh(): Promise<void>
  /** @returns null and why, when GitHub would refuse */
  create(pull: Pick<Pull, 'title' | 'body' | 'head' | 'base'>): Promise<{ pull: Pull } | { refused: string }>
  /** Merges as a human would on GitHub's page. */
  merge(number: number, method: 'merge' | 'squash' | 'rebase'): Promise<Pull>
  close(number: number): Promise<void>
  /** @returns null, or why GitHub refuses */
  reopen(number: number): Promise<string | null>
}

/** Whether it could be merged now, as GitHub calls it. */
export function mergeStateOf({ mergeable, runs = [], review, checks, isDraft = false }: Pull): string {
  if (isDraft) return 'DRAFT'
  if (mergeable === 'CONFLICTING') return 'DIRTY'
  if (mergeable === 'UNKNOWN') return 'UNKNOWN'
  const isBlocked = runs.some(({ isRequired, state }) => isRequired === true && state !== 'SUCCESS')
  if (isBlocked || review === 'CHANGES_REQUESTED' || review === 'REVIEW_REQUIRED') return 'BLOCKED'
  return checks === null || checks === 'SUCCESS' ? 'CLEAN' : 'UNSTABLE'
}

export function createRepositoryState(remote: GitRemote, owner: string, name: string): RepositoryState {
  const pulls: Pull[] = []
  const settings: RepositoryState['settings'] = {
    account: VIEWER,
    push: true,
    allowMergeCommit: true,
    allowSquashMerge: true,
    ruledMethods: null,
    ruledLinear: false,
    classicLinear: false,
    mergeQueue: false,
    workflows: 1,
    reviewsRequired: 0,
    classicReviews: null,
    hiddenProtection: false,
    writers: ['tester'],
    permissions: {},
    allowAutoMerge: true,
  }
  const headOf = async (branch: string): Promise<string | null> =>
    remote.git('rev-parse', '--verify', '--quiet', `refs/heads/${branch}`).catch(() => null)
  const find = (number: number): Pull => {
    const pull = pulls.find((one) => one.number === number)
    if (pull === undefined) throw new Error(`the stand-in has no pull request ${number}`)
    return pull
  }

  async function refresh(): Promise<void> {
    for (const pull of pulls.filter(({ state }) => state === 'open')) {
      const sha = await headOf(pull.head)
      if (sha === null) pull.state = 'closed'
      else {
        pull.sha = sha
        await noticePush(pull)
        if (pull.state === 'open') await mergeByItself(pull)
      }
    }
  }

  async function mergeByItself(pull: Pull): Promise<void> {
    const { autoMerge } = pull
    if (autoMerge === undefined || autoMerge === null || mergeStateOf(pull) !== 'CLEAN') return
    if (settings.mergeQueue) {
      Object.assign(pull, { autoMerge: null, queuedBy: autoMerge.by })
      return
    }
    pull.mergedBy = autoMerge.by
    pull.mergeSha = await commitMerge(pull, autoMerge.method)
    pull.mergedAt = new Date().toISOString()
    pull.state = 'closed'
  }

  async function noticePush(pull: Pull): Promise<void> {
    const merges = await remote.git('rev-list', '--merges', '--parents', `refs/heads/${pull.base}`)
    const merge = merges.split('\n').find((line) => line.split(' ').slice(2).includes(pull.sha))
    if (merge === undefined) return
    pull.mergeSha = String(merge.split(' ')[0])
    pull.mergedAt = new Date().toISOString()
    pull.state = 'closed'
  }

  async function commitMerge(pull: Pull, method: 'merge' | 'squash' | 'rebase'): Promise<string> {
    const base = String(await headOf(pull.base))
    const tree = (await remote.git('merge-tree', '--write-tree', base, pull.sha)).split('\n')[0]
    const parents = method === 'merge' ? ['-p', base, '-p', pull.sha] : ['-p', base]
    const sha = await remote.git('commit-tree', ...parents, '-m', `${pull.title} (#${pull.number})`, String(tree))
    await remote.git('update-ref', `refs/heads/${pull.base}`, sha, base)
    return sha
  }

  /** What its branch holds must contain what it held when the pull request was closed. */
  async function whyNotReopened({ number, head, base, sha, mergedAt }: Pull): Promise<string | null> {
    const never = 'state cannot be changed.'
    if (mergedAt !== null) return `${never} The pull request has been merged.`
    const stands = await headOf(head)
    if (stands === null) return `${never} The ${head} branch has been deleted.`
    const isKept = await remote.git('merge-base', '--is-ancestor', sha, stands).then(
      () => true,
      () => false,
    )
    if (!isKept) return `${never} The ${head} branch was force-pushed or recreated.`
    const isTaken = pulls.some(
      (one) => one.number !== number && one.state === 'open' && one.head === head && one.base === base,
    )
    return isTaken ? `${never} There is already an open pull request from ${owner}:${head} to ${owner}:${base}.` : null
  }

  return {
    owner,
    name,
    pulls,
    labels: new Set(['bug']),
    settings,
    actions: { runs: new Map(), logs: new Map() },
    baseRuns: [],
    headOf,
    refresh,
    async create({ title, body, head, base }) {
      await refresh()
      const branch = head.replace(/^[^:]*:/, '')
      const sha = await headOf(branch)
      if (sha === null) return { refused: 'Head sha can not be blank, Head ref must be a branch' }
      if (sha === (await headOf(base))) return { refused: `No commits between ${base} and ${branch}` }
      if (pulls.some((one) => one.state === 'open' && one.head === branch && one.base === base)) {
        return { refused: `A pull request already exists for ${owner}:${branch}.` }
      }
      const facts = { title, body, head: branch, base, sha, state: 'open', labels: [] } as const
      const nothing = { mergedAt: null, mergeSha: null, checks: null, review: null } as const
      const pull: Pull = { ...facts, ...nothing, labels: [], number: pulls.length + 1 }
      pulls.push(pull)
      return { pull }
    },
    async merge(number, method) {
      await refresh()
      const pull = find(number)
      pull.mergeSha = await commitMerge(pull, method)
      pull.mergedAt = new Date().toISOString()
      pull.state = 'closed'
      return pull
    },
    async close(number) {
      await refresh()
      find(number).state = 'closed'
    },
    async reopen(number) {
      await refresh()
      const pull = find(number)
      const refused = await whyNotReopened(pull)
      if (refused !== null) return refused
      pull.state = 'open'
      await refresh()
      return null
    },
  }
}
