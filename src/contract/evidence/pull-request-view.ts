import { knownOrOther } from '../stored-text.ts'
import { z } from '../zod.ts'
import { EndedVerification } from './ended-verification.ts'
import { FollowUpCount, FollowUpView } from './follow-up.ts'
import { ToldReaction } from './last-reaction.ts'
import { AFTER_MERGE } from './merged-by.ts'
import { OpenAsSeen } from './review.ts'
import { SeenConflict } from './seen-conflict.ts'

const Time = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' })

/** The pull request of an attempt. Of several, the one the order is in review with, was completed by, or had last. */
export const PullRequestView = z
  .object({
    number: z.number().int(),
    /** Of which attempt it is. */
    attempt: z.number().int(),
    state: knownOrOther(['open', 'merged', 'closed']),
    title: z.string(),
    body: z.string(),
    base: z.string(),
    branch: z.string(),
    base_sha: z.string(),
    head_sha: z.string(),
    merge_sha: z.string().nullable(),
    ...AFTER_MERGE,
    /** The attempt whose checks `head_sha` has passed, where somebody had that verified again; null: its own. */
    verified_by: z.number().int().nullish(),
    /** The commit its branch was last seen at; null: not looked at yet. Another than `head_sha` was not verified. */
    seen_head_sha: z.string().nullable(),
    /** GitHub's words, e.g. `SUCCESS`, `FAILURE`, `PENDING`; null: there are none. */
    checks: z.string().nullable(),
    /** GitHub's words, e.g. `APPROVED`, `CHANGES_REQUESTED`; null: none. */
    review: z.string().nullable(),
    diff: z.string(),
    /** Where it is, for people; null: on the forge `local`, which has no pages, reviews and checks of its own. */
    url: z.url().nullish(),
    opened_at: Time.nullish(),
    /** When it was merged or closed; null while it is open. */
    ended_at: Time.nullish(),
    /** When it was last looked at; null: not yet. */
    seen_at: Time.nullish(),
    /** The latest review of each person, as last seen; null as `seen_at`, or they could not be read. */
    reviews: z
      .array(
        z.object({
          /** Login; null: the account is gone. */
          by: z.string().nullable(),
          /** GitHub's words, e.g. `APPROVED`, `COMMENTED`, `CHANGES_REQUESTED`. */
          state: z.string(),
          at: Time.nullable(),
        }),
      )
      .nullish(),
    /** Check runs and statuses of its commit, as last seen, at most 50; null as of `reviews`. */
    check_runs: z
      .array(
        z.object({
          name: z.string(),
          /** GitHub's words, e.g. `SUCCESS`, `FAILURE`, `IN_PROGRESS`. */
          state: z.string(),
          url: z.url().nullable(),
        }),
      )
      .nullish(),
    /** How many check runs there are, also those that are not told. */
    check_run_count: z.number().int().nullish(),
    /** What git cannot merge of it, as last seen; null: nothing is known to conflict, or its branch has moved since. */
    conflict: SeenConflict.nullish(),
    /** How a model was to resolve that conflict; none is asked to again. Null: it may be. */
    tried_resolution: EndedVerification.nullish(),
    /** The last verification of what its branch holds (`seen_head_sha`) that has failed since `head_sha` was verified; null: none. */
    failed_verification: EndedVerification.nullish(),
    /** How it stood when Moose last followed it, and what Moose does about it; null: it was not followed yet. */
    follow_up: FollowUpView.nullish(),
    ...OpenAsSeen.shape,
    /** How often Moose has reacted to what became of the order's pull requests; left out: it has not. */
    reactions: z.array(FollowUpCount).optional(),
    /** Of an order in progress, what was last done about its pull requests; left out: nothing. */
    last_reaction: ToldReaction.optional(),
  })
  .openapi('PullRequest')
export type PullRequestView = z.infer<typeof PullRequestView>
