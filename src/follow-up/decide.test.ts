import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkWith, commentWith, factsWith, sha, threadWith } from '../../test/support/pull-request-facts.ts'
import type { PullRequestFacts } from '../ports/pull-request-facts.ts'
import { decide, MOST, MOST_RESOLUTIONS, onceMore, type Past } from './decide.ts'
import { fold, type Known } from './fold.ts'

const known: Known = {
  base: 'main',
  projectBase: 'main',
  verifiedBase: sha('b'),
  ours: [],
  handsOff: null,
  adopted: null,
  isGivenUp: false,
  answered: [],
  failed: [],
  isRerunning: false,
  toldAt: new Date('2026-11-01T12:00:00Z'),
  now: new Date('2026-11-01T12:00:00Z'),
}

function decided(facts: PullRequestFacts, past: readonly Past[] = [], some: Partial<Known> = {}) {
  const all = { ...known, ...some }
  return decide(fold(facts, all), facts, all, past)
}

const RESOLVED = { kind: 'base', headSha: sha('7'), isResolving: true } as const
const BEGUN = { isResolving: false, isAllowed: false, outcome: 'succeeded', byHand: null }

/** The reactions until there is none, where nothing ever mends what they are about: `next` gives the facts after each. */
function untilNone(next: (made: number) => PullRequestFacts, some: Partial<Known> = {}) {
  const past: Past[] = []
  for (;;) {
    const facts = next(past.length)
    const decision = decided(facts, past, some)
    if (decision.reaction === null) return { kinds: past.map(({ kind }) => kind), decision }
    const { kind, fingerprint } = decision.reaction
    past.push({ ...BEGUN, kind, fingerprint, headSha: facts.head_sha, isResolving: kind === 'base' })
    assert.ok(past.length < 100, 'it goes on for ever')
  }
}

const headOf = (made: number) => {
  const head = made.toString(16).padStart(40, '0')
  return { head_sha: head, known_head_sha: head }
}

test('a red check is run again once where the forge can, then mended; a third red is left', () => {
  const red = [checkWith({ actions: { run_id: '5', job_id: '6' } })]
  const same = untilNone(() => factsWith({ checks: red }))
  assert.deepEqual(same.kinds, ['rerun', 'checks'])
  assert.ok(same.decision.reaction === null && same.decision.isExhausted)
  const moving = untilNone((made) => factsWith({ checks: red, ...headOf(made) }))
  assert.deepEqual(moving.kinds.filter((kind) => kind === 'checks').length, MOST.checks.perOrder)
  assert.deepEqual(moving.kinds.filter((kind) => kind === 'rerun').length, MOST.rerun.perOrder)
  assert.match(moving.decision.why, /a repair was tried 2 times, and no more is done for one order/)
  const elsewhere = untilNone((made) => factsWith({ checks: [checkWith({ name: `check ${made}` })], ...headOf(made) }))
  assert.deepEqual(elsewhere.kinds, ['checks', 'checks'], 'that it fails otherwise each time changes nothing')
})

test('of all that is red each run is made again, at once', () => {
  const of = (run_id: string, job_id: string) => checkWith({ actions: { run_id, job_id } })
  const { reaction } = decided(factsWith({ checks: [of('5', '6'), of('5', '7'), of('8', '9'), checkWith()] }))
  assert.ok(reaction?.kind === 'rerun')
  assert.deepEqual(
    reaction.checks.map(({ actions }) => actions?.run_id),
    ['5', '8'],
  )
})

test('what is red on the base as well is left to the base', () => {
  const decision = decided(factsWith({ checks: [checkWith({ on_base: 'red' })] }))
  assert.ok(decision.reaction === null && !decision.isExhausted)
  assert.match(decision.why, /as on main: build/)
})

test('a newer base is merged in before a model is asked to mend what is red', () => {
  const facts = factsWith({ checks: [checkWith()], has_base_moved: true })
  const behind = { verifiedBase: sha('a') }
  assert.deepEqual(untilNone(() => facts, behind).kinds, ['base', 'checks'])
})

