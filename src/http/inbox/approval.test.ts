import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ceiling } from '../../budget/ceilings.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { NO_USD, Usd } from '../../money.ts'
import { approvalOf } from './approval.ts'

const TIME = '2026-01-31T12:00:00.000Z'
const ORDER: WorkOrderView = {
  id: '1a2b3c4d-0000-4000-8000-000000000000',
  title: 'Add a greeting',
  description: '',
  acceptance_criteria: ['It greets', 'It is polite'],
  files_in_scope: ['CODEOWNERS'],
  context: [],
  depends_on: [],
  risk_level: 'low',
  status: 'pending',
  phase: null,
  approved: false,
  hidden_text: [{ field: 'title', kind: 'invisible', count: 2 }],
  project: 'sample',
  status_reason: null,
  attempts: 0,
  github_branch: null,
  github_pr_url: null,
  github_pr_number: null,
  proposer: null,
  estimated_cost: null,
  actual_cost: null,
  budget_usd: null,
  metadata: {},
  created_at: TIME,
  updated_at: TIME,
  completed_at: null,
  verification: {
    checks: 2,
    names: ['lint', 'unit'],
    proved_by: [{ criterion: 1, checks: ['unit'] }],
    unproved: [2],
    unmatched: [],
  },
  protected_scope: [{ path: 'CODEOWNERS', why: 'who has to review', allowed: false }],
}
const ceiling = (scope: Ceiling['scope'], cap: number, spent = 0): Ceiling => ({
  scope,
  of: scope === 'order' ? ORDER.id : '2026-01-31',
  cap: new Usd(cap),
  spent: new Usd(spent),
  reserved: NO_USD,
})

test('approving says the most that may be spent and what will be verified, with what is protected or hidden', () => {
  const { worstCaseUsd, sentence, evidence } = approvalOf(ORDER, [ceiling('order', 5, 1), ceiling('day', 2)])
  assert.equal(worstCaseUsd, 4)
  assert.match(
    sentence,
    /allows \$4\.00 to be spent at most, by the cap of this order\. The checks "lint" and "unit" verify it and can prove 1 of 2/,
  )
  assert.deepEqual(
    evidence.map(({ name, text }) => `${name}: ${text}`),
    [
      'cap of this order: $4.00 left of $5.00',
      'cap of the day (2026-01-31, UTC): $2.00 left of $2.00',
      'verified by: The checks "lint" and "unit" verify it and can prove 1 of 2 criteria',
      'protected: CODEOWNERS is who has to review',
      'hidden text: invisible in title (2)',
    ],
  )
})

test('without a cap of its own the lowest other one counts; without any, none does', () => {
  assert.equal(approvalOf(ORDER, [ceiling('day', 9), ceiling('month', 3, 4)]).worstCaseUsd, 0)
  const unbounded = approvalOf({ ...ORDER, verification: null }, [])
  assert.equal(unbounded.worstCaseUsd, null)
  assert.match(unbounded.sentence, /bounded by no cap\. Which checks will verify it is not known yet/)
  assert.match(approvalOf(ORDER, null).sentence, /the caps cannot be read/)
  const none = { checks: 0, names: [], proved_by: [], unproved: [1, 2], unmatched: [] }
  assert.match(approvalOf({ ...ORDER, verification: none }, []).sentence, /Nothing will be verified/)
})
