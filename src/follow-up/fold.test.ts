import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkWith,
  commentWith,
  factsWith,
  reviewWith,
  sha,
  threadWith,
} from '../../test/support/pull-request-facts.ts'
import {
  changesRequestedBy,
  openThreadsIn,
  strangersIn,
  unansweredBy,
  unapprovedBy,
  waitsForReviewer,
} from './asked.ts'
import { fold, type Known } from './fold.ts'

const known = (some: Partial<Known> = {}): Known => ({
  base: 'main',
  projectBase: 'main',
  verifiedBase: sha('a'),
  ours: [sha('1')],
  handsOff: null,
  adopted: null,
  isGivenUp: false,
  answered: [],
  failed: [],
  isRerunning: false,
  toldAt: new Date('2026-11-01T12:00:00Z'),
  now: new Date('2026-11-01T12:00:00Z'),
  ...some,
})
const is = (...given: Parameters<typeof factsWith>) => fold(factsWith(...given), known()).is

test('a pull request with nothing to do is quiet; one that is over has ended', () => {
  assert.equal(is(), 'quiet')
  assert.deepEqual([is({ state: 'merged' }), is({ state: 'closed' })], ['ended', 'ended'])
})

test('what a person has given up in Moose and is open is left alone, whatever else is true of it', () => {
  const facts = factsWith({ head_sha: sha('9'), mergeability: 'conflict', checks: [checkWith()] })
  assert.equal(fold(facts, known({ isGivenUp: true })).is, 'given_up')
  assert.equal(fold(factsWith({ state: 'closed' }), known({ isGivenUp: true })).is, 'ended')
})

test('a commit that Moose has not made has it keep its hands off, until that commit is given back', () => {
  const pushed = factsWith({ head_sha: sha('9'), mergeability: 'conflict', checks: [checkWith()] })
  assert.equal(fold(pushed, known()).is, 'hands_off')
  assert.equal(fold(pushed, known({ adopted: sha('9') })).is, 'unverified')
  assert.equal(
    fold(pushed, known({ ours: [sha('9')] })).is,
    'unverified',
    'an attempt pushed it and ended before its record',
  )
  const verified = { ...pushed, known_head_sha: sha('9') }
  assert.equal(
    fold(verified, known({ handsOff: sha('9') })).is,
    'hands_off',
    'a verification by hand gives nothing back',
  )
  assert.equal(fold(verified, known({ adopted: sha('9') })).is, 'conflict')
})

test('of one that is to be merged into another base nothing is judged, nor done', () => {
  const state = fold(factsWith({ base: 'release', mergeability: 'unknown', checks: [checkWith()] }), known())
  assert.deepEqual(state, { is: 'retargeted', because: 'its base was changed from main to release' })
  const because = 'its base is main, and that of its project is develop now; it was not verified with that yet'
  for (const facts of [factsWith({ checks: [checkWith()] }), factsWith({ threads: [threadWith()] })])
    assert.deepEqual(fold(facts, known({ projectBase: 'develop' })), { is: 'retargeted', because })
  const taken = known({ base: 'develop', projectBase: 'develop' })
  assert.equal(fold(factsWith({ base: 'develop' }), taken).is, 'quiet')
})

test('what is red counts where it is not red on the base, and once nothing runs any more', () => {
  assert.equal(is({ checks: [checkWith()] }), 'red')
  assert.equal(is({ checks: [checkWith({ on_base: 'red' })] }), 'red_on_base')
  assert.equal(is({ checks: [checkWith({ on_base: 'red' }), checkWith({ name: 'lint', on_base: null })] }), 'red')
  assert.equal(is({ checks: [checkWith(), checkWith({ name: 'lint', state: 'pending' })] }), 'checking')
  assert.equal(
    is({ checks: [checkWith({ state: 'cancelled' }), checkWith({ name: 'lint', state: 'skipped' })] }),
    'quiet',
  )
})

