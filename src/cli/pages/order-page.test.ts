import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { evidenceOf } from '../../contract/evidence/evidence.ts'
import { stepSummary } from '../../contract/evidence/step-summary.ts'
import type { WorkOrderDetail } from '../../contract/work-orders.ts'
import { withWaysOut } from '../../work-order/ways-out.ts'
import { orderPage } from './order-page.ts'

const ORDER: WorkOrderDetail = {
  id: '1a2b3c4d-0000-4000-8000-000000000000',
  title: 'Greet in French',
  description: 'Add French.\n\nNothing else.',
  acceptance_criteria: ["greet('fr') says Bonjour", 'edited since'],
  files_in_scope: ['src/greet.js'],
  context: [],
  depends_on: [],
  risk_level: 'low',
  status: 'in_progress',
  phase: 'in_review',
  approved: true,
  hidden_text: [],
  project: 'hello',
  status_reason: null,
  attempts: 1,
  github_branch: 'feature/wo-1a2b3c4d-greet-in-french',
  github_pr_url: 'local://hello/pull/3',
  github_pr_number: 3,
  proposer: 'small-model',
  estimated_cost: 0.02,
  actual_cost: 0.0123,
  budget_usd: null,
  budget: { cap_usd: 5, spent_usd: 0.0123, reserved_usd: 0, unresolved_usd: 0 },
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
          name: 'route',
          try: 1,
          status: 'succeeded',
          runs: 1,
          input: { acceptance_criteria: ["greet('fr') says Bonjour", 'as it was before an edit'] },
          output: null,
          error: null,
          cost_usd: 0,
          started_at: '2026-01-31T12:00:00.000Z',
          ended_at: '2026-01-31T12:00:00.010Z',
        },
        {
          name: 'propose',
          try: 1,
          status: 'succeeded',
          runs: 2,
          input: { files: ['src/greet.js'] },
          output: 'x'.repeat(9_000),
          error: null,
          cost_usd: 0.0123,
          started_at: '2026-01-31T12:00:00.000Z',
          ended_at: '2026-01-31T12:00:02.300Z',
        },
        {
          name: 'verify',
          try: 1,
          status: 'succeeded',
          runs: 1,
          input: null,
          output: {
            headSha: 'a'.repeat(40),
            files: [
              { path: 'src/greet.js', change: 'modified', added: 3, deleted: 1 },
              { path: 'logo.png', change: 'added', added: null, deleted: null },
            ],
            checks: [{ name: 'tests', run: 'npm test', outcome: 'passed', durationMs: 1_200, proves: [0, 1] }],
            failure: null,
          },
          error: null,
          cost_usd: 0,
          started_at: '2026-01-31T12:00:02.300Z',
          ended_at: '2026-01-31T12:00:04.000Z',
        },
      ],
    },
  ],
  pull_request: null,
}
/** With what the API derives of the steps. */
function derived(order: WorkOrderDetail): WorkOrderDetail {
  const attempts = order.attempt_history.map((attempt) => ({
    ...attempt,
    steps: attempt.steps.map((step) => ({ ...step, summary: stepSummary(step) })),
  }))
  return { ...order, evidence: evidenceOf(order), attempt_history: attempts }
}
const page = (order: WorkOrderDetail, steps = false) =>
  orderPage(derived(order), {
    paint: pc.createColors(false),
    hint: (text) => text,
    now: new Date('2026-01-31T12:03:00Z'),
    waits: null,
    steps,
  })

