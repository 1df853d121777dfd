import type { FollowUpView } from '../contract/evidence/follow-up.ts'
import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { outsideText, type PullInReview, reviewOf, threadsText, UNREAD } from '../contract/evidence/review.ts'
import type { RiskLevel } from '../work-order/content.ts'
import type { MergePolicy } from '../work-order/project.ts'
import { isAtMost, type Risk } from '../work-order/risk.ts'
import { outsideOf } from '../work-order/scope.ts'

/** What is decided by, but the risk of the order: the policy of the project, and its open pull request as it was last seen. */
export type MergeFacts = {
  policy: MergePolicy
  /** The highest risk that the policy `auto` merges. */
  most: RiskLevel
  forge: string
  /** Whether what it asks for is still approved. */
  isApproved: boolean
  /** Changes that a human had to allow are in it. */
  hasHeldChanges: boolean
  /** Its order is in review with it; false: an attempt of it is to be made, or is under way. */
  isInReview: boolean
  /** Its `files_in_scope`. */
  scope: readonly string[]
  /** With its text, whose record says what was verified. */
  pull: PullInReview & { body: string; follow_up: FollowUpView | null; adopted_sha: string | null }
  /**
   * The commit with which it was last seen on its forge, since when, and when last, and how many threads of people with write
   * access were open then; null: it was not seen yet.
   */
  seen: { sha: string; since: Date; at: Date; openThreads: number } | null
  /** The last pull request that was merged into its base since its own verification began; null: none was. */
  mergedBeside: { number: number; at: Date } | null
  now: Date
}

export type MergeRefusal = { rule: string; reason: string }

type Verified = NonNullable<ReturnType<typeof recordIn>>
type MergeRule = { rule: string; refuses: (facts: MergeFacts, verified: Verified | null) => string | null }

/** States of a follow-up in which there is nothing to do, or only to wait. */
const AT_REST: ReadonlySet<string> = new Set(['quiet', 'checking'])
/** A forge begins the checks of a commit so soon, if it has any. */
const BEGIN_WITHIN_MS = 120_000

