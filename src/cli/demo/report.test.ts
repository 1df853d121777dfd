import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkOrderDetail } from '../../contract/work-orders.ts'
import type { DemoPromise } from './orders.ts'
import { demoReport, demoResult } from './report.ts'

const PLACES = { home: '/home/ada/my data/demo/home', checkout: '/c', remote: '/r.git' }
const AT = '2026-01-31T12:00:00.000Z'
const OPENED: DemoPromise = { title: 'T', shows: 's', outcome: 'in_review', files: ['a.js', 'b.js'], refinements: 0 }
const STOPPED: DemoPromise = { title: 'T', shows: 's', outcome: 'failed', code: 'check_failed', names: 'tests' }

function detail(changes: Partial<WorkOrderDetail>): WorkOrderDetail {
  return {
    id: '0b7f7f0e-58a5-4f0c-9f61-3a1d8c2f4e11',
    title: 'T',
    description: '',
    acceptance_criteria: [],
    files_in_scope: [],
    context: [],
    depends_on: [],
    risk_level: 'low',
    status: 'in_progress',
    phase: 'in_review',
    approved: true,
    hidden_text: [],
    project: 'tally',
    status_reason: null,
    attempts: 1,
    github_branch: 'feature/wo-1',
    github_pr_url: null,
    github_pr_number: 1,
    proposer: 'demo-replay',
    estimated_cost: 0,
    actual_cost: 0,
    budget_usd: null,
    budget: { cap_usd: null, spent_usd: 0, reserved_usd: 0, unresolved_usd: 0 },
    metadata: {},
    created_at: AT,
    updated_at: AT,
    completed_at: null,
    attempt_history: [attempt(['b.js', 'a.js'])],
    pull_request: pullRequest(),
    ...changes,
  }
}

function attempt(files: string[]): WorkOrderDetail['attempt_history'][number] {
  const output = { headSha: 'x', files: files.map((path) => ({ path, change: 'added', added: 1, deleted: 0 })) }
  const timing = { claimed_at: AT, ended_at: '2026-01-31T12:00:02.500Z' }
  const step = { name: 'verify', try: 1, status: 'succeeded', runs: 1, input: null, output, error: null } as const
  const common = { number: 1, status: 'succeeded', branch: null, base_sha: null, head_sha: null, cost_usd: 0 } as const
  return { ...common, ...timing, error: null, steps: [{ ...step, cost_usd: 0, started_at: AT, ended_at: AT }] }
}

function pullRequest(): NonNullable<WorkOrderDetail['pull_request']> {
  const shas = { base_sha: 'b', head_sha: 'h', merge_sha: null, seen_head_sha: null, checks: null, review: null }
  const where = { number: 1, attempt: 1, state: 'open', base: 'main', branch: 'feature/wo-1' } as const
  return { ...where, title: 'T', body: '', diff: '', ...shas }
}

function failed(code: string, message: string): Partial<WorkOrderDetail> {
  return { status: 'failed', phase: null, status_reason: { code, message }, pull_request: null, github_pr_number: null }
}

test('an order that ends as promised breaks no promise', () => {
  const opened = demoResult(detail({}), OPENED, 1)
  assert.deepEqual(
    { broken: opened.broken_promise, files: opened.files, ms: opened.duration_ms, refinements: opened.refinements },
    { broken: null, files: ['a.js', 'b.js'], ms: 2500, refinements: 0 },
  )
  const stopped = demoResult(detail(failed('check_failed', 'Check "tests" failed')), STOPPED, 1)
  assert.equal(stopped.broken_promise, null)
})

test('whatever ends otherwise says how', () => {
  const broken = (changes: Partial<WorkOrderDetail>, promise: DemoPromise, answers: number | undefined = 1) =>
    demoResult(detail(changes), promise, answers).broken_promise
  assert.equal(broken(failed('internal', 'x'), OPENED), 'is failed, not in_review')
  assert.equal(broken({ phase: 'verifying' }, OPENED), 'is in_progress, not in_review')
  assert.equal(broken({ attempt_history: [attempt(['c.js'])] }, OPENED), 'changes c.js')
  assert.equal(broken({ pull_request: null }, OPENED), 'has no pull request')
  assert.equal(broken({}, OPENED, 3), 'was refined 2 times')
  assert.equal(broken({}, STOPPED), 'is in_review, not failed')
  assert.equal(broken(failed('internal', 'x'), STOPPED), 'failed with internal, not check_failed')
  assert.equal(broken(failed('check_failed', 'x'), STOPPED), 'failed without naming tests')
  const withPullRequest = { ...failed('check_failed', 'tests'), pull_request: pullRequest() }
  assert.equal(broken(withPullRequest, STOPPED), 'failed and has a pull request all the same')
})

test('the report adds up, and succeeds only when every promise is kept', () => {
  const kept = demoResult(detail({ actual_cost: 0.25 }), OPENED, 1)
  const broken = demoResult(detail({ phase: 'verifying', actual_cost: null }), OPENED, undefined)
  const run = { port: 4646, durationMs: 9000 }
  assert.equal(demoReport(PLACES, [kept], run).success, true)
  const report = demoReport(PLACES, [kept, broken], run)
  assert.equal(report.success, false)
  assert.deepEqual(report.totals, { orders: 2, in_review: 1, failed: 0, cost_usd: 0.25, duration_ms: 9000 })
})

test('what one can look at next is ready for a shell', () => {
  const { look_further } = demoReport(PLACES, [demoResult(detail({}), OPENED, 1)], { port: 4646, durationMs: 1 })
  assert.deepEqual(look_further, [
    "moose --home '/home/ada/my data/demo/home' show 0b7f7f0e --diff",
    "moose --home '/home/ada/my data/demo/home' merge 0b7f7f0e",
    'git --git-dir=/r.git log --all --oneline --graph',
    "moose --home '/home/ada/my data/demo/home' up",
  ])
})