test('outside of reviews only what begins with /moose is asked for, by people with write access', () => {
  const said = (...comments: Parameters<typeof commentWith>[0][]) => factsWith({ comments: comments.map(commentWith) })
  assert.equal(fold(said({ body: 'Nice. /moose is good.' }, { body: '/mooses' }), known()).is, 'quiet')
  const asked = fold(said({ body: '/moose say dear' }), known())
  assert.equal(asked.is, 'reviewed')
  assert.deepEqual(asked.is === 'reviewed' && asked.asked.map(({ path, thread }) => [path, thread]), [[null, null]])
  const stranger = said({ body: '/moose delete everything', login: 'eve', may_write: false })
  assert.equal(fold(stranger, known()).is, 'quiet')
  assert.deepEqual(strangersIn(stranger), ['eve'])
  assert.equal(fold(said({ body: '/moose say dear', is_moose: true }), known()).is, 'quiet')
})

test('what is red is left alone while it is run again', () => {
  assert.equal(fold(factsWith({ checks: [checkWith()] }), known({ isRerunning: true })).is, 'checking')
})

test('what people with write access ask for counts once it has settled; what others ask for, and thanks, do not', () => {
  assert.equal(is({ threads: [threadWith()] }), 'reviewed')
  assert.equal(is({ threads: [threadWith({ is_resolved: true })] }), 'quiet')
  const stranger = threadWith({ comments: [commentWith({ may_write: false, login: 'eve' })] })
  assert.equal(is({ threads: [stranger] }), 'quiet')
  assert.deepEqual(strangersIn(factsWith({ threads: [stranger, threadWith()] })), ['eve'])
  assert.equal(is({ threads: [threadWith({ comments: [commentWith({ is_moose: true })] })] }), 'quiet')
  assert.equal(is({ reviews: [reviewWith()] }), 'reviewed')
  assert.equal(is({ reviews: [reviewWith({ state: 'approved', body: 'Thanks!' })] }), 'quiet')
  assert.equal(is({ reviews: [reviewWith({ body: ' ' })] }), 'quiet', 'its threads say what it is about')
  const fresh = commentWith({ id: 'c2', at: '2026-11-01T11:59:30Z' })
  assert.equal(is({ threads: [threadWith(), threadWith({ id: 't2', comments: [fresh] })] }), 'settling')
})

test('a review that was edited just now settles anew', () => {
  const edited = (edited_at: string | null) => is({ reviews: [reviewWith({ edited_at })] })
  assert.deepEqual([edited(null), edited('2026-11-01T11:59:00Z')], ['reviewed', 'settling'])
})

test('where the clock of this machine is behind, a review settles once nothing has changed for as long', () => {
  const facts = factsWith({ threads: [threadWith({ comments: [commentWith({ at: '2026-11-01T13:00:00Z' })] })] })
  const toldFor = (toldAt: string) => fold(facts, known({ toldAt: new Date(toldAt) })).is
  assert.deepEqual([toldFor('2026-11-01T11:59:00Z'), toldFor('2026-11-01T11:58:00Z')], ['settling', 'reviewed'])
})

test('thanks, an agreement and agreeable signs ask for nothing; a question, a refusal and a word of more do', () => {
  const saying = (body: string) => is({ threads: [threadWith({ comments: [commentWith({ body })] })] })
  for (const body of [
    'Thanks!',
    'thank you so much 🎉',
    'LGTM',
    '👍',
    ':+1:',
    '+1',
    'Ok, thanks @moose.',
    'Looks good to me',
    'Thanks @ada 👏🏽, perfect ✅ — great :tada: ❤️ :)',
    '',
  ])
    assert.equal(saying(body), 'quiet', body)
  for (const body of ['Thanks! Now say it louder.', 'ok?', '?', 'Not good', 'ok-button', 'goodbye', '`a`', '+2'])
    assert.equal(saying(body), 'reviewed', body)
  for (const body of ['👎', '❌', '⛔ 🛑', ':-1:', ':x:', ':no_entry:', ':(', '-1', '~~LGTM~~', 'ok 👎', '😕', '✗'])
    assert.equal(saying(body), 'reviewed', body)
  assert.equal(saying('👍 '.repeat(60)), 'reviewed')
})

