import type { ReactNode } from 'react'
import { type ListedState, stateOf } from '../api/actions.ts'
import type { OrderDetail } from '../api/client.ts'
import type { OrderPart } from '../places.ts'
import { CheckList, whichCommit } from './checks.tsx'
import { Criteria } from './criteria.tsx'
import { PullRequest } from './pull-request.tsx'

/** What is shown first: parts of the page, or what only the overview has. */
type Shown = OrderPart | 'criteria' | 'pull_request' | 'failing'

/** What a person wants first of an order that stands there. */
const FIRST: Readonly<Record<ListedState, readonly Shown[]>> = {
  unapproved: ['asked', 'routing'],
  waiting: ['asked', 'attempts'],
  running: ['attempts', 'log'],
  review: ['criteria', 'pull_request', 'diff'],
  blocked: ['failing', 'diff', 'attempts', 'asked'],
  failed: ['failing', 'attempts', 'asked'],
  completed: ['criteria', 'pull_request', 'attempts', 'diff'],
  cancelled: ['attempts', 'pull_request', 'asked'],
}

const TITLES: Readonly<Record<Shown, string>> = {
  asked: 'What was asked',
  attempts: 'Timeline',
  log: 'Log',
  tries: 'Prompts',
  diff: 'Change',
  checks: 'Checks',
  routing: 'Which proposer would get it',
  criteria: 'Evidence',
  pull_request: 'Pull request',
  failing: 'What fails',
}

/** @param show gives a part as its tab has it */
export function Overview({ order, show }: { order: OrderDetail; show: (part: OrderPart) => ReactNode }) {
  const state = stateOf(order)
  const given = (part: Shown) => {
    if (part === 'criteria') return <Criteria order={order} />
    if (part === 'pull_request') return <PullRequest order={order} />
    return part === 'failing' ? <Failing order={order} /> : show(part)
  }
  return (
    <div className={`overview ${state}`}>
      {FIRST[state]
        .filter((part) => isThere(part, order))
        .map((part) => (
          <section key={part} className="overview-part" data-part={part} aria-label={TITLES[part]}>
            <h2>{TITLES[part]}</h2>
            {given(part)}
          </section>
        ))}
    </div>
  )
}

/** What is empty takes no room here; its tab says so. */
function isThere(part: Shown, order: OrderDetail): boolean {
  if (part === 'attempts') return order.attempt_history.length > 0
  if (part === 'pull_request') return order.pull_request !== null
  // Of a change that waits for a human there is one before any pull request.
  if (part === 'diff') return order.pull_request !== null || typeof order.status_reason?.details?.['diff'] === 'string'
  if (part === 'criteria') return order.acceptance_criteria.length > 0
  return part !== 'failing' || failingOf(order).length > 0
}

/** Of the last attempt alone: what failed before it is no reason any more. */
function failingOf({ evidence, attempt_history: attempts }: OrderDetail) {
  if (evidence === undefined || evidence === null || evidence.attempt !== attempts.at(-1)?.number) return []
  return evidence.checks.filter(({ outcome, baseline }) => outcome !== 'passed' && !baseline)
}

function Failing({ order }: { order: OrderDetail }) {
  const failing = failingOf(order)
  const { evidence } = order
  const all = evidence === undefined || evidence === null ? 0 : evidence.checks.length
  return (
    <>
      <p className="quiet">
        {failing.length} of {all} {all === 1 ? 'check' : 'checks'}.{' '}
        {evidence === undefined || evidence === null ? '' : whichCommit(evidence)}
      </p>
      <CheckList checks={failing} order={order} />
    </>
  )
}
