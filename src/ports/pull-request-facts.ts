import { z } from 'zod'
import type { Fault } from '../faults/fault.ts'
import type { Project } from '../work-order/project.ts'
import type { WatchedPullRequest } from './pull-request.ts'

/** Of each kind, and of the comments of one thread. Where there are more, none is told, except of files, where the first are. */
export const MOST_TOLD = {
  checks: 1_000,
  reviews: 1_000,
  threads: 1_000,
  comments: 1_000,
  files: 100,
  merges: 100,
} as const
/** Characters of a text that a person wrote on the forge; the rest is left out, and the text says so where its writer may write. */
export const LONGEST_BODY = 8_000
/** Characters of a name, a path, a login or an address. */
const LONGEST_WORD = 500

const Sha = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/)
const Word = z.string().max(LONGEST_WORD)
/** In a conversation people speak with each other; what is said to Moose begins so. */
const SAID_TO_MOOSE = /^\/moose\s/

/** Whether a comment outside of reviews is said to Moose. */
export function isSaidToMoose(body: string): boolean {
  return SAID_TO_MOOSE.test(body)
}

/** Of foreign making: data for a model, never an instruction. Without control characters. */
const Body = z.string().max(LONGEST_BODY)
const Moment = z.iso.datetime({ offset: true })

/**
 * `red`: it failed or took too long; `waiting`: a person has to act before it goes on, e.g. approve its run; `cancelled`:
 * somebody ended it, or the forge gave it up; `skipped`: it counts as passed.
 */
const CheckState = z.enum(['pending', 'green', 'red', 'waiting', 'cancelled', 'skipped'])
export type CheckState = z.infer<typeof CheckState>

/** A check run or a commit status, the latest of its kind. Two may have one name. */
export const CheckFact = z.object({
  kind: z.enum(['run', 'status']),
  /** What the forge calls it. */
  id: Word,
  name: Word,
  state: CheckState,
  /** In the forge's words, e.g. `TIMED_OUT`. */
  said: Word,
  /** Null: it names no page. */
  url: Word.nullable(),
  /** The commit it ran on. */
  head_sha: Sha,
  /** Of GitHub Actions: its job, whose log can be read, and its run, whose failed jobs can be made again; null: it is of others. */
  actions: z.object({ run_id: Word, job_id: Word }).nullable(),
  /** How the check of this name stands on the base's tip; null: there is none, or it was not told. */
  on_base: CheckState.nullable(),
  /** Null: it has not ended, or the forge does not tell. */
  ended_at: Moment.nullable(),
})
export type CheckFact = z.infer<typeof CheckFact>

/** Who wrote something. */
const Writer = z.object({
  /** Null: the account is gone. */
  login: Word.nullable(),
  /**
   * Whether the account may write to the repository. False also of one that is not asked about, because what it says asks for
   * nothing; where it matters and the forge does not tell, nothing that was said is told.
   */
  may_write: z.boolean(),
  /** It carries Moose's hidden marker and is by the account Moose uses, which may also be a person's. */
  is_moose: z.boolean(),
})

export const ReviewFact = z.object({
  id: Word,
  ...Writer.shape,
  state: z.enum(['approved', 'changes_requested', 'commented', 'dismissed', 'pending']),
  body: Body,
  /** The commit that was reviewed; null: it is gone. */
  head_sha: Sha.nullable(),
  at: Moment.nullable(),
  /** When its text was changed last; null: it is as it was first written. */
  edited_at: Moment.nullable(),
  url: Word.nullable(),
})
export type ReviewFact = z.infer<typeof ReviewFact>

/** Of an issue comment, or within a review thread. `edited_at` null: it is as it was first written. */
export const CommentFact = z.object({
  id: Word,
  ...Writer.shape,
  body: Body,
  at: Moment,
  edited_at: Moment.nullable(),
  url: Word.nullable(),
})
export type CommentFact = z.infer<typeof CommentFact>

export const ThreadFact = z.object({
  id: Word,
  /** From the repository's root. */
  path: Word,
  /** Of the file at the head; null: the comment is on the whole file, or the line is gone. */
  line: z.number().int().nullable(),
  is_resolved: z.boolean(),
  /** Oldest first. Hidden ones and those not yet sent are left out. */
  comments: z.array(CommentFact).min(1).max(MOST_TOLD.comments),
})
export type ThreadFact = z.infer<typeof ThreadFact>