const basesOf = (made: number) => made.toString(16).padStart(40, 'f')

test('a base that never rests is merged in so often and no more; where each merge passed, nothing has to be decided', () => {
  const { kinds, decision } = untilNone((made) =>
    factsWith({ has_base_moved: true, base_sha: basesOf(made), ...headOf(made) }),
  )
  assert.equal(kinds.length, MOST.base.perOrder)
  assert.ok(decision.reaction === null && !decision.isExhausted && decision.isLeftBehind)
  assert.equal(decision.why, 'main has moved on; 10 merges of it passed the checks, and no more are made for one order')
  assert.deepEqual(onceMore(decision, 'answer'), decision)
})

test('where a merge of the base has failed, or it conflicts, the bound leaves it to a human', () => {
  const facts = factsWith({ has_base_moved: true, base_sha: basesOf(99), ...headOf(99) })
  const passed = Array.from({ length: MOST.base.perOrder }, (_, made): Past => {
    return { ...BEGUN, kind: 'base', fingerprint: String(made), headSha: headOf(made).head_sha }
  })
  const failed = passed.map((one, at) => (at === 3 ? { ...one, outcome: 'check_failed' } : one))
  for (const decision of [decided(facts, failed), decided({ ...facts, mergeability: 'conflict' }, passed)]) {
    assert.ok(decision.reaction === null && decision.isExhausted)
    assert.match(decision.why, /a merge of the base was tried 10 times, and no more is done for one order$/)
  }
})

test('a base that did not pass once it was merged in is left to a human; one that is merged in leaves nothing to decide', () => {
  const facts = factsWith({ has_base_moved: true })
  const first = decided(facts, [], { verifiedBase: sha('a') })
  assert.ok(first.reaction?.kind === 'base')
  const { fingerprint } = first.reaction
  const base = { ...BEGUN, kind: 'base' as const, fingerprint, headSha: facts.head_sha }
  const isExhausted = (outcome: string | null) => {
    const { reaction, ...rest } = decided(facts, [{ ...base, outcome }], { verifiedBase: sha('a') })
    return reaction === null && 'isExhausted' in rest && rest.isExhausted
  }
  assert.deepEqual(['check_failed', 'succeeded', null].map(isExhausted), [true, false, false])
})

test('what was tried is told as it ended', () => {
  const facts = factsWith({ has_base_moved: true })
  const first = decided(facts, [], { verifiedBase: sha('a') })
  assert.ok(first.reaction?.kind === 'base')
  const { fingerprint } = first.reaction
  const whyAfter = (outcome: string | null) => {
    const past = [{ ...BEGUN, kind: 'base' as const, fingerprint, headSha: facts.head_sha, outcome }]
    return decided(facts, past, { verifiedBase: sha('a') }).why.replace(/^[^;]*; /, '')
  }
  assert.equal(whyAfter('succeeded'), 'the base was merged in and verified, and that is done once')
  assert.equal(
    whyAfter('merge_conflict'),
    'a merge of the base was tried, and git could not merge; it is tried once for each commit',
  )
  assert.equal(
    whyAfter('check_failed'),
    'a merge of the base was tried, which ended with check_failed; it is tried once for each commit',
  )
  assert.equal(whyAfter(null), 'a merge of the base is under way; it is tried once for each commit')
})

