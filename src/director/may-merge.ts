import {
  draftText,
  named,
  outsideText,
  retargetedText,
  threadsText,
  unapprovedText,
} from '../contract/evidence/against-merge.ts'
import { GIVEN_UP, GIVEN_UP_TEXT } from '../contract/evidence/follow-up.ts'
import { forgeName } from '../contract/evidence/merged-by.ts'
import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { type PullInReview, reviewOf, UNREAD } from '../contract/evidence/review.ts'
import { approvalSeen, approvedBeforeText } from '../contract/evidence/seen-approval.ts'
import type { RiskLevel } from '../work-order/content.ts'
import { isAtMost, type Risk } from '../work-order/risk.ts'
import { outsideOf } from '../work-order/scope.ts'
import { isRunning, type MergeFacts, overdueMs, seenCountsForMs, UNREAD_FOR_MS } from './merge-facts.ts'

/** `isPassing`: it ends with the next look, and takes nothing back that a forge was asked for. */
export type MergeRefusal = { rule: string; reason: string; isPassing?: true }

type Verified = NonNullable<ReturnType<typeof recordIn>>
type MergeRule = {
  rule: string
  refuses: (facts: MergeFacts, verified: Verified | null) => string | null
  /** Whether it ends with the next look; left out: it does not. */
  isPassing?: (facts: MergeFacts) => boolean
}

/** States of a follow-up in which there is nothing to do, or only to wait. */
const QUIET_OR_CHECKING: ReadonlySet<string> = new Set(['quiet', 'checking'])
/** A forge begins the checks of a commit so soon, if it has any. */
const BEGIN_WITHIN_MS = 120_000
/** Checks that ran on the base are waited for so long: some run there alone. */
const EXPECTED_WITHIN_MS = 600_000
/** Each completes "It is not merged by rule: …"; null: it has nothing against it. The rule `risk` comes after them. */
export const MERGE_RULES: readonly MergeRule[] = [
  { rule: 'stopped', refuses: ({ stopped }) => stopped },
  {
    rule: 'manual',
    refuses: ({ policy }) => (policy === 'manual' ? 'the merge policy of its project is manual' : null),
  },
  {
    rule: 'under_way',
    refuses: ({ isInReview }) => (isInReview ? null : 'an attempt of its order is under way'),
  },
  {
    rule: 'approval',
    refuses: ({ isApproved, isAsMade }) => {
      if (!isApproved) return 'it is not approved as it is now'
      return isAsMade ? null : 'its order asks for something else than what it was made for'
    },
  },
  {
    rule: 'held_changes',
    refuses: ({ hasHeldChanges }) => (hasHeldChanges ? 'it changes what a human had to allow' : null),
  },
  {
    rule: 'record',
    refuses: ({ pull }, verified) =>
      verified === null || verified.head_sha !== pull.head_sha || verified.cut.length > 0
        ? 'there is no complete record of what was verified of its commit'
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
    rule: 'given_up',
    refuses: ({ pull: { given_up_at: at } }) => (at === null ? null : GIVEN_UP_TEXT),
  },
  {
    rule: 'hands_off',
    refuses: ({ pull: { follow_up: followUp } }) =>
      followUp?.code === 'hands_off' && followUp.state !== GIVEN_UP ? followUp.why : null,
  },
  {
    rule: 'adopted',
    refuses: ({ pull: { adopted_sha: sha } }) =>
      sha === null ? null : `it holds ${sha.slice(0, 12)}, which a person has pushed`,
  },
  {
    rule: 'draft',
    refuses: ({ forge, pull }) => (pull.seen_draft === true ? draftText(forgeName(forge)) : null),
  },
  { rule: 'retargeted', refuses: ({ forge, pull }) => retargetedText(pull, forgeName(forge)) },
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
      if (followUp === null) return forge === 'local' ? null : 'its commit was not looked at since it was verified'
      const isQuiet = followUp.code === null && QUIET_OR_CHECKING.has(followUp.state)
      return isQuiet || followUp.code === 'hands_off' ? null : followUp.why
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
    rule: 'changes_requested',
    refuses: ({ seen }) => {
      const by = seen === null ? [] : seen.changesRequested
      return by.length === 0 ? null : `a review asks for changes: ${named(by)}`
    },
  },
  {
    rule: 'approved_before',
    refuses: ({ forge, pull, seen }) => {
      // What is not read yet is refused by the rule `unseen`.
      const isRead = forge !== 'local' && seen?.sha === pull.head_sha && seen.mark === pull.seen_mark
      if (!isRead || pull.review !== 'APPROVED') return null
      if (approvalSeen(pull) === null) return `${forgeName(forge)} calls it approved, ${NO_APPROVAL}`
      const before = approvedBeforeText(pull)
      return before === null ? null : `${before}; to be merged by rule it needs another approval`
    },
  },
  {
    rule: 'unanswered',
    refuses: ({ seen }) => {
      const by = seen === null ? [] : seen.unanswered
      return by.length === 0 ? null : `what a person with write access asks for was not done: ${named(by)}`
    },
  },
  {
    rule: 'unapproved',
    refuses: ({ pull: { follow_up: followUp } }) => unapprovedText(followUp),
  },
  {
    rule: 'unseen',
    refuses: (facts) => {
      const { forge, pull, seen } = facts
      if (forge === 'local') return null
      if (seen?.sha !== pull.head_sha) return `its commit was not seen on ${forgeName(forge)} yet`
      if (seen.mark === null || seen.mark !== pull.seen_mark)
        return `something has changed on ${forgeName(forge)} since its reviews and checks were read`
      return overdueMs(facts) <= 0
        ? null
        : `the last look at it on ${forgeName(forge)} began more than ${minutes(seenCountsForMs(facts))} ago`
    },
    isPassing: (facts) => {
      const { pull, seen, now } = facts
      if (seen?.sha !== pull.head_sha || overdueMs(facts) >= UNREAD_FOR_MS) return false
      const isRead = seen.mark !== null && seen.mark === pull.seen_mark
      return isRead || (pull.unread_since !== null && now.getTime() - pull.unread_since.getTime() < UNREAD_FOR_MS)
    },
  },
  {
    rule: 'checks_hidden',
    refuses: ({ forge, pull: { follow_up: followUp } }) =>
      followUp?.checks_hidden === true
        ? `its checks on ${forgeName(forge)} cannot be read with Moose's token, or not all of them`
        : null,
  },
  {
    rule: 'conversation_hidden',
    refuses: ({ pull: { follow_up: followUp } }) => (followUp?.conversation_hidden === true ? UNREAD : null),
  },
  {
    rule: 'checks_may_begin',
    refuses: ({ forge, seen, now }) => {
      if (forge === 'local' || seen === null) return null
      const ageMs = now.getTime() - seen.since.getTime()
      if (ageMs < BEGIN_WITHIN_MS)
        return `its commit has been on ${forgeName(forge)} for less than ${minutes(BEGIN_WITHIN_MS)}, and checks may still begin`
      if (seen.absentChecks.length === 0 || ageMs >= EXPECTED_WITHIN_MS) return null
      const absent = named(seen.absentChecks)
      return `checks of its base have not begun on its commit, which has been on ${forgeName(forge)} for less than ${minutes(EXPECTED_WITHIN_MS)}: ${absent}`
    },
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
      const open = {
        seen_open_threads: 0,
        seen_draft: false,
        seen_base: null,
        seen_approval: null,
        project_base: undefined,
      }
      const apart = { follow_up: null, outside_scope: [], ...open }
      const { needs, because } = reviewOf({ ...(forge === 'local' ? pull : waitedFor(pull)), ...apart })
      return needs === 'merge' ? null : because
    },
  },
]