test('the page of an order in review', () => {
  assert.equal(
    page(ORDER),
    `WO-1a2b3c4d  Greet in French

id            1a2b3c4d-0000-4000-8000-000000000000
status        in_progress/in_review
approved      yes
project       hello
risk          filed as low
proposer      small-model
branch        feature/wo-1a2b3c4d-greet-in-french
pull request  #3
cost          $0.0123 (estimated $0.0200, cap $5.00)
added         3m ago (2026-01-31T12:00:00.000Z)

│ Add French.
│
│ Nothing else.

Acceptance criteria
  - [x] greet('fr') says Bonjour — proved by check tests
  - [ ] edited since — edited since

Files in scope
  - src/greet.js

Attempt 1  succeeded, 5.3s, $0.0123
  ✓ route    10ms
  ✓ propose  2.3s  $0.0123  begun 2 times
  ✓ verify   1.7s           1 of 1 check passed

Files
  src/greet.js  +3 −1
  logo.png      binary

Checks
  ✓ tests  passed  1.2s  proves criterion 1, 2

Next: moose show 1a2b3c4d --diff   then: moose merge 1a2b3c4d   or: moose close 1a2b3c4d`,
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
  assert.match(text, /^WO-1a2b3c4d {2}a\\u001b\]0;x\\u0007\\nb\n/)
  assert.match(text, /reason {8}check_failed: tests failed\\u001b]0;x\\u0007\n +│ badly/)
  assert.doesNotMatch(text, /\u001b|\u0007/)
  const { message, details } = withWaysOut('It conflicts.', ['Do this: moose verify 1a2b', 'Or that: moose close 1a2b'])
  const stuck = page({
    ...ORDER,
    phase: null,
    status: 'blocked',
    status_reason: { code: 'merge_conflict', message, details },
  })
  assert.match(
    stuck,
    /reason {8}merge_conflict: It conflicts\.\n +Do this: moose verify 1a2b\n +Or that: moose close 1a2b\n/,
  )
})

test('no field of an order begins a line of its own', () => {
  const [attempt] = ORDER.attempt_history
  const [first] = attempt === undefined ? [] : attempt.steps
  assert.ok(attempt !== undefined && first !== undefined)
  const forged = 'x\nFORGED  completed\u2028FORGED\r\nFORGED'
  const verified = {
    failure: null,
    files: [{ path: forged, added: 1, deleted: 1 }],
    checks: [{ name: forged, outcome: forged, durationMs: 1, proves: [0] }],
  }
  const steps = [...attempt.steps, { ...first, name: forged }].map((step) => ({
    ...step,
    error: { code: forged, message: forged },
    input: { [forged]: forged, acceptance_criteria: [forged] },
    output: step.name === 'verify' ? verified : { executor: forged, reason: forged },
  }))
  const text = page(
    {
      ...ORDER,
      title: forged,
      description: forged,
      acceptance_criteria: [forged],
      files_in_scope: [forged],
      risk_level: forged,
      project: forged,
      proposer: forged,
      github_branch: forged,
      github_pr_url: forged,
      status_reason: { code: forged, message: forged },
      attempt_history: [{ ...attempt, steps }],
    },
    true,
  )
  assert.ok(text.split('FORGED').length > 30, text)
  for (const line of text.split(/[\n\r\u2028]/)) assert.doesNotMatch(line.slice(0, 4).trimStart(), /^FORG/, text)
})

test('the error of a step spells commands as they have to be typed', () => {
  const [attempt] = ORDER.attempt_history
  assert.ok(attempt !== undefined)
  const error = { code: 'command_missing', message: 'Install it with: moose doctor --fix' }
  const steps = attempt.steps.map((step) => ({ ...step, status: 'failed' as const, error }))
  const text = orderPage(
    { ...ORDER, attempt_history: [{ ...attempt, steps }] },
    {
      paint: pc.createColors(false),
      hint: (words) => words.replaceAll('moose doctor', './moose doctor'),
      now: new Date('2026-01-31T12:03:00Z'),
      waits: null,
      steps: false,
    },
  )
  assert.equal(text.match(/with: \.\/moose doctor --fix/g)?.length, 3)
})