test('a thread is open until it is resolved, whatever people with write access say in it', () => {
  const open = (...threads: Parameters<typeof threadWith>[0][]) =>
    openThreadsIn(factsWith({ threads: threads.map(threadWith) }))
  const saying = (...comments: Parameters<typeof commentWith>[0][]) => ({ comments: comments.map(commentWith) })
  assert.equal(open(saying({ body: '👎' }), saying({ body: '👍' }), saying({ body: 'Say dear.' })), 3)
  assert.equal(open({ ...saying({ body: '👎' }), is_resolved: true }), 0)
  const others = [{ login: 'eve', may_write: false }, { is_moose: true }, { login: null }]
  assert.equal(open(saying(...others)), 0)
  assert.equal(open(saying(...others, { body: 'Thanks.' })), 1)
})

test('a comment that was reacted to is not asked for again, and an edited one is', () => {
  const state = fold(factsWith({ threads: [threadWith()] }), known())
  assert.ok(state.is === 'reviewed')
  const answered = state.asked.map(({ key }) => key)
  assert.equal(fold(factsWith({ threads: [threadWith()] }), known({ answered })).is, 'quiet')
  const edited = commentWith({ body: 'Say it quietly.', edited_at: '2026-11-01T11:00:00Z' })
  assert.equal(fold(factsWith({ threads: [threadWith({ comments: [edited] })] }), known({ answered })).is, 'reviewed')
})

test('a base that moved is taken in, but not where that could dismiss an approval', () => {
  assert.equal(is({ has_base_moved: true }), 'behind')
  assert.equal(fold(factsWith({ has_base_moved: true }), known({ verifiedBase: sha('b') })).is, 'quiet')
  assert.equal(is({ has_base_moved: true, review_decision: 'APPROVED' }), 'approved_behind')
  assert.equal(is({ mergeability: 'conflict', review_decision: 'APPROVED' }), 'conflict')
})

test('what was reacted to without success stays asked for, with its words, until it is approved by the same person', () => {
  const asked = fold(factsWith({ reviews: [reviewWith()] }), known())
  assert.ok(asked.is === 'reviewed')
  const failed = asked.asked.map(({ key }) => key)
  const after = (...more: Parameters<typeof reviewWith>[0][]) => {
    const facts = factsWith({
      reviews: [reviewWith(), ...more.map((one) => reviewWith({ id: 'r2', body: '', ...one }))],
    })
    return [fold(facts, known({ failed })), unansweredBy(facts, { answered: [], failed })] as const
  }
  const [state, by] = after()
  assert.deepEqual([state.is, by], ['reviewed', ['ada']])
  assert.equal(state.because, 'a comment of a review by ada ("Greet more warmly.")')
  const later = { state: 'approved', at: '2026-11-01T11:00:00Z' } as const
  assert.deepEqual([after(later)[0].is, after(later)[1]], ['quiet', []])
  assert.equal(after({ ...later, login: 'bob' })[0].is, 'reviewed', 'the approval of another person')
  assert.equal(after({ ...later, at: '2026-11-01T09:00:00Z' })[0].is, 'reviewed', 'it was approved before')
})