const NO_APPROVAL = 'and no approval by a person with write access was seen, which it needs'
const minutes = (ms: number) => `${ms / 60_000} minutes`

/** A pull request without what only has to come: the end of checks, and an approval. */
function waitedFor<Pull extends PullInReview>(pull: Pull): Pull {
  const checks = isRunning(pull) ? null : pull.checks
  return { ...pull, checks, review: pull.review === 'REVIEW_REQUIRED' ? null : pull.review }
}

/** Every rule, but that of the risk, by which a pull request is not merged without a human. */
export function refusalsBeforeRisk(facts: MergeFacts): MergeRefusal[] {
  const verified = recordIn(facts.pull.body)
  return MERGE_RULES.flatMap(({ rule, refuses, isPassing }) => {
    const reason = refuses(facts, verified)
    if (reason === null) return []
    return [isPassing?.(facts) === true ? { rule, reason, isPassing: true as const } : { rule, reason }]
  })
}

/** The rule that comes last, because the risk takes the most to find. */
export function riskRefusal({ level, reasons }: Risk, most: RiskLevel): MergeRefusal[] {
  if (isAtMost(level, most)) return []
  const [first] = reasons
  const because = first === undefined ? '' : ` (${first.reason})`
  return [{ rule: 'risk', reason: `its risk is ${level}${because}, and up to ${most} is allowed` }]
}
