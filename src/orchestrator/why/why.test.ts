import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ATTEMPT, BEFORE, ID, INTAKE, NOW, OTHER, order, PULL } from '../../../test/support/whereabouts.ts'
import type { Obstacle } from '../../budget/headroom.ts'
import type { EndedVerification } from '../../contract/evidence/ended-verification.ts'
import type { LastReaction } from '../../contract/evidence/last-reaction.ts'
import { reviewOf } from '../../contract/evidence/review.ts'
import { WHY_KINDS, type Why } from '../../contract/why/why.ts'
import type { FailureRow } from '../../db/work-orders/failure-rows.ts'
import type { Verdict } from '../../db/work-orders/next-orders.ts'
import type { LastAttempt, PullRequestSeen, Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import type { SuspendCode } from '../../db/work-orders/suspended-orders.ts'
import { Fault, type FaultDetail } from '../../faults/fault.ts'
import { NO_USD, Usd } from '../../money.ts'
import { heldDetails, heldKey } from '../../work-order/protection/held-change.ts'
import type { Intake, Resting } from './facts.ts'
import { whyOf } from './why.ts'

type Given = {
  order?: Partial<Whereabouts>
  intake?: Partial<Intake>
  verdict?: Verdict | null
  resting?: Resting | null
}
const STARTS: Verdict = { id: ID, waitsFor: null }

function why(given: Given): Why {
  const { verdict = STARTS, resting = null } = given
  return whyOf({
    order: order(given.order),
    intake: { ...INTAKE, ...given.intake },
    verdict,
    resting,
    idle: null,
    byRule: null,
    now: NOW,
  })
}

/** An order that is blocked, and what the look that resumes orders found of it. */
function rests(
  code: SuspendCode,
  { details = {}, ...found }: Partial<Omit<Resting, 'order'>> & { details?: Record<string, FaultDetail> } = {},
): Given {
  const reason = { code, message: `The reason of ${code}.`, details }
  const nothing = {
    isReleased: false,
    isAnew: false,
    needed: null,
    cap: null,
    isLedgerSound: true,
    pause: null,
    row: null,
    allowances: [],
  }
  const attempt: LastAttempt = { ...ATTEMPT, status: 'blocked' }
  return {
    order: { status: 'blocked', reason, attempt },
    resting: { order: { id: ID, attempt: 2, reason }, ...nothing, ...found },
  }
}

const evidence = ({ evidence: rows }: Why) => rows.map(({ name, text }) => `${name}: ${text}`)
const cap = (more: Partial<Obstacle>): Obstacle => ({
  scope: 'day',
  of: '2026-03-30',
  cap: new Usd(100),
  spent: new Usd(97),
  reserved: new Usd(1),
  promised: NO_USD,
  ...more,
})
const told = new Set<string>()
function is(kind: string, answer: Why): Why {
  told.add(kind)
  assert.equal(answer.kind, kind, JSON.stringify(answer))
  assert.ok(answer.short.length > 0 && answer.sentence.length > 0)
  for (const command of answer.next) assert.match(command, /^moose /)
  return answer
}

describe('an order that depends on others', () => {
  const stands = { status: 'pending', code: null, isEscalated: false, isApproved: true, revert: null } as const
  const other = { id: OTHER, title: 'Plan', ...stands } as const

  test('waits until they are merged, and says which and how they stand', () => {
    const waits = why({ order: { waitsFor: [other] }, verdict: null })
    const { short, orders, next } = is('dependency', waits)
    assert.equal(short, 'waits for 5e6f7a8b "Plan", which it depends on and which waits too')
    assert.deepEqual([orders, next], [[OTHER], ['moose why 5e6f7a8b', 'moose edit 1a2b3c4d --depends-on none']])
    const inReview = { ...other, status: 'in_progress' } as const
    const { sentence } = why({ order: { waitsFor: [inReview] } })
    assert.match(sentence, /is not merged yet\. It is started when that is merged\.$/)
  })
})

test('an order waits while as many pull requests of its project are open as may be, and says how to go on', () => {
  const verdict: Verdict = {
    id: ID,
    waitsFor: 'pull_requests',
    open: 4,
    most: 5,
    obstacles: [{ id: OTHER, isRunning: true }],
  }
  const { short, orders, next } = is('pull_requests', why({ verdict }))
  assert.equal(short, 'waits: 4 of 5 pull requests of project sample are open, and 1 of its orders on the way to one')
  assert.deepEqual(orders, [OTHER])
  assert.equal(next.at(-1), 'moose project edit sample --max-open-pull-requests 6')
})

describe('an order that has not begun', () => {
  test('is not approved, or was with other content', () => {
    const { next } = is('unapproved', why({ order: { isApproved: false, files: 0 } }))
    assert.deepEqual(next, ['moose show 1a2b3c4d', 'moose approve 1a2b3c4d', 'moose reject 1a2b3c4d'])
    assert.match(is('unapproved', why({ order: { isAsApproved: false } })).sentence, /given to other content/)
  })

  test('waits for the end of its last attempt, or for another project', () => {
    is('ending', why({ order: { attempt: ATTEMPT } }))
    assert.match(is('project', why({ order: { hasRemovedProject: true } })).short, /project sample was removed/)
  })

  test('waits for the scope of another order, with the paths that both name', () => {
    const verdict: Verdict = {
      id: ID,
      waitsFor: 'scope',
      obstacle: { id: OTHER, isRunning: true },
      shared: ['src/a.ts'],
    }
    const answer = is('scope', why({ verdict }))
    assert.equal(answer.short, 'waits for 5e6f7a8b, which may change src/a.ts too')
    assert.deepEqual(answer.orders, [OTHER])
    assert.deepEqual(evidence(answer), [`other order: ${OTHER}, running`, 'in both scopes: src/a.ts'])
    const older = why({ verdict: { ...verdict, obstacle: { id: OTHER, isRunning: false } } })
    assert.match(older.sentence, /waits too and is older/)
  })

  test('waits while orders of its project fail alike, with what failed and how it goes on', () => {
    const row: FailureRow = {
      kind: 'project',
      subject: 'the id of the project',
      code: 'check_failed',
      step: 'verify',
      message: 'The template is broken.\nChange what it asks for: moose edit 1a2b3c4d',
      orders: [OTHER, ID],
      projects: [],
      since: BEFORE,
      last_at: BEFORE,
    }
    const obstacles = [{ id: OTHER, isRunning: true }]
    const verdict = (more: { row: FailureRow | null; most: number }): Verdict => ({
      id: ID,
      waitsFor: 'row',
      obstacles,
      ...more,
    })
    const paused = is('paused_project', why({ verdict: verdict({ row, most: 0 }) }))
    assert.equal(paused.short, 'waits: project sample is paused after 2 failures in a row (check_failed)')
    assert.deepEqual(paused.next, ['moose project resume sample', 'moose run 1a2b3c4d', 'moose show 1a2b3c4d'])
    const failed = [OTHER, ID].map((id) => `failed order: ${id.slice(0, 8)}`)
    assert.deepEqual(evidence(paused).slice(0, 3), ['last failure: The template is broken.', ...failed])
    const fewer = is('probation', why({ verdict: verdict({ row, most: 3 }) }))
    assert.match(fewer.sentence, /failed with check_failed at verify: until one succeeds, no more than 3 run at once/)
    const bounded = is('probation', why({ verdict: verdict({ row: null, most: 5 }) }))
    assert.match(bounded.sentence, /no more than 5 of its orders run at once/)
    assert.deepEqual(bounded.orders, [OTHER])
  })

  test('waits for a place, in all or in its repository, with who has them', () => {
    const obstacles = [{ id: OTHER, isRunning: true }]
    const inRepository = is('place', why({ verdict: { id: ID, waitsFor: 'repository', obstacles } }))
    assert.match(inRepository.sentence, /a place in its repository: 1 of 2 are taken, by 5e6f7a8b\./)
    const inAll = is('place', why({ verdict: { id: ID, waitsFor: 'place', obstacles } }))
    assert.equal(inAll.short, 'waits for a place: 1 of 3 are taken')
    assert.deepEqual(inAll.orders, [OTHER])
    assert.match(is('place', why({ verdict: null })).short, /behind a thousand older orders/)
  })

  test('waits while everything is stopped, by hand or by the day, or while the settings say so', () => {
    const byHand = new Fault('emergency_stop', 'Everything is stopped.', { by_hand: true })
    const stopped = is('emergency_stop', why({ intake: { stop: byHand } }))
    assert.deepEqual([stopped.next, stopped.until], [['moose budget resume'], null])
    const byDay = new Fault('emergency_stop', 'Everything is stopped.', { by_hand: false })
    assert.equal(why({ intake: { stop: byDay } }).until, '2026-03-31T00:00:00.000Z')
    assert.match(is('settings', why({ intake: { isEnabled: false } })).sentence, /orchestrator_enabled/)
    const malformed = new Fault('config_invalid', 'Bad row in system_config: x.')
    assert.match(is('settings', why({ intake: { stop: malformed } })).sentence, /Bad row in system_config/)
  })

  test('waits for nothing but who takes it on, and room on the disk', () => {
    is('next', why({}))
    is('next', why({ intake: { isPolling: false, others: 1 } }))
    const idle = is('service', why({ intake: { isPolling: false } }))
    assert.deepEqual(idle.next, ['moose start', 'moose run 1a2b3c4d'])
    const none = why({ intake: { isPolling: false, isService: false } })
    assert.deepEqual(none.next, ['moose up --start', 'moose run 1a2b3c4d'])
    is('disk', why({ intake: { disk: new Fault('disk_full', 'The disk of /home is full.') } }))
  })
})

describe('an order that is blocked', () => {
  test('waits for a cap: which, its limit, what is spent and reserved, and when it begins anew', () => {
    const needed = new Usd(5)
    const day = is('cap', why(rests('budget_exceeded', { cap: cap({}), needed })))
    assert.equal(day.short, 'waits for money: the cap of the day (2026-03-30, UTC), $100.00, has $2.00 left')
    assert.deepEqual(evidence(day).slice(0, 5), [
      'cap: of the day (2026-03-30, UTC): $100.00',
      'spent: $97.00',
      'reserved: $1.00',
      'its next call: up to $5.00',
      'resets: 2026-03-31T00:00:00.000Z',
    ])
    assert.equal(day.next[0], 'moose budget cap day 103.00')
    assert.ok(evidence(day).includes('attempt: 2, suspended, at verify, on ada'), evidence(day).join('\n'))

    const month = why(rests('budget_exceeded', { cap: cap({ scope: 'month', of: '2026-03-01' }), needed }))
    assert.equal(month.until, '2026-04-01T00:00:00.000Z')
    const own = why(rests('budget_exceeded', { cap: cap({ scope: 'order', of: ID }), needed }))
    assert.deepEqual([own.until, own.next[0]], [null, 'moose decide 1a2b3c4d'])
    const promised = why(rests('budget_exceeded', { cap: cap({ promised: new Usd(2) }), needed }))
    assert.ok(evidence(promised).includes('promised to other orders: $2.00'))
    assert.equal(promised.next[0], 'moose budget cap day 105.00')
    is('cap', why(rests('budget_exceeded')))
  })

  test('waits for the ledger, a price, or room on the disk', () => {
    is('ledger', why(rests('budget_exceeded', { isLedgerSound: false, needed: new Usd(1) })))
    is('ledger', why(rests('ledger_unsound', { isLedgerSound: false })))
    const command = 'moose budget price sonnet free'
    assert.equal(is('price', why(rests('price_unknown', { details: { command } }))).next[0], command)
    const rest = rests('disk_full', { details: { not_before: '2026-03-30T22:01:00.000Z' } })
    assert.equal(is('disk', why(rest)).until, '2026-03-30T22:01:00.000Z')
    const full = why({ ...rest, intake: { disk: new Fault('disk_full', 'The disk of /home is full.') } })
    assert.deepEqual([full.sentence, full.until], ['The disk of /home is full.', null])
  })

  test('waits for a provider, with until when', () => {
    const until = new Date('2026-03-30T22:15:00.000Z')
    const pause = { provider: 'openai', kind: 'outage', failures: 3, reason: 'HTTP 503', since: BEFORE, until } as const
    const details = { proposer: 'gpt' }
    const paused = is('provider', why(rests('provider_paused', { pause: { ...pause, running: true }, details })))
    assert.equal(paused.short, 'waits for openai, paused until 2026-03-30T22:15:00.000Z')
    assert.deepEqual([paused.until, paused.next[0]], ['2026-03-30T22:15:00.000Z', 'moose proposer test gpt'])
    const tried = why(rests('provider_paused', { pause: { ...pause, running: false }, details }))
    assert.match(tried.sentence, /another order finds out/)
    is('provider', why(rests('provider_paused')))
    const running = { ...pause, running: true }
    const said = (failures: number) =>
      evidence(why(rests('provider_paused', { pause: { ...running, failures }, details })))
    assert.ok(said(3).includes('provider: openai had 3 outages in a row: HTTP 503'))
    assert.ok(said(1).includes('provider: openai had an outage: HTTP 503'))
  })

  test('one order that failed is told as one, where one is enough to pause', () => {
    const row: FailureRow = {
      kind: 'proposer',
      subject: 'gpt',
      code: 'proposal_rejected',
      step: 'propose',
      message: 'The answer holds no edits.',
      orders: [OTHER],
      projects: [],
      since: BEFORE,
      last_at: BEFORE,
    }
    const rest = why(rests('provider_paused', { row }))
    assert.equal(rest.short, 'waits for gpt, paused after one failure')
    assert.match(rest.sentence, /the last order given to it failed with proposal_rejected at propose/)
    const verdict: Verdict = { id: ID, waitsFor: 'row', obstacles: [], row: { ...row, kind: 'project' }, most: 0 }
    assert.match(why({ verdict }).sentence, /because its last order failed with proposal_rejected at propose/)
  })

  test('waits for a human who allows its change, with the paths that are not allowed yet', () => {
    const held = [
      { path: 'CODEOWNERS', why: 'who has to review', fingerprint: null },
      { path: "it's.txt", why: 'a key', fingerprint: '0123456789abcdef' },
    ]
    const details = heldDetails(held, 'c'.repeat(40))
    const both = is('held_change', why(rests('protected_change', { details })))
    const key = heldKey({ headSha: 'c'.repeat(40), held, count: 2 })
    assert.deepEqual(both.next.slice(1, 3), [
      `moose decide 1a2b3c4d allow --held ${key}`,
      'moose approve 1a2b3c4d --allow CODEOWNERS --allow-secret 0123456789abcdef',
    ])
    const allowance = { kind: 'all', subject: '', headSha: null, by: 'os_user:ada', at: BEFORE } as const
    const one = why(rests('protected_change', { details, allowances: [allowance] }))
    assert.equal(one.next[2], 'moose approve 1a2b3c4d --allow-secret 0123456789abcdef')
    assert.ok(evidence(one).includes('allowed already: 1'))
    is('held_change', why(rests('protected_change')))
  })

  test('goes on when its condition is met, unless everything is stopped', () => {
    is('next', why(rests('budget_exceeded', { isReleased: true })))
    const stop = new Fault('emergency_stop', 'Everything is stopped.', { by_hand: true })
    is('emergency_stop', why({ ...rests('emergency_stop', { isReleased: true }), intake: { stop } }))
    is('service', why({ ...rests('budget_exceeded', { isReleased: true }), intake: { isPolling: false } }))
  })

  test('needs a human where no condition ends it: its set-up, or what its reason says', () => {
    const blocked = (code: 'setup_failed' | 'github_unauthorized', more: Partial<Whereabouts> = {}): Given => ({
      order: { status: 'blocked', reason: { code, message: 'npm ci failed.' }, attempt: ATTEMPT, ...more },
    })
    const setUp = is('set_up', why(blocked('setup_failed')))
    assert.deepEqual(setUp.next, ['moose check sample', 'moose logs 1a2b3c4d', 'moose retry 1a2b3c4d'])
    assert.equal(setUp.short, 'setup_failed: npm ci failed.')
    const other = is('blocked', why(blocked('github_unauthorized', { isApproved: false })))
    assert.deepEqual(
      [other.code, other.next.slice(1)],
      ['github_unauthorized', ['moose approve 1a2b3c4d', 'moose retry 1a2b3c4d']],
    )
    is('blocked', why({ order: { status: 'blocked', reason: null } }))
    const malformed = new Fault('config_invalid', 'Bad row in system_config: budget_limits.')
    is('settings', why({ order: rests('budget_exceeded').order ?? {}, intake: { stop: malformed } }))
  })
})

describe('an order that has begun, or is over', () => {
  test('runs: attempt, step, since when, where, and whether its process is there', () => {
    const running: Partial<Whereabouts> = { status: 'in_progress', phase: 'verifying', attempt: ATTEMPT }
    const answer = is('running', why({ order: running }))
    assert.equal(answer.short, 'attempt 2, verify, try 2, since 2026-03-30T21:00:00.000Z')
    assert.ok(evidence(answer).includes('attempt: 2, running, at verify, on ada (process 42)'))
    const gone = why({ order: { ...running, attempt: { ...ATTEMPT, isWorkerAlive: false } } })
    assert.match(gone.sentence, /another takes it over/)
    is('running', why({ order: { ...running, attempt: { ...ATTEMPT, step: null } } }))
    assert.match(is('running', why({ order: { ...running, attempt: null } })).short, /no process/)
  })

  test('is in review, and what its pull request needs', () => {
    const inReview = (more: Partial<PullRequestSeen> = {}): Partial<Whereabouts> => ({
      status: 'in_progress',
      phase: 'in_review',
      pull: { ...PULL, ...more },
    })
    const answer = is('review', why({ order: inReview() }))
    assert.equal(answer.short, 'pull request #7: it is ready to be merged')
    assert.deepEqual(answer.next, ['moose show 1a2b3c4d --diff', 'moose merge 1a2b3c4d', 'moose close 1a2b3c4d'])
    const needs = (more: Partial<PullRequestSeen>) => reviewOf({ ...PULL, ...more }).needs
    assert.equal(needs({ seen_head_sha: null, checks: null, review: null }), 'merge')
    assert.equal(needs({ seen_head_sha: 'b'.repeat(40) }), 'verify')
    assert.ok(why({ order: inReview({ seen_head_sha: 'b'.repeat(40) }) }).next.includes('moose verify 1a2b3c4d'))
    assert.equal(needs({ checks: 'FAILURE' }), 'human')
    assert.equal(needs({ review: 'CHANGES_REQUESTED' }), 'human')
    assert.equal(needs({ checks: 'PENDING', review: 'REVIEW_REQUIRED' }), 'checks')
    assert.equal(needs({ review: 'REVIEW_REQUIRED' }), 'human')
    assert.ok(!why({ order: inReview({ checks: 'FAILURE' }) }).next.includes('moose merge 1a2b3c4d'))
    const conflict = { base_sha: 'c'.repeat(40), head_sha: PULL.head_sha, files: ['a.ts'], since: BEFORE.toISOString() }
    const conflicts = is('review', why({ order: inReview({ conflict }) }))
    assert.equal(conflicts.short, `pull request #7: it conflicts with main in a.ts, seen at ${BEFORE.toISOString()}`)
    assert.deepEqual(conflicts.next.slice(1), ['moose verify 1a2b3c4d --resolve', 'moose close 1a2b3c4d'])
    assert.match(
      conflicts.sentence,
      /\. Have the model .*, or merge main into feature\/greet by hand, push that, and have it/,
    )
    const left = { ...conflict, by_hand: 'A model may change files_in_scope alone, and not a.ts.' }
    const byHand = why({ order: inReview({ conflict: left }) })
    assert.match(byHand.short, /; A model may change files_in_scope alone, and not a\.ts\.$/)
    assert.deepEqual(byHand.next.slice(1), ['moose close 1a2b3c4d'], 'a verification would fail')
    const moved = { ...left, seen_base_sha: 'e'.repeat(40) }
    assert.equal(needs({ conflict: moved }), 'resolve', 'of another base that may not hold')
    assert.equal(needs({ conflict, seen_head_sha: 'b'.repeat(40) }), 'verify', 'that may be the resolution')
    assert.equal(needs({ conflict: { ...conflict, head_sha: 'd'.repeat(40) } }), 'merge')
    is('review', why({ order: { ...inReview(), pull: null } }))
  })

  test('is in review, and its checks fail as on its base, or threads are open: that it is so, and that it can be merged', () => {
    const at = BEFORE.toISOString()
    const red = 'failed on the forge, as on main: unit; what eve asked for is not done: no write access'
    const inReview = (more: Partial<PullRequestSeen>) =>
      why({ order: { status: 'in_progress', phase: 'in_review', pull: { ...PULL, ...more } } })
    const commands = ['moose show 1a2b3c4d --diff', 'moose merge 1a2b3c4d', 'moose close 1a2b3c4d']
    const onBase = inReview({ checks: 'FAILURE', follow_up: { state: 'red_on_base', why: red, code: null, at } })
    assert.equal(onBase.short, `pull request #7: its checks on GitHub say FAILURE: ${red}`)
    assert.match(onBase.sentence, /mend it on main, which is merged in then, or merge as it stands\.$/)
    assert.deepEqual(onBase.next, commands)
    const open = inReview({ seen_open_threads: 2 })
    assert.match(open.short, /2 threads of its reviews, .* are not resolved; a person resolves them on its forge$/)
    assert.deepEqual(open.next, commands)
    const outside = inReview({ outside_scope: ['index.js'] })
    assert.equal(outside.short, 'pull request #7: it changes what is outside of the scope of the order: index.js')
    assert.deepEqual(outside.next, commands)
    const left = 'there is nothing to do; what eve asked for is not done: no write access'
    const strangers = inReview({ follow_up: { state: 'quiet', why: left, code: null, at } })
    assert.ok(evidence(strangers).includes(`follow-up: quiet: ${left}`), evidence(strangers).join())
  })

  test('is in review, and Moose does no more about it: what was tried, how often, and what to type', () => {
    const left = 'failed on the forge: unit; a repair was tried 2 times, and no more is done for one order'
    const standing = { state: 'red', why: left, code: 'follow_up_exhausted', at: BEFORE.toISOString() }
    const reactions = [
      { kind: 'checks' as const, outcome: 'check_failed', isAllowed: false },
      { kind: 'checks' as const, outcome: 'succeeded', isAllowed: false },
      { kind: 'base' as const, outcome: 'merge_conflict', isAllowed: false },
      { kind: 'rerun' as const, outcome: 'asked', isAllowed: false },
    ]
    const stands = (pull: Partial<PullRequestSeen>) =>
      why({ order: { status: 'in_progress', phase: 'in_review', pull: { ...PULL, ...pull }, reactions } })
    const red = stands({ checks: 'FAILURE', follow_up: standing })
    assert.equal(red.short, `pull request #7: ${left}`)
    assert.equal(red.next[0], 'moose decide 1a2b3c4d')
    assert.deepEqual(
      red.evidence.filter(({ name }) => name === 'repairs').map(({ text }) => text),
      ['2 of 2: ended with check_failed, succeeded'],
    )
    const told = red.evidence.map(({ text }) => text).join('\n')
    assert.match(told, /1 of \d+: git could not merge$/m)
    assert.match(told, /1 of \d+: run again$/m)
    const verified = {
      attempt: 4,
      head_sha: PULL.head_sha,
      base_sha: null,
      code: 'check_failed',
      check: 'lint',
      said: null,
    }
    const failed = stands({ failed_verification: verified, follow_up: standing })
    assert.match(
      failed.short,
      /attempt 4: check "lint" failed; Moose does no more about it: failed on the forge: unit; /,
    )
    assert.equal(failed.next[0], 'moose decide 1a2b3c4d')
  })

  const RED: LastReaction = {
    kind: 'checks',
    attempt: 2,
    because: 'failed on the forge: unit',
    outcome: null,
    said: null,
    cost_usd: null,
    not_done: [],
  }
  const follow_up = {
    state: 'red',
    why: 'failed on the forge: unit',
    code: null,
    at: BEFORE.toISOString(),
    failing: [{ check: 'unit', said: 'Error: expected third to be nice', url: 'https://forge.example/runs/6' }],
  }

  test('runs for its pull request: what it does about it, and where that is', () => {
    const attempt = {
      ...ATTEMPT,
      step: { ...ATTEMPT.step, name: 'publish', try: 1, status: 'running', startedAt: BEFORE },
    }
    const repairing = why({
      order: { status: 'in_progress', phase: 'publishing', attempt, pull: { ...PULL, follow_up }, last: RED },
    })
    assert.match(
      repairing.sentence,
      /^It runs: attempt 2, publish, since [^ ]+\. It is about pull request #7, https:\/\/forge\.example\/pull\/7: failed on the forge: unit; the model that made the change is told what failed\.$/,
    )
    assert.match(repairing.short, /^attempt 2, publish for pull request #7, since /)
    const red = 'failed check: unit: "Error: expected third to be nice", https://forge.example/runs/6'
    assert.ok(evidence(repairing).includes(red), evidence(repairing).join())
    const other = why({ order: { status: 'in_progress', phase: 'publishing', attempt, last: { ...RED, attempt: 1 } } })
    assert.ok(!other.sentence.includes('It is about'))
  })

  test('is in review, and a reaction has ended: how, what it cost, what is not done and what failed', () => {
    const last = {
      ...RED,
      outcome: 'proposal_rejected',
      said: 'The answer was rejected.',
      cost_usd: 0.021,
      not_done: [{ comment: 2, path: null, reason: 'it would not fit' }],
    }
    const told = evidence(why({ order: { status: 'in_progress', phase: 'in_review', pull: PULL, last } }))
    const ended = 'the last repair, attempt 2, ended with proposal_rejected and cost $0.0210: The answer was rejected.'
    for (const row of [`tried last: ${ended}`, 'not done: comment 2: "it would not fit"', 'cost: $0.50 so far'])
      assert.ok(told.includes(row), told.join('\n'))
  })

  test('is in review, and somebody else has pushed: how it is given back', () => {
    const standing = { state: 'hands_off', why: 'x', code: 'hands_off', at: BEFORE.toISOString() }
    const pull = { ...PULL, seen_head_sha: 'b'.repeat(40), follow_up: standing }
    const pushed = why({ order: { status: 'in_progress', phase: 'in_review', pull } })
    assert.match(pushed.short, /which Moose did not verify; Moose keeps its hands off it until it is given back$/)
    assert.deepEqual(pushed.next.slice(0, 2), ['moose show 1a2b3c4d --diff', 'moose adopt 1a2b3c4d'])
  })

  const ended: EndedVerification = {
    attempt: 4,
    head_sha: 'b'.repeat(40),
    base_sha: 'c'.repeat(40),
    code: 'check_failed',
    check: 'lint',
    said: '3 errors',
  }
  const stands = (more: Partial<PullRequestSeen>) =>
    why({ order: { status: 'in_progress', phase: 'in_review', pull: { ...PULL, ...more } } })

  test('in review, and verified and failed since: on which commit, which check, and what helps', () => {
    const pushed = stands({ seen_head_sha: 'b'.repeat(40), failed_verification: ended })
    const what = `another push has moved its branch to ${'b'.repeat(12)}, which was verified in attempt 4: check "lint" failed: 3 errors`
    assert.equal(pushed.short, `pull request #7: ${what}`)
    assert.match(pushed.sentence, /3 errors\. Mend it on feature\/greet, push that, and have it verified; or close/)
    assert.deepEqual(pushed.next, [
      'moose logs 1a2b3c4d',
      'moose show 1a2b3c4d --diff',
      'moose verify 1a2b3c4d',
      'moose close 1a2b3c4d',
    ])
    const merged = stands({ failed_verification: ended })
    const where = `its commit was verified again in attempt 4 with main at ${'c'.repeat(12)} merged in: check "lint" failed`
    assert.ok(merged.short.includes(where), merged.short)
    assert.ok(!merged.next.includes('moose merge 1a2b3c4d'))
    const unpublished = stands({ failed_verification: { ...ended, code: 'push_rejected', check: null, said: 'No.' } })
    assert.match(unpublished.short, /merged in: push_rejected: No\.$/)
    assert.ok(unpublished.next.includes('moose verify 1a2b3c4d') && !unpublished.next.includes('moose logs 1a2b3c4d'))
  })

  test('in conflict, and a model was to resolve it: what came of that, and no second one is offered', () => {
    const conflict = { base_sha: 'c'.repeat(40), head_sha: PULL.head_sha, files: ['a.ts'], since: BEFORE.toISOString() }
    const tried = stands({ conflict, tried_resolution: ended })
    assert.match(
      tried.short,
      /it conflicts with main in a\.ts, seen at .*; a model was to resolve that in attempt 4: check "lint" failed/,
    )
    assert.match(tried.sentence, /Merge main into feature\/greet by hand, push that, and have it verified; or close/)
    assert.deepEqual(tried.next.slice(1), ['moose close 1a2b3c4d'])
    const code = 'follow_up_exhausted'
    const exhausted = { state: 'conflict', why: 'no more is tried', code, at: BEFORE.toISOString() }
    const both = stands({ conflict: { ...conflict, by_hand: 'It is binary.' }, follow_up: exhausted }).short
    assert.match(both, /; It is binary; Moose does no more about it$/)
    const moved = { ...conflict, seen_base_sha: 'e'.repeat(40) }
    const still = stands({ conflict: { ...moved, by_hand: 'It is binary.' }, follow_up: exhausted })
    assert.equal(still.short, both, 'with a further commit of the base too')
    const why = 'feature/greet conflicts with main in a.ts; a model was asked twice'
    const twice = stands({ conflict: moved, follow_up: { ...exhausted, why } }).short
    assert.match(
      twice,
      /in a\.ts, seen at .*; main has moved since; Moose does no more about it: a model was asked twice$/,
    )
    const said = 'A model may change files_in_scope alone, and not b.ts.'
    const refused = stands({ conflict, tried_resolution: { ...ended, code: 'merge_conflict', check: null, said } })
    assert.match(refused.short, /attempt 4: A model may change files_in_scope alone, and not b\.ts\.$/)
  })

  test('failed: code, step, message, and what to type', () => {
    const reason = { code: 'check_failed', message: 'The check "unit" failed.' } as const
    const attempt = { ...ATTEMPT, status: 'failed' } as const
    const failed = is('failed', why({ order: { status: 'failed', reason, attempt, madeBy: 1 } }))
    assert.ok(!why({ order: { status: 'failed', reason, attempt } }).next.includes('moose verify 1a2b3c4d'))
    assert.equal(failed.sentence, 'Attempt 2 failed at verify with check_failed: The check "unit" failed.')
    const again = ['moose verify 1a2b3c4d', 'moose retry 1a2b3c4d', 'moose retry 1a2b3c4d --fresh']
    assert.deepEqual(failed.next, ['moose logs 1a2b3c4d', 'moose edit 1a2b3c4d', ...again])
    const details = { check: 'unit', outcome: 'failed', exit_code: 1, said: 'Total() = 41, want 42' }
    const checked = why({
      order: { status: 'failed', reason: { ...reason, details }, attempt: { ...ATTEMPT, status: 'failed' } },
    })
    const line =
      'Attempt 2 failed at verify with check_failed: Check "unit" failed with exit code 1: Total() = 41, want 42'
    assert.equal(checked.sentence, line, 'of a check one line that says why')
    const because = 'the same failed again after a repair'
    const unrepaired = { ...reason, details: { ...details, unrepaired: because } }
    const tried = why({
      order: { status: 'failed', reason: unrepaired, attempt: { ...ATTEMPT, status: 'failed' } },
    })
    assert.equal(tried.sentence, `${line}. It was not repaired further: ${because}.`)
    assert.equal(tried.short.indexOf(`check_failed at verify (not repaired further: ${because}): Check "unit"`), 0)
    const unapproved = why({ order: { status: 'failed', reason: null, isApproved: false } })
    assert.deepEqual(unapproved.next.slice(2), [
      'moose approve 1a2b3c4d',
      'moose retry 1a2b3c4d',
      'moose retry 1a2b3c4d --fresh',
    ])
  })

  test('is completed by a merge, or cancelled, and how', () => {
    const pull = { ...PULL, state: 'merged' as const, merged_by: { is: 'person', name: 'octo' } }
    const merged = is('completed', why({ order: { status: 'completed', pull } }))
    assert.deepEqual([merged.sentence, merged.next], ['It is completed: pull request #7 was merged by octo.', []])
    const shas = { verified_sha: 'a'.repeat(40), merged_sha: 'b'.repeat(40) }
    const other = why({ order: { status: 'completed', pull: { ...PULL, state: 'merged', merged_unverified: shas } } })
    assert.match(other.short, /#7 was merged at b{12}, which Moose has not verified: a{12} was$/)
    assert.ok(evidence(other).includes(`not verified: ${shas.merged_sha}`), evidence(other).join())
    const later = why({ order: { status: 'completed', attempt: { ...ATTEMPT, number: 3, status: 'failed' }, pull } })
    assert.deepEqual([later.evidence[0]?.name, later.evidence.at(-1)?.name], ['completed', 'last attempt'])
    const byLast = { ...pull, verified_by: 3 }
    const behind = why({
      order: { status: 'completed', attempt: { ...ATTEMPT, number: 3, status: 'succeeded' }, pull: byLast },
    })
    assert.match(evidence(behind).join(), /(?:^|,)attempt: 3, succeeded/)
    assert.ok(evidence(behind).includes('cost: $0.50'), evidence(behind).join())
    const rejected = is('cancelled', why({ order: { status: 'cancelled', rejection: 'not now' } }))
    assert.deepEqual([rejected.short, rejected.next], ['cancelled: it was rejected: not now', ['moose retry 1a2b3c4d']])
    const closed = { ...PULL, state: 'closed' as const }
    const rests = { ...ATTEMPT, status: 'blocked' as const }
    const givenUp = why({ order: { status: 'cancelled', pull: closed, attempt: rests, givenUpBy: 'os_user:ada' } })
    assert.equal(givenUp.sentence, 'It is cancelled: os_user:ada gave it up; pull request #7 was closed.')
    assert.match(evidence(givenUp).join(), /(?:^|,)attempt: 2, not resumed,/)
    assert.equal(why({ order: { status: 'cancelled' } }).sentence, 'It is cancelled.')
  })

  test('every kind of answer is looked at above', () => {
    assert.ok(WHY_KINDS.every((kind) => told.has(kind)))
  })
})
