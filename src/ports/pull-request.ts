import type { Actor } from '../contract/actor.ts'
import type { LostState } from '../contract/evidence/follow-up.ts'
import type { Fault } from '../faults/fault.ts'
import type { Project } from '../work-order/project.ts'

export type PullRequestState = 'open' | 'merged' | 'closed'

export type PullRequest = {
  number: number
  url: string
  branch: string
  base: string
  headSha: string
  state: PullRequestState
  /** The commit on the base branch that holds the change; null until merged. */
  mergeSha: string | null
  /** Of a merged one: what was merged of its branch has another tree than what was verified; left out: it is that, or not known. */
  holdsOther?: boolean
  /** Of one that was closed here alone: why nothing was closed on its forge. */
  lost?: string
}

export type PublishInput = {
  project: Project
  workOrderId: string
  attempt: number
  /** Branch names in order of preference; the first that is free, or already holds `headSha`, is used. */
  branches: readonly string[]
  baseSha: string
  headSha: string
  title: string
  /** Carries the marker `<!-- moose:wo=ID attempt=N -->`. */
  body: string
  /** Put on the pull request where the forge has labels. */
  labels: readonly string[]
  signal: AbortSignal
  /** Asked before a push and before a pull request is opened. @throws {Fault} `attempt_taken_over` */
  hold: () => Promise<void>
}

/** A commit that was verified for a pull request that is open. */
export type UpdateInput = {
  project: Project
  number: number
  /** The attempt that has verified it. */
  attempt: number
  /** The commit of the base that it builds on. */
  baseSha: string
  headSha: string
  /** What its text is to be from now on; one that somebody has edited on the forge is left as it is. */
  body: string
  /** Where its branch stood when the commit was found or made; null: there was none. `headSha` descends from it. */
  expected: string | null
  signal: AbortSignal
  /** As of `PublishInput`. */
  hold: () => Promise<void>
}

/** `keepsText`: why its text stays as it is, though the commit was pushed; null: it was written anew. */
export type UpdatedPullRequest = PullRequest & { keepsText: string | null }

/**
 * Where pull requests live. Every call observes before it acts: repeating one after a crash finds what the first
 * run left.
 */
export interface Forge {
  /**
   * Whether an attempt could be published in the project's repository; asked before anything is paid for.
   *
   * @throws {Fault} `repository_refused`, `command_missing`, `github_*`
   */
  assertReady(project: Project, signal: AbortSignal): Promise<void>
  /**
   * Pushes the exact commit to the exact branch and opens one pull request for the attempt.
   *
   * @throws {Fault} `branch_taken` (every name holds a commit that is not of this attempt), `push_rejected`,
   *   `pull_request_closed` (a human closed this attempt's pull request), `repository_unreachable`, and on GitHub
   *   `github_*`
   */
  publish(input: PublishInput): Promise<PullRequest>
  /**
   * Has the branch of an open pull request hold a commit that was verified, and the pull request be the one of that commit:
   * `merge` merges it and no other. A commit of others is never written over, nor a text. One that has been merged stays as it
   * is.
   *
   * @throws {Fault} `work_order_conflict` when the branch was changed meanwhile, `pull_request_closed`, `push_rejected`,
   *   `repository_unreachable`, and on GitHub `github_*`
   */
  update(input: UpdateInput): Promise<UpdatedPullRequest>
  /**
   * @param by who merges; undefined: it is not said. Moose itself does so by rule: only into the base as it was verified on
   * @throws {Fault} `merge_conflict`, also where the branch holds what was not verified; `push_rejected`;
   *   `work_order_conflict` when it is closed
   */
  merge(project: Project, number: number, by?: Actor): Promise<PullRequest>
  /**
   * Closes without merging. Closing a closed one changes nothing. The forge `local` deletes the branch; on GitHub it
   * stays, so that a human can reopen the pull request.
   *
   * @param wish.by as of `merge`
   * @param wish.evenLost one that is not there any more, or was merged into what does not hold its change, is taken for closed:
   *   `lost` of what is given back says why
   * @throws {Fault} `pull_request_lost` for such a one, unless `evenLost`; `work_order_conflict` when it is merged; `github_*`
   */
  close(project: Project, number: number, wish?: { by?: Actor | undefined; evenLost?: boolean }): Promise<PullRequest>
}