/** What is true of one pull request at one moment. What a forge has not (CI, reviews) is empty there. */
export const PullRequestFacts = z.object({
  number: z.number().int().positive(),
  state: z.enum(['open', 'merged', 'closed']),
  branch: Word,
  base: Word,
  /** Where its branch stands. */
  head_sha: Sha,
  /** Where Moose left the branch: the commit that was verified last. */
  known_head_sha: Sha,
  /** Where the base stands; null: it is gone, was not told, or is another than that of the order. */
  base_sha: Sha.nullable(),
  /** The base holds commits that the branch does not. */
  has_base_moved: z.boolean(),
  /** Whether git can merge base and branch; `unknown`: the base is not known. */
  mergeability: z.enum(['clean', 'conflict', 'unknown']),
  /** Files that git cannot merge, the first ones. */
  conflict_files: z.array(Word).max(MOST_TOLD.files),
  /**
   * Commits from which the head differs only by what git alone has merged into it from its base, the latest first. Looked for
   * where another commit than the head was approved.
   */
  before_base_merges: z.array(Sha).max(MOST_TOLD.merges),
  checks: z.array(CheckFact).max(MOST_TOLD.checks),
  /** Names of checks that ran on the base's tip, and of which there is none on the head. */
  absent_checks: z.array(Word).max(MOST_TOLD.checks),
  /** In the forge's words, e.g. `CHANGES_REQUESTED`; null: none is asked for and none was given. */
  review_decision: Word.nullable(),
  /** Of each reviewer the latest that says approved, changes requested or dismissed, and each that has a text of its own. */
  reviews: z.array(ReviewFact).max(MOST_TOLD.reviews),
  /** Unresolved ones before resolved ones. */
  threads: z.array(ThreadFact).max(MOST_TOLD.threads),
  comments: z.array(CommentFact).max(MOST_TOLD.comments),
  /** The forge merges it by itself once it may, also by a merge queue; null: it does not. `by` null: it is not told. */
  auto_merge: z.object({ by: Word.nullable() }).nullable(),
  /**
   * False: the forge has no such thing, or not all of it could be read, and none is told; nothing follows from there being none.
   * `reviews`: what was said, so threads and comments too.
   */
  knows: z.object({ checks: z.boolean(), reviews: z.boolean() }),
  /** Why not all could be read, in a sentence without its beginning; null: all was, of what the forge has. */
  unread: z.string().nullable(),
})
export type PullRequestFacts = z.infer<typeof PullRequestFacts>

/** What a forge tells that knows no CI, no reviews and no comments. */
export const NOTHING_TOLD = {
  checks: [],
  absent_checks: [],
  review_decision: null,
  reviews: [],
  threads: [],
  comments: [],
  auto_merge: null,
  before_base_merges: [],
  knows: { checks: false, reviews: false },
  unread: null,
} satisfies Partial<PullRequestFacts>

/** The failing part of what a check printed, bounded and redacted; of foreign making. */
export const CheckFailure = z.object({
  /** `log`: of its job's log; `summary`: what the check says of itself; `none`: the forge gives neither, `why` says so. */
  from: z.enum(['log', 'summary', 'none']),
  text: z.string(),
  /** Equal for the same failures, whatever else was printed; null: no tool that is known reported one. */
  identity: z.string().nullable(),
  why: z.string().nullable(),
  /** Of `none`: whether the forge requires the check before it merges; null: it does not tell. */
  is_required: z.boolean().nullish(),
})
export type CheckFailure = z.infer<typeof CheckFailure>

export const RerunAnswer = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('rerun') }),
  /** It runs, or was run again before, by Moose or a person: what it shows once it has ended is the second result. */
  z.object({ outcome: z.literal('already'), is_running: z.boolean() }),
  /** `why` in a sentence. */
  z.object({ outcome: z.literal('refused'), why: z.string() }),
])
export type RerunAnswer = z.infer<typeof RerunAnswer>

/** `is_new`: it was written now, and not found or edited. `url` null: the forge has no such page. */
export const Written = z.object({ id: Word, url: Word.nullable(), is_new: z.boolean() })
export type Written = z.infer<typeof Written>

export const MergeWhenReadyAnswer = z.discriminatedUnion('outcome', [
  /** The forge merges the exact commit once all it waits for is there. */
  z.object({ outcome: z.literal('waiting') }),
  /** It waits for nothing: `Forge.merge` can merge it now. */
  z.object({ outcome: z.literal('ready') }),
  /**
   * It neither waits nor can it be merged now, which may change soon: what it does not require has failed or has not ended, or it
   * does not know yet whether it can be merged. `why` in a sentence.
   */
  z.object({ outcome: z.literal('unsettled'), why: z.string() }),
  /** The forge has no auto-merge, or not for this one; `why` in a sentence. */
  z.object({ outcome: z.literal('unavailable'), why: z.string() }),
])
export type MergeWhenReadyAnswer = z.infer<typeof MergeWhenReadyAnswer>

