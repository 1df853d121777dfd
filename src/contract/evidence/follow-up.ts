import { z } from '../zod.ts'

/**
 * What Moose reacts to with a reaction: `base` the base has moved or conflicts, `rerun` and `checks` a check is red, `review`
 * somebody asks for something.
 */
export const FOLLOW_UP_KINDS = ['base', 'rerun', 'checks', 'review'] as const
export type FollowUpKind = (typeof FOLLOW_UP_KINDS)[number]

/** What a model is to do on the branch of an open pull request. */
export const FollowUpTask = z.object({
  /** What it is a repair of, e.g. `build on GitHub`. */
  check: z.string(),
  /** As the log of the attempt says it. */
  reason: z.string(),
  /** What the model is told: of foreign making, without secrets. */
  told: z.string(),
  /** The files that may be changed; null: those that the pull request changes. */
  surface: z.array(z.string()).nullable(),
  /**
   * What is answered on the forge afterwards: review threads, with the key of each answer, their file, and the numbers of their
   * comments in what the model is told; an older Moose kept neither of the two.
   */
  threads: z.array(
    z.object({
      id: z.string(),
      key: z.string(),
      path: z.string().nullish(),
      comments: z.array(z.number().int()).optional(),
    }),
  ),
  /** Keys of the comments that it is about. */
  keys: z.array(z.string()),
  /** What came of a review; missing: it has not ended, or came to nothing. */
  came: z
    .object({
      /** Comments that the model says it does not carry out, without secrets. */
      not_done: z.array(z.object({ comment: z.number().int(), reason: z.string() })),
      /** What its commit changes, the files of threads first; null: it made none. */
      changes: z.object({ files: z.array(z.string()), count: z.number().int() }).nullable(),
    })
    .optional(),
})
export type FollowUpTask = z.infer<typeof FollowUpTask>
export type CameOfReview = NonNullable<FollowUpTask['came']>

/** How often Moose has reacted to what became of the pull requests of an order. */
export const FollowUpCount = z
  .object({
    kind: z.enum(FOLLOW_UP_KINDS),
    done: z.number().int().nonnegative(),
    most: z.number().int().positive().openapi({ description: 'With those that a human allowed beyond it.' }),
  })
  .openapi('FollowUpCount')
export type FollowUpCount = z.infer<typeof FollowUpCount>

/** What each kind is called, of several. */
export const REACTIONS: Record<FollowUpKind, string> = {
  base: 'merges of the base',
  rerun: 'checks run again',
  checks: 'repairs',
  review: 'review rounds',
}

/** What is being done about an open pull request, by the kind of the reaction; of none, a person asked for it. */
export const DOING: Record<FollowUpKind, string> = {
  base: 'the base is being merged in',
  rerun: 'failed checks are being run again',
  checks: 'failed checks are being repaired',
  review: 'what a review asks for is being done',
}

export const AtPullRequest = z.object({ number: z.number().int(), doing: z.string() }).openapi('AtPullRequest')
type AtPullRequest = z.infer<typeof AtPullRequest>

/**
 * What is being done about the open pull request of an order that is not in review because of that; null: it is at none.
 *
 * @param order.attempt the last one; null: none was begun
 * @param kind of the reaction that is under way; null: it is none
 */
export function atPullRequest(
  order: { status: string; phase: string | null; approved: boolean; attempt: number | null },
  pull: { number: number; state: string; attempt: number } | null,
  kind: FollowUpKind | null,
): AtPullRequest | null {
  const { status, phase, approved, attempt } = order
  if (pull === null || pull.state !== 'open' || attempt === null) return null
  // Of its own attempt it is being recorded.
  const isAtIt =
    status === 'pending' ? approved : status === 'in_progress' && phase !== 'in_review' && pull.attempt < attempt
  if (!isAtIt) return null
  return { number: pull.number, doing: kind === null ? 'what its branch holds is being verified' : DOING[kind] }
}