/** A pull request that can end, or be reopened, without us. */
export type WatchedPullRequest = {
  project: Project
  workOrderId: string
  attempt: number
  number: number
  /** What the forge calls it; null: on the forge `local`. */
  nodeId: string | null
  /** How Moose knows it; `endedAt` is null while it is open. */
  known: { state: PullRequestState; endedAt: Date | null }
  /** Where its branch is known to stand. */
  seenAt: string
  /** Its order is in review with it. */
  isAwaited: boolean
  /** Looked at only where a request that is made anyway has room for it. */
  isSpare: boolean
}

/** Reviews and check runs one by one, of each the latest. */
export type SeenParts = {
  /** `state` in the forge's words, e.g. `APPROVED`, `COMMENTED`; `by` null: who it was is gone. */
  reviews: { by: string | null; state: string; at: string | null }[]
  /** `state` in the forge's words, e.g. `SUCCESS`, `IN_PROGRESS`; `url` null: it names no page. */
  check_runs: { name: string; state: string; url: string | null }[]
  /** How many check runs there are; more than are told. */
  check_run_count: number
}

/** An account of the forge, an app with the ending `[bot]`; `isMoose`: the one by which Moose acts there. */
export type EndedBy = { login: string; isMoose: boolean }

/** How a pull request was last seen. */
export type Sighting = {
  of: WatchedPullRequest
  /**
   * `merged` only when the base branch was seen to hold the change; where the forge says merged and it does not, a closed one
   * stays closed, and an open one is lost. `headSha` is where its branch stands.
   */
  pullRequest: PullRequest
  /** Where its base stands; null: the forge did not tell. */
  baseSha: string | null
  /** In the forge's words, e.g. `SUCCESS`, `FAILURE`, `PENDING`; null: there are none. */
  checks: string | null
  /** In the forge's words, e.g. `APPROVED`, `CHANGES_REQUESTED`; null: none is asked for and none was given. */
  review: string | null
  /** Null: they could not be read. */
  parts: SeenParts | null
  /** Its author has marked it as not ready on its forge. */
  isDraft: boolean
  /** What has merged, closed or reopened it last, where the forge told; null: it did not, or nothing has. */
  endedBy: EndedBy | null
  /**
   * Another one whenever something may have changed that `FollowUpForge.factsOf` tells, also by Moose's own comment; the same
   * one means that asking again brings nothing new.
   */
  mark: string
}

/** An open pull request that a look did not find, or found merged into what does not hold its change. */
export type LostPullRequest = { of: WatchedPullRequest; is: LostState; why: string }

/** What a look brought: one host that does not answer takes nothing from the others. */
export type LookResult = { sightings: Sighting[]; lost: LostPullRequest[]; faults: Fault[] }

/** A forge whose pull requests other people merge and close. */
export interface PullRequestWatch {
  /**
   * Looks at many at once, with as few requests as the forge allows. An open one that is not there is `lost`, a closed one left
   * out, and a spare one where there is no room. A branch whose merge is proven is deleted. The faults are `github_*` and `repository_refused`.
   */
  look(watched: readonly WatchedPullRequest[], signal: AbortSignal): Promise<LookResult>
  /** Requests made to the forge's API in the last hour. */
  apiCallsLastHour(): number
}

/** How long a forge asked to be left alone (`retryAfterS` of `github_rate_limited`), in ms; 0 where it did not. */
export function askedPauseMs({ details }: Fault): number {
  const { retryAfterS } = details
  return typeof retryAfterS === 'number' ? retryAfterS * 1_000 : 0
}

export type Forges = Readonly<Record<Project['forge'], Forge>>
