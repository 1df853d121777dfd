import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SeenApproval } from '../contract/evidence/seen-approval.ts'
import type { Risk } from '../work-order/risk.ts'
import { MERGE_RULES, refusalsBeforeRisk, riskRefusal } from './may-merge.ts'
import type { MergeFacts } from './merge-facts.ts'

const HEAD = 'a'.repeat(40)

const check = { name: 'unit', run: 'npm test', outcome: 'passed', exit_code: 0, duration_ms: 1 }
const CHECK = { ...check, baseline: false, failed_before: false, proves: [1] }

function body(more: object = {}): string {
  const record = {
    version: 1,
    work_order_id: 'one',
    attempt: 1,
    risk_level: 'low',
    base_sha: 'b'.repeat(40),
    head_sha: HEAD,
    criteria_count: 1,
    proved_count: 1,
    criteria: [{ number: 1, text: 'It greets', proved_by: 'unit' }],
    checks: [CHECK],
    repairs: [],
    files: [],
    shown: [],
    closes: [],
    proposer: 'one',
    executor: 'patch',
    cost_usd: 0,
    cost_unknown: false,
    cut: [],
    ...more,
  }
  return `Text.\n<!-- moose:record ${JSON.stringify(record)} -->\n`
}

const PULL = { number: 1, base: 'main', branch: 'b', head_sha: HEAD, seen_head_sha: null, checks: null, review: null }
const SEEN = {
  sha: HEAD,
  since: new Date('2026-01-01T00:00:00Z'),
  at: new Date('2026-01-01T01:00:00Z'),
  mark: 'one',
  openThreads: 0,
  changesRequested: [],
  unanswered: [],
  absentChecks: [],
}
const QUIET = { state: 'quiet', why: 'there is nothing to do', code: null, at: '2026-01-01T01:00:00.000Z' }
const GREEN: MergeFacts = {
  stopped: null,
  policy: 'auto',
  most: 'low',
  forge: 'local',
  isApproved: true,
  isAsMade: true,
  hasHeldChanges: false,
  isInReview: true,
  scope: ['src/a.ts'],
  pull: {
    ...PULL,
    body: body(),
    follow_up: QUIET,
    adopted_sha: null,
    given_up_at: null,
    unread_since: null,
    seen_mark: 'one',
    seen_at: SEEN.at,
  },
  seen: SEEN,
  mergedBeside: null,
  lookIntervalMs: 45_000,
  now: new Date('2026-01-01T01:00:10Z'),
}
const file = (path: string) => ({ path, change: 'modified', added: 1, deleted: 0 })
const follow = (state: string, why: string, code: string | null = null) =>
  pull({ follow_up: { state, why, code, at: '2026-01-01T01:00:00.000Z' } })
const APPROVAL = { by: 'ada', approved_sha: HEAD, head_sha: HEAD, holds: true }
const approved = (more: Partial<SeenApproval> = {}) => ({
  forge: 'github',
  ...pull({ checks: 'SUCCESS', review: 'APPROVED', seen_approval: { ...APPROVAL, ...more } }),
})
const pull = (more: Partial<MergeFacts['pull']>) => ({ pull: { ...GREEN.pull, ...more } })

