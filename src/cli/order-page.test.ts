import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import type { WorkOrderDetail } from '../contract/work-orders.ts'
import { orderPage } from './order-page.ts'

const ORDER: WorkOrderDetail = {
  id: '1a2b3c4d-0000-4000-8000-000000000000',
  title: 'Greet in French',
  description: 'Add French.\n\nNothing else.',
  acceptance_criteria: ["greet('fr') says Bonjour"],
  files_in_scope: ['src/greet.js'],
  risk_level: 'low',
  status: 'in_progress',
  phase: 'in_review',
  approved: true,
  project: 'hello',
  status_reason: null,
  attempts: 1,
  github_branch: 'feature/wo-1a2b3c4d-greet-in-french',
  github_pr_url: 'local://hello/pull/3',
  github_pr_number: 3,
  proposer: 'small-model',
  estimated_cost: 0.02,
  actual_cost: 0.0123,
  metadata: {},
  created_at: '2026-01-31T12:00:00.000Z',
  updated_at: '2026-01-31T12:00:00.000Z',
  completed_at: null,
  attempt_history: [
    {
      number: 1,
      status: 'succeeded',
      branch: null,
      base_sha: null,
      head_sha: null,
      cost_usd: 0.0123,
      error: null,
      claimed_at: '2026-01-31T12:00:00.000Z',
      ended_at: '2026-01-31T12:00:05.300Z',
      steps: [
        {
          name: 'propose',
          status: 'succeeded',
          runs: 2,
          input: { files: ['src/greet.js'] },
          output: 'x'.repeat(9_000),
          error: null,
          cost_usd: 0.0123,
          started_at: '2026-01-31T12:00:00.000Z',
          ended_at: '2026-01-31T12:00:02.300Z',
        },
      ],
    },
  ],
  pull_request: null,
}
const page = (order: WorkOrderDetail, steps = false) =>
  orderPage(order, { paint: pc.createColors(false), now: new Date('2026-01-31T12:03:00Z'), steps })

test('the page of an order in review', () => {
  assert.equal(
    page(ORDER),
    `WO-1a2b3c4d  Greet in French

id            1a2b3c4d-0000-4000-8000-000000000000
status        in_progress/in_review
approved      yes
project       hello
risk          low
proposer      small-model
branch        feature/wo-1a2b3c4d-greet-in-french
pull request  #3 local://hello/pull/3
cost          $0.0123 (estimated $0.0200)
added         3m ago (2026-01-31T12:00:00.000Z)

Add French.

Nothing else.

Acceptance criteria
  - greet('fr') says Bonjour

Files in scope
  - src/greet.js

Attempt 1  succeeded, 5.3s, $0.0123
  ✓ propose  2.3s  $0.0123  begun 2 times`,
  )
})

test('steps are shown with what went in and out, cut where it is too much to read', () => {
  const text = page(ORDER, true)
  assert.match(text, /propose input\n {4}files:\n {6}- src\/greet\.js/)
  assert.match(text, /… \d+ more characters; see them with --json/)
})

test('why an order failed stands on top, and text of others cannot command the terminal', () => {
  const evil = '\u001b]0;x\u0007'
  const text = page({
    ...ORDER,
    title: `a${evil}\nb`,
    description: evil,
    project: evil,
    github_branch: evil,
    status: 'failed',
    phase: null,
    status_reason: { code: 'check_failed', message: `tests failed${evil}\nbadly` },
  })
  assert.match(text, /^WO-1a2b3c4d {2}a\\u001b\]0;x\\u0007 b\n/)
  assert.match(text, /reason {8}check_failed: tests failed\\u001b]0;x\\u0007 badly/)
  assert.doesNotMatch(text, /\u001b|\u0007/)
})
