import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { type PullInReview, reviewOf } from '../contract/evidence/review.ts'
import type { RiskLevel } from '../work-order/content.ts'
import type { MergePolicy } from '../work-order/project.ts'
import { isAtMost, type Risk } from '../work-order/risk.ts'

/** What is decided by: the policy of the project, the risk of the order, and its open pull request as it was last seen. */
export type MergeFacts = {
  policy: MergePolicy
  /** The highest risk that the policy `auto` merges. */
  most: RiskLevel
  forge: string
  risk: Risk
  /** Whether what it asks for is still approved. */
  isApproved: boolean
  /** Changes that a human had to allow are in it. */
  hasHeldChanges: boolean
  /** With its text, whose record says what was verified. */
  pull: PullInReview & { body: string }
}

export type MergeRefusal = { rule: string; reason: string }

type Verified = NonNullable<ReturnType<typeof recordIn>>
type MergeRule = { rule: string; refuses: (facts: MergeFacts, verified: Verified | null) => string | null }

/** Each completes "It is not merged by rule: …"; null: it has nothing against it. */
export const MERGE_RULES: readonly MergeRule[] = [
  {
    rule: 'manual',
    refuses: ({ policy }) => (policy === 'manual' ? 'its project has its pull requests merged by a human' : null),
  },
  {
    rule: 'forge',
    refuses: ({ forge }) => (forge === 'local' ? null : `its pull request is on ${forge}, where a human merges it`),
  },
  {
    rule: 'risk',
    refuses: ({ risk: { level, reasons }, most }) => {
      const [first] = reasons
      return isAtMost(level, most)
        ? null
        : `its risk is ${level} (${first === undefined ? '' : first.reason}), and up to ${most} is allowed`
    },
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
    rule: 'review',
    refuses: ({ pull }) => {
      const { needs, because } = reviewOf(pull)
      return needs === 'merge' ? null : because
    },
  },
]

/** Whether a pull request is merged without a human, or every rule that refuses it. */
export function mayMerge(facts: MergeFacts): MergeRefusal[] {
  const verified = recordIn(facts.pull.body)
  return MERGE_RULES.flatMap(({ rule, refuses }) => {
    const reason = refuses(facts, verified)
    return reason === null ? [] : [{ rule, reason }]
  })
}