test('a change that comes from a recording is called one', () => {
  const [attempt] = ORDER.attempt_history
  assert.ok(attempt !== undefined)
  const steps = attempt.steps.map((step) =>
    step.name === 'propose' ? { ...step, output: { response: { replayed: true } } } : step,
  )
  const text = page({ ...ORDER, attempt_history: [{ ...attempt, steps }] })
  assert.match(text, /^Attempt 1 {2}succeeded, 5\.3s, \$0\.0123 {2}\(replay: no model was called\)$/m)
  assert.doesNotMatch(page(ORDER), /replay/)
})

test('every state says what to do next, with the remedy of the reason where there is one', () => {
  const next = (order: Partial<WorkOrderDetail>) => /^Next: (.*)$/m.exec(page({ ...ORDER, phase: null, ...order }))?.[1]
  assert.equal(next({ status: 'pending', approved: false }), 'moose approve 1a2b3c4d')
  assert.match(String(next({ status: 'pending' })), /^moose run 1a2b3c4d /)
  assert.equal(
    next({ status: 'failed', approved: false }),
    'moose logs 1a2b3c4d   correct it: moose edit 1a2b3c4d   then: moose approve 1a2b3c4d   moose retry 1a2b3c4d',
  )
  assert.match(
    String(next({ status: 'failed', escalated: true })),
    /^moose logs 1a2b3c4d {3}what can be done: moose decide 1a2b3c4d {3}or correct it: moose edit 1a2b3c4d /,
  )
  const status_reason = { code: 'model_key_missing', message: 'There is no key. Set ANTHROPIC_API_KEY.' }
  assert.equal(next({ status: 'blocked', status_reason }), 'Set ANTHROPIC_API_KEY.   then: moose retry 1a2b3c4d')
  const money = {
    code: 'budget_exceeded',
    message: 'No money. Raise it with: moose budget cap day 101.00',
    details: {},
  }
  assert.equal(
    next({ status: 'blocked', status_reason: money }),
    'Raise it with: moose budget cap day 101.00   a running service then resumes it; or: moose retry 1a2b3c4d',
  )
  const said = (sentence: string) =>
    next({ status: 'blocked', status_reason: { ...status_reason, message: `No. ${sentence}` } })
  for (const again of [', then retry the order', ', then retry', ', then try again', ' and try again'])
    assert.equal(said(`Set a key${again}.`), 'Set a key.   then: moose retry 1a2b3c4d')
  assert.equal(next({ status: 'completed' }), undefined)
})

test('what an attempt did to mend its change is told, with what it cost', () => {
  const repair = { check: 'tests', head_sha: 'a'.repeat(40), cost_usd: 0, mended: false }
  const repairs = [
    { ...repair, by: 'fix' as const, head_sha: null },
    { ...repair, by: 'proposer' as const, cost_usd: 0.0123, mended: true },
  ]
  const told = (some: readonly object[]) =>
    page({
      ...ORDER,
      attempt_history: ORDER.attempt_history.map((attempt) => ({
        ...attempt,
        steps: attempt.steps.map((step) =>
          step.name === 'verify' ? { ...step, output: { ...Object(step.output), repairs: some } } : step,
        ),
      })),
    })
  const shown = told(repairs)
  assert.match(
    shown,
    /^Repairs\n {2}✗ tests +its fix command +no commit *\n {2}✓ tests +the model was told +aaaaaaaaaaaa +\$0\.0123$/m,
  )
  assert.doesNotMatch(told([]), /Repairs/)
})

test('what fails newly is told once, below its name, and not what failed on the base already', () => {
  const failed = { outcome: 'failed', exitCode: 1, durationMs: 10, proves: [] }
  const checks = [
    { ...failed, name: 'tests', outputTail: 'not ok 1 - zones of 1970', baseline: true, failedBefore: true },
    { ...failed, name: 'lint', outputTail: 'a.js: error no-var', told: 'a.js: error no-var' },
  ]
  const output = { headSha: 'a'.repeat(40), files: [], checks, failure: { code: 'check_failed' } }
  const text = page({
    ...ORDER,
    status: 'failed',
    phase: null,
    status_reason: {
      code: 'check_failed',
      message:
        'Check "lint" (oxlint) failed with exit code 1. What failed:\na.js: error no-var\nIt was not repaired further: no.',
      details: { check: 'lint', unrepaired: 'no' },
    },
    attempt_history: ORDER.attempt_history.map((attempt) => ({
      ...attempt,
      steps: attempt.steps.map((step) => (step.name === 'verify' ? { ...step, output } : step)),
    })),
  })
  assert.match(
    text,
    /^reason +check_failed: Check "lint" \(oxlint\) failed with exit code 1\. It was not repaired further: no\.$/m,
  )
  assert.match(text, /^What lint said\n│ a\.js: error no-var$/m)
  assert.equal(text.split('no-var').length, 2)
  assert.doesNotMatch(text, /zones of 1970/)
})

