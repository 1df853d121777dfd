import type { FollowUpView } from '../contract/evidence/follow-up.ts'
import type { PullInReview } from '../contract/evidence/review.ts'
import type { RiskLevel } from '../work-order/content.ts'
import type { MergePolicy } from '../work-order/project.ts'

/** What is decided by, but the risk of the order: the policy of the project, and its open pull request as it was last seen. */
export type MergeFacts = {
  /** Why nothing is merged by rule now, e.g. because of an emergency stop; null: nothing stops it. */
  stopped: string | null
  policy: MergePolicy
  /** The highest risk that the policy `auto` merges. */
  most: RiskLevel
  forge: string
  /** Whether what it asks for is still approved. */
  isApproved: boolean
  /** What it asks for is what its change was made for. */
  isAsMade: boolean
  /** Changes that a human had to allow are in it. */
  hasHeldChanges: boolean
  /** Its order is in review with it; false: an attempt of it is to be made, or is under way. */
  isInReview: boolean
  /** Its `files_in_scope`. */
  scope: readonly string[]
  /** With its text, whose record says what was verified, and what the last look saw of it. */
  pull: PullInReview & {
    body: string
    follow_up: FollowUpView | null
    adopted_sha: string | null
    /** Since when a person has given it up in Moose; null: it is not given up. */
    given_up_at: Date | null
    /** Since when a look has seen something else than what its facts were read of; null: it has not. */
    unread_since: Date | null
    seen_mark: string | null
    /** When the last look at it began. */
    seen_at: Date | null
  }
  /** What was known of it when its facts were last read; null: they were not read yet. */
  seen: SeenFacts | null
  /** The last pull request that was merged into its base since its own verification began; null: none was. */
  mergedBeside: { number: number; at: Date } | null
  /** Between two looks, in ms. */
  lookIntervalMs: number
  now: Date
}

export type SeenFacts = {
  /** The commit with which it was seen on its forge, since when, and when last. */
  sha: string
  since: Date
  at: Date
  /** Of the look of which the facts are; null: it was not kept. */
  mark: string | null
  /** How many threads of people with write access were open. */
  openThreads: number
  /** Logins of people with write access whose latest review asks for changes, and of those who ask for what was not done. */
  changesRequested: readonly string[]
  unanswered: readonly string[]
  /** Names of checks that ran on its base and not on its commit. */
  absentChecks: readonly string[]
}

/** After so long, or so many intervals where that is longer, what a look has seen counts no more. */
const SEEN_COUNTS_FOR = { ms: 300_000, intervals: 3 }

/** Facts that could not be read for so long since a look saw that something has changed take back what a forge was asked for. */
export const UNREAD_FOR_MS = 300_000

/** Whether it is not known for so long how it stands now, and a look that is to come is not all that it waits for. */
export function isUnreadForLong(facts: MergeFacts): boolean {
  const { pull, now } = facts
  if (pull.seen_at !== null && overdueMs(facts) >= UNREAD_FOR_MS) return true
  return pull.unread_since !== null && now.getTime() - pull.unread_since.getTime() >= UNREAD_FOR_MS
}

/** How long what a look has seen counts, in ms. */
export function seenCountsForMs({ lookIntervalMs }: MergeFacts): number {
  return Math.max(SEEN_COUNTS_FOR.ms, SEEN_COUNTS_FOR.intervals * lookIntervalMs)
}

/** How long the last look has counted no more; up to 0: it counts. A clock that was set back says nothing of its age. */
export function overdueMs(facts: MergeFacts): number {
  const { pull, now } = facts
  if (pull.seen_at === null) return Number.POSITIVE_INFINITY
  return Math.abs(now.getTime() - pull.seen_at.getTime()) - seenCountsForMs(facts)
}

/** Whether checks of its forge have still to end. */
export function isRunning({ checks }: Pick<PullInReview, 'checks'>): boolean {
  return checks === 'PENDING' || checks === 'EXPECTED'
}