test('a conflict that no model may resolve is left at each further commit of the base, and is tried again where it is another', () => {
  const facts = factsWith({ mergeability: 'conflict', conflict_files: ['a.txt'], has_base_moved: true })
  const begun = decided(facts)
  assert.ok(begun.reaction?.kind === 'base')
  const byHand = { conflict: begun.why, why: 'A model may change files_in_scope alone, and not a.txt.' }
  const { fingerprint } = begun.reaction
  const past = [
    { ...BEGUN, kind: 'base' as const, headSha: facts.head_sha, fingerprint, outcome: 'merge_conflict', byHand },
  ]
  for (const base of ['b', 'c', 'd'].map(sha)) {
    const decision = decided({ ...facts, base_sha: base }, past)
    assert.ok(decision.reaction === null && decision.isExhausted)
    assert.equal(decision.why, `${begun.why}; a model may change files_in_scope alone, and not a.txt`)
    assert.deepEqual(onceMore(decision, 'answer'), decision, 'one more would find the same')
  }
  const later = { ...facts, base_sha: sha('c') }
  assert.ok(decided({ ...later, conflict_files: ['b.txt'] }, past).reaction !== null)
  assert.ok(
    decided({ ...later, mergeability: 'clean', conflict_files: [] }, past, { verifiedBase: sha('a') }).reaction !==
      null,
  )
  assert.ok(decided({ ...later, ...headOf(1) }, past).reaction !== null)
})

test('a commit that was given back and did not pass is left to a human', () => {
  const pushed = factsWith({ head_sha: sha('9') })
  const decision = decided(pushed, [], { adopted: sha('9') })
  assert.ok(decision.reaction === null && decision.isExhausted)
  const own = decided(pushed, [], { ours: [sha('9')] })
  assert.ok(own.reaction === null && !own.isExhausted, 'the attempt that pushed it ended before its record')
})

test('what a human has allowed beyond a bound takes nothing of the bound', () => {
  const facts = factsWith({ checks: [checkWith()], ...headOf(9) })
  const repair = { ...BEGUN, kind: 'checks' as const, headSha: sha('1') }
  const allowed = { ...repair, fingerprint: 'allowed', isAllowed: true }
  assert.equal(decided(facts, [{ ...repair, fingerprint: 'own' }, allowed]).reaction?.kind, 'checks')
  const resolved = (made: number): Past => ({ ...BEGUN, ...RESOLVED, fingerprint: String(made), isAllowed: made > 0 })
  const conflict = decided(factsWith({ mergeability: 'conflict' }), [0, 1].map(resolved))
  assert.ok(conflict.reaction?.kind === 'base' && conflict.reaction.resolves)
})

test('a conflict is reacted to once for the same two commits; a model is asked so often for an order', () => {
  const facts = factsWith({ mergeability: 'conflict', conflict_files: ['greeting.txt'] })
  const { kinds, decision } = untilNone(() => facts)
  assert.deepEqual(kinds, ['base'])
  assert.ok(decision.reaction === null && decision.isExhausted)
  assert.match(decision.why, /conflicts with main in greeting\.txt; .*once/)
  const asked: Past[] = Array.from({ length: MOST_RESOLUTIONS }, (_, made) => ({
    ...BEGUN,
    ...RESOLVED,
    fingerprint: String(made),
  }))
  const later = decided(facts, asked)
  assert.ok(later.reaction === null && later.isExhausted)
  const unseen = decided(factsWith({ has_base_moved: true }), asked, { verifiedBase: sha('a') })
  assert.ok(unseen.reaction?.kind === 'base' && !unseen.reaction.resolves, 'git may be able to merge it')
})

test('a review that goes on is reacted to three times', () => {
  const { kinds, decision } = untilNone((made) => {
    const comments = [commentWith({ id: `c${made}`, body: `Now do ${made}.` })]
    return factsWith({ threads: [threadWith({ comments })], ...headOf(made) })
  })
  assert.deepEqual(kinds, ['review', 'review', 'review'])
  assert.ok(decision.reaction === null && decision.isExhausted)
})

test('where somebody else has pushed, nothing is done whatever else is true', () => {
  const facts = factsWith({ head_sha: sha('9'), checks: [checkWith()], threads: [threadWith()], has_base_moved: true })
  const decision = decided(facts)
  assert.ok(decision.reaction === null && !decision.isExhausted)
})