/** `repairs 2 of 2`, of the bounds for an order those that are used. */
export function reactionsText(counts: readonly FollowUpCount[]): string {
  return counts.map(({ kind, done, most }) => `${REACTIONS[kind]} ${done} of ${most}`).join(', ')
}

/** The state in which all that a pull request lacks is a newer base, which Moose does not merge in by itself any more. */
export const LEFT_BEHIND = 'left_behind'

/** The state in which all that is red is not required by its forge, and nothing can be read of it. */
export const RED_OPTIONAL = 'red_optional'

/**
 * The state in which it is approved and its base has moved: a merge of the base could dismiss the approval, and what the two are
 * together was not verified.
 */
export const APPROVED_BEHIND = 'approved_behind'

/** The state of one that a person has given up in Moose, and that is open; `code` is `hands_off`. */
export const GIVEN_UP = 'given_up'
export const GIVEN_UP_TEXT =
  'a person has given it up in Moose (moose close, moose cancel), and it is open on its forge all the same'

/** The states in which somebody asks for something that Moose has the model do next. */
export const ASKED_STATES: readonly string[] = ['settling', 'reviewed']

/** The states in which nothing is left to be done about an open pull request. */
export const AT_REST: readonly string[] = ['quiet', RED_OPTIONAL, LEFT_BEHIND, APPROVED_BEHIND]

/** The states in which an open pull request is not there, or is merged into what does not hold its change. */
export const LOST_STATES = ['gone', 'unproven'] as const
export type LostState = (typeof LOST_STATES)[number]

/** A red check: a line of what it printed, null where none could be read, and where it ran. */
const FailingCheck = z
  .object({ check: z.string(), said: z.string().nullable(), url: z.string().nullable() })
  .openapi('FailingCheck')
export type FailingCheck = z.infer<typeof FailingCheck>

/** `unit: "Error: …", https://…`, a line each. */
export function failingLines(failing: readonly FailingCheck[]): string[] {
  return failing.map(({ check, said, url }) => {
    const quoted = said === null ? '' : `: "${said}"`
    return `${check}${quoted}${url === null ? '' : `${said === null ? ':' : ','} ${url}`}`
  })
}

/** How an open pull request was last seen to stand. */
export const FollowUpView = z
  .object({
    state: z.string().openapi({ example: 'red' }),
    why: z.string(),
    code: z.string().nullable().openapi({
      description: '`follow_up_exhausted`, `hands_off`, `pull_request_lost`; null: nothing keeps Moose from going on',
    }),
    at: z.string(),
    checks_hidden: z
      .boolean()
      .optional()
      .openapi({ description: 'True: its forge did not show its checks, or not all of them, to the account of Moose' }),
    conversation_hidden: z
      .boolean()
      .optional()
      .openapi({ description: 'True: what was said of it on its forge could not be read, or not all of it' }),
    waits_for: z
      .object({ kind: z.enum(['project', 'proposer', 'cap']), name: z.string() })
      .optional()
      .openapi({
        description:
          'Its reaction asks a model, and waits until this project or proposer, which failures in a row have paused, is resumed, or ' +
          'until a cap of a day or a month has room, by what `moose budget cap` calls it (`day`, `month`, `kill`, `project:NAME`)',
      }),
    failing: z.array(FailingCheck).optional().openapi({
      description: 'The red checks that a model mends, or would; missing: it is about none',
    }),
    answered_with: z.string().optional().openapi({
      description:
        'The commit that was made for the reviews that ask for changes; missing: they ask for more, or for none',
    }),
    unapproved: z
      .array(z.string())
      .optional()
      .openapi({
        description:
          'Logins of people with write access who asked for something outside of a thread, for which a commit was made that they have ' +
          'not approved: rules do not merge it until they do; missing: there are none',
      }),
  })
  .openapi('FollowUp')
export type FollowUpView = z.infer<typeof FollowUpView>
