import type { Schemas } from '../api/client.ts'
import { Choice, Field } from './field.tsx'

type Project = Schemas['Project']

const RISKS = [
  ['low', 'low risk'],
  ['medium', 'medium risk'],
  ['high', 'high risk'],
] as const
const POLICIES = [
  ['manual', 'a human'],
  ['auto', 'Moose, as far as the rules allow'],
] as const
const APPROVALS = [['none', 'nothing'], ...RISKS] as const

/** What is decided of a project without a human, as the form holds it. */
export type ProjectRules = {
  /** Digits; empty: any number. */
  open: string
  policy: Project['merge_policy']
  merge: Project['auto_merge']
  approve: NonNullable<Project['auto_approve']> | 'none'
}

export function rulesOf({
  max_open_pull_requests: open,
  merge_policy,
  auto_merge,
  auto_approve,
}: Project): ProjectRules {
  return {
    open: open === null ? '' : String(open),
    policy: merge_policy,
    merge: auto_merge,
    approve: auto_approve === null ? 'none' : auto_approve,
  }
}

export function openProblem(open: string): string | null {
  return open === '' || (/^[1-9]\d{0,4}$/.test(open) && Number(open) <= 10_000) ? null : 'A number from 1 to 10000'
}

export function changedRules(before: ProjectRules, after: ProjectRules): Schemas['ProjectChange'] {
  return {
    ...(before.open === after.open ? {} : { max_open_pull_requests: after.open === '' ? null : Number(after.open) }),
    ...(before.policy === after.policy ? {} : { merge_policy: after.policy }),
    ...(before.merge === after.merge ? {} : { auto_merge: after.merge }),
    ...(before.approve === after.approve ? {} : { auto_approve: after.approve === 'none' ? null : after.approve }),
  }
}

export function Rules({
  rules,
  change,
  problem,
}: {
  rules: ProjectRules
  change: (rules: ProjectRules) => void
  problem: string | null
}) {
  return (
    <div className="fields">
      <Field
        label="Open pull requests"
        value={rules.open}
        change={(open) => change({ ...rules, open })}
        problem={problem}
        placeholder="any number"
        hint="Orders beyond so many wait."
      />
      <Choice
        label="Who merges"
        value={rules.policy}
        change={(policy) => change({ ...rules, policy })}
        options={POLICIES}
        hint="What is proved and green."
      />
      <Choice
        label="Merged up to"
        value={rules.merge}
        change={(merge) => change({ ...rules, merge })}
        options={RISKS}
        hint="Where Moose merges."
      />
      <Choice
        label="Approved by rule up to"
        value={rules.approve}
        change={(approve) => change({ ...rules, approve })}
        options={APPROVALS}
        hint="As they are filed."
      />
    </div>
  )
}