test('what a step failed with is told in the reason of the order alone, where it stands there', () => {
  const refused = 'None of the 2 answers of small-model can be applied.\nanswer 1: no such file'
  const error = { code: 'proposal_rejected', message: refused }
  const text = page({
    ...ORDER,
    status: 'failed',
    phase: null,
    status_reason: {
      ...error,
      message: `The answer of large-model cannot be applied.\nBefore it, small-model failed: ${refused}`,
    },
    attempt_history: ORDER.attempt_history.map((attempt) => ({
      ...attempt,
      steps: attempt.steps.map((step) => ({ ...step, status: 'failed', error })),
    })),
  })
  assert.equal(text.split('no such file').length, 2, text)
  assert.match(text, /✗ propose .*proposal_rejected$/m)
})

test('what was seen of a pull request on GitHub is told, and a branch somebody else has moved is not merged', () => {
  const where = { number: 3, attempt: 1, state: 'open', base: 'main', branch: 'f' } as const
  const pull = { ...where, title: 't', body: 'b', base_sha: 'b' }
  const seen = { head_sha: 'h', merge_sha: null, diff: '', checks: 'FAILURE', review: 'APPROVED' }
  const quiet = page({ ...ORDER, pull_request: { ...pull, ...seen, checks: null, review: null, seen_head_sha: 'h' } })
  assert.doesNotMatch(quiet, /on GitHub/)
  assert.match(quiet, /moose merge/)
  const told = page({ ...ORDER, pull_request: { ...pull, ...seen, seen_head_sha: '0123456789abcdef' } })
  assert.match(told, /^on GitHub +checks FAILURE, review APPROVED, branch moved to 0123456789ab by another push$/m)
  assert.doesNotMatch(told, /moose merge/)
})

test('a pull request that conflicts, or was verified and failed, says so and what helps', () => {
  const where = { number: 3, attempt: 1, state: 'open', base: 'main', branch: 'f' } as const
  const pull = { ...where, title: 't', body: 'b', base_sha: 'b', head_sha: 'h', merge_sha: null, diff: '' }
  const quiet = { ...pull, checks: null, review: null, seen_head_sha: 'h' }
  const ended = { attempt: 2, head_sha: 'x', base_sha: 'b', code: 'check_failed', check: 'lint', said: '3 errors' }
  const conflict = { base_sha: 'b', head_sha: 'h', files: ['a.ts'], since: '2026-01-31T12:00:00.000Z' }
  const of = (more: Partial<NonNullable<WorkOrderDetail['pull_request']>>) =>
    page({ ...ORDER, pull_request: { ...quiet, ...more } })
  const weighed = of({ seen_open_threads: 2, outside_scope: ['b.ts'] })
  assert.match(
    weighed,
    /^Next: weigh first: 2 threads of its reviews, .* are not resolved; .*; it changes what is outside of the scope of the order: b\.ts {3}moose show 1a2b3c4d --diff {3}then: moose merge 1a2b3c4d/m,
  )
  const why = 'main has moved on; 10 merges of it passed the checks, and no more are made for one order'
  const at = '2026-01-31T12:00:00.000Z'
  assert.match(
    of({ follow_up: { state: 'left_behind', why, code: null, at } }),
    /^Next: weigh first: main has moved on; .* one order {3}moose show 1a2b3c4d --diff {3}then: moose merge 1a2b3c4d {3}or: moose verify 1a2b3c4d {3}or: moose close/m,
  )
  const failed = of({ seen_head_sha: 'x', failed_verification: ended })
  assert.match(
    failed,
    /^merging +another push has moved its branch to x, which was verified in attempt 2: check "lint" failed: 3 errors$/m,
  )
  assert.match(
    failed,
    /^Next: moose logs 1a2b3c4d {3}mend it on f and push that {3}then: moose verify 1a2b3c4d {3}or: moose close/m,
  )
  const stuck = of({ conflict })
  assert.match(stuck, /^merging +it conflicts with main in a\.ts, seen at [\d: -]+$/m)
  assert.match(stuck, /^Next: moose verify 1a2b3c4d --resolve {3}or: merge main into f by hand/m)
  const tried = of({ conflict, tried_resolution: ended })
  assert.match(
    tried,
    /^Next: merge main into f by hand and push that {3}then: moose verify 1a2b3c4d {3}or: moose close/m,
  )
  assert.doesNotMatch(tried, /--resolve/)
})