/** Each completes "It is not merged by rule: …"; null: it has nothing against it. The rule `risk` comes after them. */
export const MERGE_RULES: readonly MergeRule[] = [
  {
    rule: 'manual',
    refuses: ({ policy }) => (policy === 'manual' ? 'its project has its pull requests merged by a human' : null),
  },
  {
    rule: 'under_way',
    refuses: ({ isInReview }) => (isInReview ? null : 'an attempt of its order is under way'),
  },
  { rule: 'approval', refuses: ({ isApproved }) => (isApproved ? null : 'it is not approved as it is now') },
  {
    rule: 'held_changes',
    refuses: ({ hasHeldChanges }) => (hasHeldChanges ? 'it changes what a human had to allow' : null),
  },
  {
    rule: 'record',
    refuses: ({ pull }, verified) =>
      verified === null || verified.head_sha !== pull.head_sha || verified.cut.length > 0
        ? 'nothing tells whole what was verified of its commit'
        : null,
  },
  { rule: 'no_checks', refuses: (_, verified) => (verified?.checks.length === 0 ? 'no check verifies it' : null) },
  {
    rule: 'red_checks',
    refuses: (_, verified) => {
      const red = verified?.checks.find(({ outcome }) => outcome !== 'passed')
      if (red === undefined) return null
      return `check ${red.name} ${red.baseline ? 'fails on its base too' : 'did not pass'}`
    },
  },
  {
    rule: 'unproved_criteria',
    refuses: (_, verified) =>
      verified === null || verified.proved_count === verified.criteria_count
        ? null
        : `${verified.proved_count} of ${verified.criteria_count} criteria are proved`,
  },
  {
    rule: 'hands_off',
    refuses: ({ pull: { follow_up: followUp } }) => (followUp?.code === 'hands_off' ? followUp.why : null),
  },
  {
    rule: 'adopted',
    refuses: ({ pull: { adopted_sha: sha } }) =>
      sha === null ? null : `it holds ${sha.slice(0, 12)}, which a person has pushed`,
  },
  {
    rule: 'outside_scope',
    refuses: ({ scope }, verified) => {
      const outside = verified === null ? [] : outsideOf(scope, verified.files)
      return outside.length === 0 ? null : outsideText(outside)
    },
  },
  {
    rule: 'follow_up',
    refuses: ({ forge, pull: { follow_up: followUp } }) => {
      // It is null from a verification, or an answer of a human, until the next look has judged it.
      if (followUp === null) return forge === 'local' ? null : 'what its commit needs was not judged yet'
      const isAtRest = followUp.code === null && AT_REST.has(followUp.state)
      return isAtRest || followUp.code === 'hands_off' ? null : followUp.why
    },
  },
  {
    rule: 'open_threads',
    refuses: ({ seen }) => {
      const open = seen === null ? 0 : seen.openThreads
      return open === 0 ? null : threadsText(open)
    },
  },
  {
    rule: 'unseen',
    refuses: ({ forge, pull, seen }) =>
      forge === 'local' || seen?.sha === pull.head_sha ? null : `its commit was not seen on ${forge} yet`,
  },
  {
    rule: 'checks_hidden',
    refuses: ({ forge, pull: { follow_up: followUp } }) =>
      followUp?.checks_hidden === true
        ? `its checks on ${forge} cannot be read with Moose's token, or not all of them`
        : null,
  },
  {
    rule: 'conversation_hidden',
    refuses: ({ pull: { follow_up: followUp } }) => (followUp?.conversation_hidden === true ? UNREAD : null),
  },
  {
    rule: 'checks_may_begin',
    refuses: ({ forge, pull, seen, now }) =>
      forge === 'local' ||
      pull.checks !== null ||
      seen === null ||
      now.getTime() - seen.since.getTime() >= BEGIN_WITHIN_MS
        ? null
        : `its commit is on ${forge} for less than ${BEGIN_WITHIN_MS / 60_000} minutes, and checks may still begin`,
  },
  {
    rule: 'newer_base',
    refuses: ({ mergedBeside, seen }) =>
      mergedBeside === null || (seen !== null && seen.at > mergedBeside.at)
        ? null
        : `pull request #${mergedBeside.number} was merged since it was last looked at`,
  },
  {
    rule: 'review',
    refuses: ({ forge, pull }) => {
      // What its forge waits for by itself; the states of its follow-up, and open threads, have rules of their own.
      const apart = { follow_up: null, seen_open_threads: 0, outside_scope: [] }
      const { needs, because } = reviewOf({ ...(forge === 'local' ? pull : waitedFor(pull)), ...apart })
      return needs === 'merge' ? null : because
    },
  },
]

/** A pull request without what only has to come: the end of checks, and an approval. */
function waitedFor<Pull extends PullInReview>(pull: Pull): Pull {
  const checks = isRunning(pull) ? null : pull.checks
  return { ...pull, checks, review: pull.review === 'REVIEW_REQUIRED' ? null : pull.review }
}

/** Whether checks of its forge have still to end. */
export function isRunning({ checks }: Pick<PullInReview, 'checks'>): boolean {
  return checks === 'PENDING' || checks === 'EXPECTED'
}

/** Every rule, but that of the risk, by which a pull request is not merged without a human. */
export function refusalsBeforeRisk(facts: MergeFacts): MergeRefusal[] {
  const verified = recordIn(facts.pull.body)
  return MERGE_RULES.flatMap(({ rule, refuses }) => {
    const reason = refuses(facts, verified)
    return reason === null ? [] : [{ rule, reason }]
  })
}

/** The rule that comes last, because the risk takes the most to find. */
export function riskRefusal({ level, reasons }: Risk, most: RiskLevel): MergeRefusal[] {
  if (isAtMost(level, most)) return []
  const [first] = reasons
  const because = first === undefined ? '' : ` (${first.reason})`
  return [{ rule: 'risk', reason: `its risk is ${level}${because}, and up to ${most} is allowed` }]
}