test('beyond a bound, an answer of a human allows what is refused once, and makes nothing of what is not', () => {
  const red = [checkWith({})]
  const spent = untilNone(() => factsWith({ checks: red })).decision
  const allowed = onceMore(spent, 'answer')
  assert.ok(allowed.reaction?.kind === 'checks')
  assert.match(allowed.why, /and that is done once; a human allows one more/)
  assert.equal(onceMore(spent, 'answer').reaction?.fingerprint, allowed.reaction.fingerprint)
  assert.notEqual(onceMore(spent, 'another').reaction?.fingerprint, allowed.reaction.fingerprint)
  assert.deepEqual(onceMore(spent, null), spent)
  const quiet = decided(factsWith({}))
  assert.deepEqual(onceMore(quiet, 'answer'), quiet)
  const conflict = untilNone((made) => factsWith({ mergeability: 'conflict', ...headOf(made) })).decision
  const again = onceMore(conflict, 'answer')
  assert.ok(again.reaction?.kind === 'base' && again.reaction.resolves)
})

test('what a human has allowed beyond the bound is counted in what was tried', () => {
  const red = factsWith({ checks: [checkWith({})], ...headOf(9) })
  const repair = (made: number, isAllowed: boolean): Past => {
    return { ...BEGUN, kind: 'checks', fingerprint: String(made), headSha: headOf(made).head_sha, isAllowed }
  }
  const past = [repair(1, false), repair(2, false), repair(3, true)]
  assert.match(
    decided(red, past).why,
    /; a repair was tried 3 times, of these 1 that a human allowed, and no more is done for one order$/,
  )
})

test('what the model does not carry out is left to a human, also where less is left of it; beside something new it is tried', () => {
  const threads = ['c1', 'c2'].map((id) => threadWith({ id, comments: [commentWith({ id })] }))
  const facts = factsWith({ threads })
  const { reaction } = decided(facts)
  assert.ok(reaction?.kind === 'review')
  const [one, two] = reaction.asked.map(({ key }) => key)
  assert.ok(one !== undefined && two !== undefined)
  const past: Past[] = [{ ...BEGUN, kind: 'review', fingerprint: reaction.fingerprint, headSha: sha('9') }]
  for (const some of [
    { answered: [one], failed: [two] },
    { answered: [], failed: [one, two] },
  ]) {
    const decision = decided(facts, past, some)
    assert.ok(decision.reaction === null && decision.isExhausted && decision.refused?.kind === 'review')
    assert.match(
      decision.why,
      /; what a review asks for was tried and not done; it is tried once; where it is settled, resolve its thread, hide/,
    )
    assert.equal(onceMore(decision, 'answer').reaction?.kind, 'review')
  }
  const more = threadWith({ id: 'c3', comments: [commentWith({ id: 'c3' })] })
  const later = decided(factsWith({ threads: [...threads, more] }), past, { answered: [one], failed: [two] })
  assert.ok(later.reaction?.kind === 'review' && later.reaction.asked.length === 2)
})

test('a reaction to a review that came to nothing is left to a human, with what was asked for and how it ended', () => {
  const facts = factsWith({ threads: [threadWith({ comments: [commentWith({ body: 'Say it\nlouder.' })] })] })
  const { reaction } = decided(facts)
  assert.ok(reaction?.kind === 'review')
  const failed = reaction.asked.map(({ key }) => key)
  const past: Past[] = [
    { ...BEGUN, kind: 'review', fingerprint: reaction.fingerprint, headSha: sha('1'), outcome: 'proposal_rejected' },
  ]
  const decision = decided(facts, past, { failed })
  assert.ok(decision.reaction === null && decision.isExhausted)
  assert.match(
    decision.why,
    /^a comment of a review by ada \(greeting\.txt: "Say it louder\."\); what a review asks for was tried, which ended with proposal_rejected/,
  )
  assert.equal(decided(facts, past, { answered: failed }).reaction, null)
})