test('what it depends on is told with where that stands', () => {
  const first = '5e6f7a8b-0000-4000-8000-000000000000'
  const then = '9c0d1e2f-0000-4000-8000-000000000000'
  const gone = '7d8e9f0a-0000-4000-8000-000000000000'
  const dependencies = [
    { id: first, title: 'Plan', status: 'cancelled' },
    { id: then, title: 'Build', status: 'in_progress' },
    { id: gone, title: null, status: null },
  ]
  const text = page({ ...ORDER, depends_on: [first, then, gone], dependencies })
  assert.match(text, /^depends on +5e6f7a8b \(cancelled\), 9c0d1e2f \(in progress\), 7d8e9f0a \(gone\)$/m)
})

test('one risk is told: by the rules where they judge, and what it was filed as where that differs', () => {
  const reasons = [{ rule: 'no_criteria', level: 'medium' as const, reason: 'no criterion says when it is done' }]
  const judged = {
    ...ORDER,
    status: 'pending' as const,
    phase: null,
    approved: false,
    risk: { level: 'medium' as const, reasons },
  }
  const text = page({ ...judged, auto_approve: 'low' })
  assert.match(text, /^risk +medium: no criterion says when it is done \(no_criteria\)\. Filed as low\.$/m)
  assert.match(text, /^by rule +Rules did not approve it: its risk is medium, and its project allows up to low\.$/m)
  const same = page({ ...judged, risk: { level: 'low', reasons: [] } })
  assert.match(same, /^risk +low: no rule fits\.$/m)
  assert.doesNotMatch(same, /by rule/)
})