/** What each rule alone refuses, and what it says. */
const CASES: Readonly<Record<string, readonly [facts: Partial<MergeFacts>, says: RegExp][]>> = {
  stopped: [[{ stopped: 'an emergency stop is in force' }, /^an emergency stop is in force$/]],
  manual: [[{ policy: 'manual' }, /^the merge policy of its project is manual$/]],
  under_way: [[{ isInReview: false }, /^an attempt of its order is under way$/]],
  given_up: [
    [
      { ...pull({ given_up_at: new Date('2026-01-01T00:30:00Z') }) },
      /^a person has given it up in Moose \(moose close, moose cancel\), and it is open on its forge all the same$/,
    ],
  ],
  hands_off: [
    [follow('hands_off', 'b holds 0123, which Moose has not made', 'hands_off'), /which Moose has not made$/],
  ],
  adopted: [[pull({ adopted_sha: '0123456789abcdef' }), /^it holds 0123456789ab, which a person has pushed$/]],
  outside_scope: [
    [
      pull({ body: body({ files: [file('src/a.ts'), file('index.js')] }) }),
      /^it changes what is outside of the scope of the order: index\.js$/,
    ],
  ],
  follow_up: [
    [follow('red', 'failed on the forge: unit'), /^failed on the forge: unit$/],
    [follow('reviewed', 'a comment of a review by ada'), /^a comment of a review by ada$/],
    [follow('behind', 'main has moved to 0123'), /^main has moved/],
    [follow('approved_behind', 'it is approved; main has moved'), /^it is approved; main has moved$/],
    [follow('left_behind', 'main has moved on; 10 merges of it passed the checks'), /^main has moved on/],
    [follow('quiet', 'no more is done for one order', 'follow_up_exhausted'), /^no more is done for one order$/],
    [{ forge: 'github', ...pull({ follow_up: null }) }, /^its commit was not looked at since it was verified$/],
  ],
  open_threads: [
    [
      { seen: { ...SEEN, openThreads: 1 } },
      /^a thread of its reviews, by people with write access, is not resolved; a person resolves it on its forge$/,
    ],
    [
      { seen: { ...SEEN, openThreads: 3 } },
      /^3 threads of its reviews, .*, are not resolved; a person resolves them on its forge$/,
    ],
  ],
  unseen: [
    [{ forge: 'github', ...pull({ checks: 'SUCCESS' }), seen: null }, /^its commit was not seen on GitHub yet$/],
    [
      {
        forge: 'github',
        ...pull({ checks: 'SUCCESS' }),
        seen: { ...SEEN, sha: 'c'.repeat(40) },
      },
      /^its commit was not seen on GitHub yet$/,
    ],
    [{ forge: 'github', seen: { ...SEEN, mark: null } }, /^something has changed on GitHub since/],
    [{ forge: 'github', ...pull({ seen_mark: 'two' }) }, /^something has changed on GitHub since/],
    [{ forge: 'github', ...pull({ seen_mark: null }), seen: { ...SEEN, mark: null } }, /^something has changed/],
    [
      { forge: 'github', ...pull({ seen_at: new Date('2026-01-01T00:55:00Z') }) },
      /^the last look at it on GitHub began more than 5 minutes ago$/,
    ],
    [
      { forge: 'github', ...pull({ seen_at: new Date('2025-12-31T22:00:00Z') }), lookIntervalMs: 3_600_000 },
      /^the last look at it on GitHub began more than 180 minutes ago$/,
    ],
    [
      { forge: 'github', ...pull({ seen_at: new Date('2026-01-01T02:00:00Z') }) },
      /^the last look at it on GitHub began more than 5 minutes ago$/,
    ],
    [{ forge: 'github', ...pull({ seen_at: null }) }, /^the last look/],
  ],
  changes_requested: [
    [{ seen: { ...SEEN, changesRequested: ['ada', 'bob'] } }, /^a review asks for changes: ada, bob$/],
  ],
  approved_before: [
    [
      approved({ approved_sha: 'c'.repeat(40), holds: false }),
      /^ada approved c{12}, and a{12} was made since; to be merged by rule it needs another approval$/,
    ],
    [approved({ approved_sha: null, holds: false }), /^ada approved a commit that is gone, and a{12} was made since; /],
    [
      approved({ by: null, approved_sha: null, holds: false }),
      /^GitHub calls it approved, and no approval by a person/,
    ],
    [approved({ head_sha: 'c'.repeat(40) }), /^GitHub calls it approved, and no approval by a person/],
  ],
  unanswered: [
    [{ seen: { ...SEEN, unanswered: ['ada'] } }, /^what a person with write access asks for was not done: ada$/],
  ],
  unapproved: [
    [
      pull({ follow_up: { ...QUIET, unapproved: ['ada'] } }),
      /^a commit was made for what was asked for outside of a thread, and the person who asked has not approved it: ada; that person approves it, or the comment is hidden or deleted$/,
    ],
  ],
  draft: [[{ forge: 'github', ...pull({ seen_draft: true }) }, /^it is a draft on GitHub$/]],
  retargeted: [
    [{ forge: 'github', ...pull({ seen_base: 'release' }) }, /^its base was changed on GitHub from main to release$/],
    [
      pull({ project_base: 'develop' }),
      /^its base is main, and that of its project is develop now; it was not verified/,
    ],
  ],
  checks_hidden: [
    [
      { forge: 'github', ...pull({ follow_up: { ...QUIET, checks_hidden: true } }) },
      /^its checks on GitHub cannot be read with Moose's token, or not all of them$/,
    ],
  ],
  conversation_hidden: [
    [
      { ...pull({ follow_up: { ...QUIET, conversation_hidden: true } }) },
      /^what was said of it on its forge cannot be read/,
    ],
  ],
  checks_may_begin: [
    [{ forge: 'github', seen: { ...SEEN, since: new Date('2026-01-01T00:59:00Z') } }, /less than 2 minutes/],
    [
      { forge: 'github', ...pull({ checks: 'SUCCESS' }), seen: { ...SEEN, since: new Date('2026-01-01T00:59:00Z') } },
      /less than 2 minutes/,
    ],
    [
      { forge: 'github', seen: { ...SEEN, since: new Date('2026-01-01T00:55:00Z'), absentChecks: ['build', 'unit'] } },
      /^checks of its base have not begun on its commit, .* less than 10 minutes: build, unit$/,
    ],
  ],
  newer_base: [
    [{ mergedBeside: { number: 7, at: SEEN.at } }, /^pull request #7 was merged since it was last looked at$/],
    [{ seen: null, mergedBeside: { number: 7, at: SEEN.at } }, /^pull request #7 was merged/],
  ],
  approval: [
    [{ isApproved: false }, /^it is not approved as it is now$/],
    [{ isAsMade: false }, /^its order asks for something else than what it was made for$/],
  ],
  held_changes: [[{ hasHeldChanges: true }, /^it changes what a human had to allow$/]],
  record: [
    [pull({ body: 'Text.' }), /^there is no complete record of what was verified/],
    [pull({ body: body({ head_sha: 'c'.repeat(40) }) }), /^there is no complete record/],
    [pull({ body: body({ cut: ['checks'] }) }), /^there is no complete record/],
  ],
  no_checks: [[pull({ body: body({ checks: [], criteria_count: 0, proved_count: 0 }) }), /^no check verifies it$/]],
  red_checks: [
    [
      pull({ body: body({ checks: [{ ...CHECK, outcome: 'failed', baseline: true }] }) }),
      /^check unit fails on its base too$/,
    ],
    [
      pull({ body: body({ checks: [CHECK, { ...CHECK, name: 'slow', outcome: 'timed_out' }] }) }),
      /^check slow did not pass$/,
    ],
  ],
  unproved_criteria: [[pull({ body: body({ criteria_count: 3 }) }), /^1 of 3 criteria are proved$/]],
  review: [
    [pull({ seen_head_sha: 'd'.repeat(40) }), /another push has moved its branch/],
    [pull({ checks: 'FAILURE' }), /checks on GitHub say FAILURE/],
    [pull({ checks: 'PENDING' }), /have not ended/],
    [pull({ review: 'CHANGES_REQUESTED' }), /asks for changes/],
    [pull({ review: 'REVIEW_REQUIRED' }), /has to be reviewed/],
    [
      pull({
        conflict: { base_sha: 'e'.repeat(40), head_sha: HEAD, files: ['a.txt'], since: '2026-01-01T00:00:00.000Z' },
      }),
      /conflicts with main/,
    ],
  ],
}

test('what is proved, green, approved and of allowed risk is merged', () => {
  assert.deepEqual(refusalsBeforeRisk(GREEN), [])
  assert.deepEqual(refusalsBeforeRisk({ ...GREEN, ...approved() }), [])
  assert.deepEqual(
    refusalsBeforeRisk({ ...GREEN, ...pull({ follow_up: null }) }),
    [],
    'the forge local is seen as it is',
  )
})

for (const { rule } of MERGE_RULES) {
  test(`the rule ${rule} alone keeps it from being merged, and says why`, () => {
    const cases = CASES[rule]
    assert.ok(cases !== undefined, 'every rule has a case')
    for (const [facts, says] of cases) {
      const refusals = refusalsBeforeRisk({ ...GREEN, ...facts })
      assert.deepEqual(
        refusals.map((refusal) => refusal.rule),
        [rule],
      )
      assert.match(String(refusals[0]?.reason), says)
    }
  })
}

test('what GitHub waits for by itself does not keep it from being asked', () => {
  for (const some of [{ checks: 'PENDING' }, { checks: 'EXPECTED' }, { checks: 'SUCCESS', review: 'REVIEW_REQUIRED' }])
    assert.deepEqual(refusalsBeforeRisk({ ...GREEN, forge: 'github', ...pull(some) }), [], JSON.stringify(some))
  assert.deepEqual(refusalsBeforeRisk({ ...GREEN, forge: 'github' }), [], 'it has no checks, and none have begun')
  assert.deepEqual(refusalsBeforeRisk({ ...GREEN, ...follow('checking', 'checks are running') }), [])
  assert.deepEqual(
    refusalsBeforeRisk({ ...GREEN, mergedBeside: { number: 7, at: new Date('2026-01-01T00:30:00Z') } }),
    [],
  )
})

test('every rule that refuses is named', () => {
  const refusals = refusalsBeforeRisk({ ...GREEN, policy: 'manual', isApproved: false })
  assert.deepEqual(
    refusals.map(({ rule }) => rule),
    ['manual', 'approval'],
  )
})

test('the rule risk refuses what is riskier than allowed, and says why', () => {
  const reasons: Risk['reasons'] = [{ rule: 'held_files', level: 'high', reason: 'a.lock is a lock file' }]
  const high: Risk = { level: 'high', reasons }
  assert.deepEqual(riskRefusal(high, 'low'), [
    { rule: 'risk', reason: 'its risk is high (a.lock is a lock file), and up to low is allowed' },
  ])
  assert.deepEqual(riskRefusal(high, 'high'), [])
  assert.deepEqual(riskRefusal({ level: 'medium', reasons: [] }, 'medium'), [])
})

test('what has changed since its facts were read ends with the next look, and lasts where they cannot be read', () => {
  const since = SEEN.at.getTime() + 3_600_000
  const at = (minutes: number) => ({
    ...pull({ seen_mark: 'two', seen_at: new Date(since + minutes * 60_000), unread_since: new Date(since) }),
    now: new Date(since + minutes * 60_000),
  })
  const passing = (facts: Partial<MergeFacts>) =>
    refusalsBeforeRisk({ ...GREEN, forge: 'github', ...facts }).map(({ rule, isPassing }) => [rule, isPassing])
  assert.deepEqual(passing(at(1)), [['unseen', true]])
  assert.deepEqual(passing(at(5)), [['unseen', undefined]])
  assert.deepEqual(passing({ ...at(1), seen: { ...SEEN, sha: 'c'.repeat(40) } }), [['unseen', undefined]])
  const seen = (minutes: number) => pull({ seen_at: new Date(GREEN.now.getTime() - minutes * 60_000) })
  assert.deepEqual(passing(seen(5)), [])
  assert.deepEqual(passing(seen(6)), [['unseen', true]])
  assert.deepEqual(passing(seen(10)), [['unseen', undefined]])
  assert.deepEqual(passing({ ...seen(14), lookIntervalMs: 300_000 }), [])
})