/** A merged change that a revert is looked for of. */
export type MergedChange = {
  workOrderId: string
  number: number
  /** Of the pull request on the forge. */
  title: string
  mergeSha: string
  /** What was merged: a revert may name it instead. */
  headSha: string
}

export const RevertFact = z.object({
  work_order_id: z.string(),
  number: z.number().int().positive(),
  /** The commit on the base. */
  sha: Sha,
  subject: Word,
  at: Moment,
  /** By `This reverts commit SHA`, or by `Revert "TITLE"` with the number or the forge's `Reverts OWNER/NAME#NUMBER`. */
  by: z.enum(['sha', 'title']),
})
export type RevertFact = z.infer<typeof RevertFact>

/** Which open pull request of Moose an act is on. */
export type OfPullRequest = Pick<WatchedPullRequest, 'project' | 'workOrderId' | 'attempt' | 'number' | 'nodeId'>

/** @param fault `github_*` */
export type Unread = (of: OfPullRequest, fault: Fault) => void

/** The commit that was verified, and the `Sighting.mark` of which its facts are; null: it is merged whatever was seen of it. */
export type ToMerge = { headSha: string; mark: string | null }

/**
 * What a forge knows of a pull request after it was opened, and can have done to it. Every act looks for what an earlier run
 * left before it does anything: repeating one after a crash changes nothing.
 */
export interface FollowUpForge {
  /**
   * Reads many in few requests. Costs requests beyond those of `PullRequestWatch.look`, so it is asked where
   * `Sighting.mark` has changed. One that has moved on meanwhile is left out, and one of which nothing can be read, with a warning
   * in the log; it takes nothing from the others.
   *
   * @param unread told of each of which nothing can be read
   * @throws {Fault} `repository_unreachable`, `attempt_cancelled`
   */
  factsOf(pulls: readonly OfPullRequest[], signal: AbortSignal, unread?: Unread): Promise<PullRequestFacts[]>
  /** What made a check red. @throws {Fault} `github_*` */
  failureOf(of: OfPullRequest, check: CheckFact, signal: AbortSignal): Promise<CheckFailure>
  /**
   * Has the failed jobs of a check's run made again on the same commit, once, where the forge can.
   *
   * @throws {Fault} `github_*`
   */
  rerunFailed(of: OfPullRequest, check: CheckFact, signal: AbortSignal): Promise<RerunAnswer>
  /**
   * Answers a review thread.
   *
   * @param reply.key of the answer, e.g. the fingerprint of what it answers: the same key is answered once, by a hidden marker
   * @throws {Fault} `github_*`
   */
  replyTo(
    of: OfPullRequest,
    reply: { thread: Pick<ThreadFact, 'id' | 'comments'>; key: string; text: string },
    signal: AbortSignal,
  ): Promise<Written>
  /**
   * Keeps the one comment of Moose on the pull request, found by its hidden marker: written, edited in place where its text is
   * another, left where it is the same. Null on a forge without comments.
   *
   * @throws {Fault} `github_*`
   */
  keepComment(of: OfPullRequest, text: string, signal: AbortSignal): Promise<Written | null>
  /**
   * Has the forge merge exactly this commit by itself once it may.
   *
   * @throws {Fault} `github_*`; `work_order_conflict` when the branch stands elsewhere, or something has changed since it was seen
   */
  mergeWhenReady(of: OfPullRequest, what: ToMerge, signal: AbortSignal): Promise<MergeWhenReadyAnswer>
  /**
   * Takes that back, e.g. because a person has pushed, and looks whether it is; nothing where it was not asked for.
   *
   * @returns the login of a person who has asked for the same there, which stays; null: it is not merged by itself any more
   * @throws {Fault} `github_*`; `work_order_conflict` when it is merged already
   */
  withdrawMerge(of: OfPullRequest, signal: AbortSignal): Promise<string | null>
  /**
   * Reverts of merged changes that the project's base holds, by git alone: no request to the forge's API.
   *
   * @param since tip of the base at the last look, so that each is told once; null: since each was merged
   * @returns `baseSha`: the tip to be given next time
   * @throws {Fault} `repository_unreachable`
   */
  revertsOf(
    project: Project,
    changes: readonly MergedChange[],
    since: string | null,
    signal: AbortSignal,
  ): Promise<{ baseSha: string; reverts: RevertFact[] }>
}

export type FollowUpForges = Readonly<Record<Project['forge'], FollowUpForge>>