test('what Moose does no more about an open pull request, and what is held up, is never said to be merged next', () => {
  const where = { number: 3, attempt: 1, state: 'open', base: 'main', branch: 'f' } as const
  const pull = { ...where, title: 't', body: 'b', base_sha: 'b', head_sha: 'h', merge_sha: null, diff: '' }
  const red = { ...pull, checks: 'FAILURE', review: null, seen_head_sha: 'h' }
  const why = 'failed on the forge: unit; a repair was tried 2 times, and no more is done for one order'
  const at = '2026-01-31T12:00:00.000Z'
  const reactions = [{ kind: 'checks' as const, done: 2, most: 2 }]
  const exhausted = { ...red, follow_up: { state: 'red', why, code: 'follow_up_exhausted', at }, reactions }
  const left = page({ ...ORDER, pull_request: exhausted })
  assert.match(left, /^follow-up +red: failed on the forge: unit; a repair was tried 2 times, .* \(repairs 2 of 2\)$/m)
  assert.match(left, /^Next: moose decide 1a2b3c4d {3}or/m)
  const failing = [{ check: 'unit', said: 'Error: no', url: 'https://github.com/acme/shop/runs/6' }]
  const told = ['the last repair, attempt 2, ended with proposal_rejected and cost $0.0210']
  const of = { kind: 'checks', attempt: 2, because: 'x', outcome: 'proposal_rejected', said: null } as const
  const last_reaction = { ...of, cost_usd: 0.021, not_done: [], told }
  const tried = { ...exhausted, follow_up: { ...exhausted.follow_up, failing }, last_reaction }
  assert.match(
    page({ ...ORDER, pull_request: tried }),
    /^follow-up .*; the last repair, attempt 2, ended .*\$0\.0210; failed check: unit: "Error: no", https:\/\/\S+$/m,
  )
  const stopped = { ...ORDER, status: 'blocked', phase: null, pull_request: exhausted } as const
  assert.doesNotMatch(page(stopped), /^follow-up/m, 'it is of before the order was stopped')
  assert.match(
    page({ ...ORDER, pull_request: red }),
    /^Next: see what holds it up: moose why 1a2b3c4d {3}or: moose close/m,
  )
  const pushed = { ...red, seen_head_sha: 'x', follow_up: { state: 'hands_off', why: 'x', code: 'hands_off', at } }
  assert.match(
    page({ ...ORDER, pull_request: pushed }),
    /^Next: look at .* then give it back: moose adopt 1a2b3c4d {3}or: moose verify/m,
  )
})

test('an order merged at a commit that was not verified says so beside its pull request', () => {
  const pull = { number: 3, attempt: 1, state: 'merged', base: 'main', branch: 'f', title: 't', body: 'b' } as const
  const shas = {
    base_sha: 'b',
    head_sha: 'h',
    merge_sha: 'm',
    diff: '',
    checks: null,
    review: null,
    seen_head_sha: null,
  }
  const merged_unverified = { verified_sha: 'a'.repeat(40), merged_sha: 'b'.repeat(40) }
  const order = { ...ORDER, status: 'completed', phase: null } as const
  const text = page({ ...order, pull_request: { ...pull, ...shas, merged_unverified } })
  assert.match(text, /^pull request +#3 \(merged, at a commit that was not verified\),/m)
  assert.match(text, /^not verified +merged at b{12}; what was proved is of a{12}$/m)
  assert.match(
    text,
    /^ {2}- \[ \] greet\('fr'\) says Bonjour — proved by check tests at a{12}; what was merged is b{12}$/m,
  )
  assert.doesNotMatch(text, /\[x\]/)
  assert.doesNotMatch(page({ ...order, pull_request: { ...pull, ...shas } }), /not verified|what was merged/)
})

test('the cost of an order says what is reserved and what nobody knows', () => {
  const budget = { cap_usd: null, spent_usd: 1, reserved_usd: 0.5, unresolved_usd: 0.2 }
  assert.match(
    page({ ...ORDER, estimated_cost: null, budget }),
    /\ncost {10}\$0\.0123 \(\$0\.50 reserved, \$0\.20 unresolved, see moose budget\)\n/,
  )
  assert.doesNotMatch(page({ ...ORDER, actual_cost: null }), /\ncost/)
})

test('a reason of several lines stands on several lines, and what was begun says what it waits for', () => {
  const reason = { code: 'check_failed', message: 'Check "tests" failed:\n\u001b[2Jone\ntwo' }
  const text = page({ ...ORDER, status: 'failed', phase: null, status_reason: reason })
  assert.match(text, /^reason +check_failed: Check "tests" failed:\n.*│ .*one\n.*│ two$/m)
  assert.doesNotMatch(text, /\\n/)
  const waits = 'Waiting for 1a2b3c4d to continue: no service is up.'
  const options = { paint: pc.createColors(false), hint: (words: string) => words, now: new Date(), steps: false }
  const waiting = orderPage({ ...ORDER, status: 'in_progress', phase: 'proposing' }, { ...options, waits })
  assert.match(waiting, /^Next: Waiting for 1a2b3c4d to continue: no service is up\.$/m)
})