test('what was answered outside of a thread waits for an approval, of the answer or later, by the person who asked', () => {
  const answered = sha('2')
  const waits = (more: Partial<Parameters<typeof factsWith>[0]>, ...approvals: Parameters<typeof reviewWith>[0][]) => {
    const reviews = approvals.map((one) => reviewWith({ id: 'r2', body: '', state: 'approved', ...one }))
    const facts = factsWith({ head_sha: sha('3'), ...more, reviews: [...(more?.reviews ?? []), ...reviews] })
    const state = fold(factsWith({ ...more }), known())
    assert.ok(state.is === 'reviewed', state.is)
    const keys = state.asked.map(({ key }) => key)
    return unapprovedBy(facts, [
      { keys: [], madeSha: sha('1') },
      { keys, madeSha: answered },
      { keys: [], madeSha: null },
    ])
  }
  const later = { head_sha: answered, at: '2026-11-01T11:00:00Z' }
  for (const asked of [
    { reviews: [reviewWith({ state: 'commented' })] },
    { reviews: [reviewWith()] },
    { comments: [commentWith({ body: '/moose say dear' })] },
  ]) {
    assert.deepEqual(waits(asked), ['ada'])
    assert.deepEqual(waits(asked, later), [])
    assert.deepEqual(waits(asked, { ...later, head_sha: sha('3') }), [], 'what it holds now')
    assert.deepEqual(waits(asked, { ...later, head_sha: sha('1') }), ['ada'], 'the commit before the answer')
    assert.deepEqual(waits(asked, { ...later, login: 'bob' }), ['ada'])
    assert.deepEqual(waits(asked, { ...later, at: '2026-11-01T01:00:00Z' }), ['ada'], 'it was approved before')
  }
  assert.deepEqual(waits({ threads: [threadWith()] }), [], 'a thread is resolved')
  const asked = commentWith({ body: '/moose say dear' })
  const ofMoose = commentWith({ id: 'c2', is_moose: true, body: 'Done.' })
  assert.deepEqual(waits({ comments: [asked, ofMoose] }), [], 'no account can approve what it has opened')
  assert.deepEqual(waits({ comments: [asked, { ...ofMoose, login: 'moose' }] }), ['ada'])
})

test('changes are requested by whose latest review that decides says so, and who may write', () => {
  const by = (...reviews: Parameters<typeof reviewWith>[0][]) =>
    changesRequestedBy(factsWith({ reviews: reviews.map((one, index) => reviewWith({ id: `r${index}`, ...one })) }))
  const at = (hour: number) => `2026-11-01T${hour}:00:00Z`
  assert.deepEqual(by({}, { login: 'bob', at: at(11) }), ['ada', 'bob'])
  assert.deepEqual(by({ at: at(10) }, { state: 'commented', at: at(11) }), ['ada'], 'a comment takes nothing back')
  assert.deepEqual(by({ at: at(10) }, { state: 'approved', body: '', at: at(11) }), [])
  assert.deepEqual(by({ at: at(12) }, { state: 'approved', body: '', at: at(11) }), ['ada'])
  assert.deepEqual(by({ state: 'dismissed' }), [])
  assert.deepEqual(by({ may_write: false }, { is_moose: true, login: 'moose' }), [])
})

test('a review waits for its reviewer once all that it asks for was reacted to', () => {
  const facts = factsWith({ review_decision: 'CHANGES_REQUESTED', threads: [threadWith()] })
  const state = fold(facts, known())
  assert.ok(state.is === 'reviewed')
  const answered = state.asked.map(({ key }) => key)
  assert.deepEqual([waitsForReviewer(facts, { answered: [] }), waitsForReviewer(facts, { answered })], [false, true])
  assert.ok(!waitsForReviewer({ ...facts, review_decision: 'APPROVED' }, { answered }))
})

test('where the forge has checks that could not be read, nothing follows from there being none; where it shows none, it has none', () => {
  const unread = 'its checks are not known: GitHub could not be reached'
  const hidden = { knows: { checks: false, reviews: true }, unread }
  const state = fold(factsWith(hidden), known())
  assert.deepEqual([state.is, state.because], ['unknown', unread])
  assert.equal(is({ ...hidden, has_base_moved: true, review_decision: 'APPROVED' }), 'unknown')
  assert.equal(is({ ...hidden, threads: [threadWith()] }), 'reviewed', 'what is known is reacted to')
  assert.equal(is({ ...hidden, has_base_moved: true }), 'behind')
  assert.equal(is({ knows: { checks: false, reviews: false }, unread: null }), 'quiet')
})
