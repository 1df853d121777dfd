import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { NEVER_ABORTED } from '../../src/clock.ts'
import { FollowUpView } from '../../src/contract/evidence/follow-up.ts'
import { beginFollowUp, countedFollowUps, keepRerun, lookAnew } from '../../src/db/follow-ups.ts'
import { projectOf } from '../../src/db/projects.ts'
import { beginLook } from '../../src/db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../../src/db/schema.ts'
import { whereaboutsOf } from '../../src/db/work-orders/order-whereabouts.ts'
import { moveWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import { countsOf } from '../../src/follow-up/decide.ts'
import { createFollowUps } from '../../src/follow-up/follow-up.ts'
import { recordSighting } from '../../src/orchestrator/tracker.ts'
import type { Sighting, WatchedPullRequest } from '../../src/ports/pull-request.ts'
import type { CheckFailure, FollowUpForge, PullRequestFacts } from '../../src/ports/pull-request-facts.ts'
import { forgeThat, greetingInReview, refused } from '../support/asked-forge.ts'
import { chance, shuffled } from '../support/chance.ts'
import { settled } from '../support/moose-home.ts'
import { checkWith, commentWith, factsWith, reviewWith, threadWith } from '../support/pull-request-facts.ts'

const ROUNDS = 100

/** An order in review, and what a forge tells of it at each look; what is begun then fails, with the patch of a recording. */
async function followed(
  acts: Pick<FollowUpForge, 'rerunFailed' | 'replyTo'> & Partial<FollowUpForge>,
  isTakenOn = true,
) {
  await using stack = new AsyncDisposableStack()
  const { home, moose, id } = stack.use(await greetingInReview())
  const { pool } = home.database
  const statements: string[] = []
  const db = home.database.db.withPlugin({
    transformQuery({ node }) {
      statements.push(node.kind)
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const row = await db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
  let told: PullRequestFacts | null = factsWith()
  let failure: CheckFailure = { from: 'log', text: 'it failed', why: null, identity: null }
  const forge = forgeThat({
    factsOf: async () => (told === null ? [] : [told]),
    failureOf: async () => failure,
    ...acts,
  })
  const followUps = () =>
    createFollowUps({
      db,
      pool,
      forges: { local: forge, github: forge },
      workspaces: { keptCommit: async () => null },
      clock: { now: () => new Date(), sleep: async () => undefined },
      isTakenOn: async () => isTakenOn,
      pauseAfter: async () => 0,
      onError: (error) => assert.fail(String(error)),
    })
  const { head_sha: head, base_sha: base, attempt, number, node_id: nodeId } = row
  const known = { state: 'open', endedAt: null } as const
  const project = await projectOf(db, row.project_id)
  const at = { project, workOrderId: id, attempt, number, nodeId, seenAt: head }
  let of: WatchedPullRequest = { ...at, known, isAwaited: true, isSpare: false }
  let current = followUps()
  let mark = 0
  let sighting: Sighting | null = null
  async function looks() {
    const seen = sighting ?? assert.fail()
    // Once for all that a look is at.
    const look = await beginLook(home.database.db, new Date())
    await recordSighting(db, seen, look, new Date())
    await current.saw([seen], NEVER_ABORTED, look)
    await settled(moose, id)
  }
  const owned = stack.move()
  return {
    db,
    id,
    /** The kinds of those sent since it was asked last. */
    statements: () => statements.splice(0),
    begun: () => db.selectFrom('follow_ups').select(['kind', 'fingerprint']).orderBy('id').execute(),
    attempts: async () => (await settled(moose, id)).attempts,
    /** Its project is told of as one on GitHub. */
    isOnGitHub() {
      of = { ...of, project: { ...project, forge: 'github' } }
    },
    /** Its project, on GitHub, has another base now. */
    isInto(defaultBranch: string) {
      of = { ...of, project: { ...project, forge: 'github', defaultBranch } }
    },
    /** What is read of a red check from then on; null: nothing, of one that is required or not. */
    says(text: string | null, isRequired = true) {
      const why = text === null ? 'It says nothing.' : null
      failure = {
        from: text === null ? 'none' : 'log',
        text: text === null ? '' : text,
        identity: null,
        why,
        is_required: isRequired,
      }
    },
    /** The process is another one. */
    beginAnew() {
      current = followUps()
    },
    /** @param event null: the forge tells nothing of it */
    async happens(event: Partial<PullRequestFacts> | null) {
      const same = { number, head_sha: head, known_head_sha: head, base_sha: base }
      told = event === null ? null : factsWith({ ...same, ...event })
      const pullRequest = { ...row, url: 'x', headSha: head, mergeSha: null, state: 'open' as const }
      const seen = { checks: null, review: null, parts: null, isDraft: false, endedBy: null, baseSha: base }
      sighting = { of, pullRequest, ...seen, mark: String((mark += 1)) }
      await looks()
    },
    /** The forge tells what it told at the last look. */
    looks,
    /** Somebody closes it there, or reopens it. @returns the status of its order then */
    async becomes(state: 'closed' | 'open') {
      const { state: before, ended_at: endedAt } = await db
        .selectFrom('pull_requests')
        .select(['state', 'ended_at'])
        .executeTakeFirstOrThrow()
      const seen = sighting ?? assert.fail()
      const changed = {
        ...seen,
        of: { ...of, known: { state: before, endedAt } },
        pullRequest: { ...seen.pullRequest, state },
      }
      await recordSighting(db, changed, await beginLook(db, new Date()), new Date())
      return (await db.selectFrom('work_orders').select('status').executeTakeFirstOrThrow()).status
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const job = { run_id: '5', job_id: '6' }

test(`the same events, ${ROUNDS} times in any order: each is reacted to once, and the bounds hold`, async (t) => {
  const seed = Number(process.env['SEED'] ?? 18)
  t.diagnostic(`SEED=${seed}`)
  const acts = { reruns: 0, replies: new Set<string>() }
  await using given = await followed({
    async rerunFailed() {
      acts.reruns += 1
      return { outcome: 'already', is_running: false }
    },
    async replyTo(_, { thread, key }) {
      acts.replies.add(`${thread.id} ${key}`)
      return { id: key, url: null, is_new: true }
    },
  })
  const { begun, happens } = given
  const events: Partial<PullRequestFacts>[] = [
    { checks: [checkWith({ actions: job })] },
    { checks: [checkWith({ actions: job }), checkWith({ name: 'lint' })] },
    { checks: [checkWith({ on_base: 'red' })] },
    { threads: [threadWith()] },
    { threads: [threadWith(), threadWith({ id: 't2', comments: [commentWith({ id: 'c2', body: 'And this.' })] })] },
    { reviews: [reviewWith()] },
    { threads: [threadWith({ comments: [commentWith({ login: 'eve', may_write: false })] })] },
    { comments: [commentWith({ id: 'c3', body: '/moose say dear' })] },
    {},
  ]
  const next = chance(seed)
  for (const event of [...events, ...events]) await happens(event)
  const first = await begun()
  const counts = Map.groupBy(first, ({ kind }) => kind)
  assert.equal(counts.get('rerun')?.length, 1)
  assert.equal(counts.get('checks')?.length, 1)
  assert.equal(counts.get('review')?.length, 1)
  const attempts = await given.attempts()
  const replies = acts.replies.size
  for (let round = 0; round < ROUNDS; round += 1) {
    if (next() < 0.1) given.beginAnew()
    for (const event of shuffled(events, next)) await happens(event)
  }
  assert.deepEqual(await begun(), first)
  assert.equal(await given.attempts(), attempts)
  assert.deepEqual([acts.reruns, acts.replies.size], [1, replies])
})

test('what the model does not carry out of a review is not done: no rule merges it, no other round begins, a human is told', async () => {
  await using given = await followed({
    rerunFailed: refused,
    replyTo: async () => ({ id: '1', url: null, is_new: true }),
  })
  const { db, begun, happens } = given
  const threads = ['c1', 'c2'].map((id) => threadWith({ id, comments: [commentWith({ id })] }))
  await happens({ threads })
  const came = { came: { not_done: [{ comment: 2, reason: 'no' }], changes: null } }
  const task = sql<string>`task || ${JSON.stringify(came)}::jsonb`
  await db.updateTable('follow_ups').set({ outcome: 'succeeded', answered: false, task }).execute()
  const kept = async () => {
    const row = db.selectFrom('pull_requests').select(['follow_up', 'seen_unanswered']).executeTakeFirstOrThrow()
    const { follow_up: view, seen_unanswered: unanswered } = await row
    return [FollowUpView.parse(view).code, unanswered]
  }
  // Answered in the first of them, so that the task is not read in the second.
  for (const _ of [1, 2]) {
    await happens({ threads })
    assert.deepEqual(await kept(), ['follow_up_exhausted', ['ada']])
  }
  assert.equal((await begun()).length, 1)
  await happens({ threads: threads.slice(0, 1) })
  assert.deepEqual(await kept(), [null, []])
})

test('no commit is said to answer a review while what was said is not known', async () => {
  await using given = await followed({
    rerunFailed: refused,
    replyTo: async () => ({ id: '1', url: null, is_new: true }),
  })
  const { db, happens } = given
  const asked = { review_decision: 'CHANGES_REQUESTED', threads: [threadWith()] }
  await happens(asked)
  await db.updateTable('follow_ups').set({ outcome: 'succeeded' }).execute()
  await db
    .updateTable('attempts')
    .set({ head_sha: 'd'.repeat(40) })
    .where('follows', 'is not', null)
    .execute()
  const answeredWith = async () => {
    const { follow_up: view } = await db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()
    return FollowUpView.parse(view).answered_with
  }
  given.isOnGitHub()
  await happens(asked)
  assert.equal(await answeredWith(), 'd'.repeat(40))
  await happens({
    review_decision: 'CHANGES_REQUESTED',
    knows: { checks: true, reviews: false },
    unread: 'it was away',
  })
  assert.equal(await answeredWith(), undefined)
})

test('a look in which nothing is new costs four statements, of which two write', async () => {
  await using given = await followed({
    rerunFailed: refused,
    replyTo: async () => ({ id: '1', url: null, is_new: true }),
  })
  const { happens, looks, statements } = given
  // A review that was answered.
  for (const _ of [1, 2]) await happens({ threads: [threadWith()] })
  await given.db.updateTable('follow_ups').set({ outcome: 'succeeded' }).execute()
  for (const _ of [1, 2]) await happens({ threads: [threadWith()] })
  statements()
  await looks()
  const sent = statements()
  assert.deepEqual(sent.toSorted(), ['SelectQueryNode', 'SelectQueryNode', 'UpdateQueryNode', 'UpdateQueryNode'])
})

test('what the forge refuses to run again or to have answered is said in the log, and is not asked for again', async () => {
  const asked: string[] = []
  await using given = await followed({
    async rerunFailed() {
      asked.push('rerun')
      return { outcome: 'refused', why: 'The run is too old.' }
    },
    async replyTo() {
      asked.push('reply')
      throw new Fault('github_forbidden', 'The conversation is locked.')
    },
  })
  await given.happens({ threads: [threadWith()] })
  for (const _ of [1, 2]) await given.happens({ checks: [checkWith({ actions: job })], threads: [threadWith()] })
  assert.deepEqual(asked, ['reply', 'rerun'])
  const events = await given.db.selectFrom('work_order_events').select('message').execute()
  const said = events.map(({ message }) => message).join('\n')
  assert.match(said, /no checks are run again: The run is too old\./)
  assert.match(said, /is not answered: The conversation is locked\./)
})

test('a process that has slept over its rerun leaves what another has seen of it since', async () => {
  const others: (() => Promise<unknown>)[] = []
  await using given = await followed({
    replyTo: refused,
    async rerunFailed() {
      for (const other of others) await other()
      return { outcome: 'already', is_running: false }
    },
  })
  const { db } = given
  others.push(() => db.updateTable('follow_ups').set({ outcome: 'flaky' }).execute())
  await given.happens({ checks: [checkWith({ actions: job })] })
  const rows = await db.selectFrom('follow_ups').select(['kind', 'outcome']).execute()
  assert.deepEqual(rows, [{ kind: 'rerun', outcome: 'flaky' }])
})

test('checks that were run again for a commit that stands no more are superseded', async () => {
  await using given = await followed({
    replyTo: refused,
    rerunFailed: async () => ({ outcome: 'rerun' }),
  })
  const { db } = given
  const outcomes = async () =>
    (await db.selectFrom('follow_ups').select('outcome').orderBy('id').execute()).map(({ outcome }) => outcome)
  await given.happens({ checks: [checkWith({ actions: job })] })
  assert.deepEqual(await outcomes(), ['asked'])
  await db
    .updateTable('follow_ups')
    .set({ head_sha: 'd'.repeat(40) })
    .execute()
  await given.happens({ checks: [checkWith({ state: 'pending', actions: job })] })
  assert.deepEqual(await outcomes(), ['superseded'])
})

for (const to of ['completed', 'cancelled'] as const) {
  test(`checks that still run again when the order is ${to} are unfinished, and what ended before stays`, async () => {
    await using given = await followed({ replyTo: refused, rerunFailed: async () => ({ outcome: 'rerun' }) })
    const { db, id } = given
    const outcomes = async () =>
      (await db.selectFrom('follow_ups').select('outcome').orderBy('id').execute()).map(({ outcome }) => outcome)
    await given.happens({ checks: [checkWith({ actions: job })] })
    await given.happens({ checks: [checkWith({ state: 'pending', actions: job })] })
    assert.deepEqual(await outcomes(), ['running'])
    const inputs = { workOrderId: id, kind: 'rerun', headSha: 'a', baseSha: null, because: 'red' } as const
    const ended = { ...inputs, fingerprint: 'ended', task: null, attempt: null, allowedBy: null }
    const before = (await beginFollowUp(db, ended)) ?? assert.fail()
    await keepRerun(db, before, { before: null, now: 'flaky' })
    assert.ok(await moveWorkOrder(db, id, { from: ['in_progress'], to, reason: null }))
    assert.deepEqual(await outcomes(), ['unfinished', 'flaky'])
  })
}

test('checks that the forge is asked to run again while the order is cancelled are unfinished', async () => {
  const others: (() => Promise<unknown>)[] = []
  await using given = await followed({
    replyTo: refused,
    async rerunFailed() {
      for (const other of others) await other()
      return { outcome: 'rerun' }
    },
  })
  const { db, id } = given
  // It ends between the answer of the forge and what is kept of it.
  others.push(() =>
    db.updateTable('work_orders').set({ status: 'cancelled', phase: null }).where('id', '=', id).execute(),
  )
  await given.happens({ checks: [checkWith({ actions: job })] })
  const rows = await db.selectFrom('follow_ups').select(['kind', 'outcome']).execute()
  assert.deepEqual(rows, [{ kind: 'rerun', outcome: 'unfinished' }])
})

test('checks that run again while the pull request is closed and reopened are waited for, and no model is asked', async () => {
  await using given = await followed({ replyTo: refused, rerunFailed: async () => ({ outcome: 'rerun' }) })
  const reactions = async () =>
    (await given.db.selectFrom('follow_ups').select(['kind', 'outcome']).orderBy('id').execute()).map(
      ({ kind, outcome }) => `${kind} ${outcome}`,
    )
  const red = { checks: [checkWith({ actions: job })] }
  await given.happens(red)
  assert.deepEqual(await reactions(), ['rerun asked'])
  assert.equal(await given.becomes('closed'), 'cancelled')
  assert.deepEqual(await reactions(), ['rerun unfinished'])
  assert.equal(await given.becomes('open'), 'in_progress')
  await given.happens(red)
  assert.deepEqual(await reactions(), ['rerun asked'], 'the old result, until the new one is there')
  await given.happens({ checks: [checkWith({ state: 'pending', actions: job })] })
  await given.happens({ checks: [checkWith({ state: 'green' })] })
  assert.deepEqual(await reactions(), ['rerun flaky'])
})

test('of checks that were run again, and are not known for a while, nothing is said to have passed', async () => {
  await using given = await followed({ rerunFailed: async () => ({ outcome: 'rerun' }), replyTo: refused })
  const { db, happens } = given
  const outcomes = async () =>
    (await db.selectFrom('follow_ups').select('outcome').execute()).map(({ outcome }) => outcome)
  await happens({ checks: [checkWith({ actions: job })] })
  const hidden = { knows: { checks: false, reviews: true }, unread: 'its checks are not known: it was away' }
  for (const outcome of ['asked', 'running', null]) {
    await db
      .updateTable('follow_ups')
      .set({ outcome: sql<string>`${outcome}::text` })
      .execute()
    await happens(hidden)
    assert.deepEqual(await outcomes(), [outcome])
  }
  const { follow_up: view } = await db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()
  assert.equal(FollowUpView.parse(view).state, 'unknown')
  await happens({ checks: [checkWith({ state: 'green' })] })
  assert.deepEqual(await outcomes(), ['flaky'])
})

test('what was told before is not reacted to, and does not count as seen, where the forge tells nothing of a change', async () => {
  await using given = await followed({ rerunFailed: refused, replyTo: refused })
  const { db, happens } = given
  const seenAt = async () =>
    (await db.selectFrom('pull_requests').select('followed_at').executeTakeFirstOrThrow()).followed_at
  const fresh = commentWith({ at: new Date().toISOString() })
  await happens({ threads: [threadWith({ comments: [fresh] })] })
  const before = await seenAt()
  await happens(null)
  assert.deepEqual(await seenAt(), before)
  await happens({})
  assert.notDeepEqual(await seenAt(), before)
})

test('the log says what is done, and not what would be done if orders were taken on', async () => {
  await using given = await followed({ rerunFailed: refused, replyTo: refused }, false)
  await given.happens({ checks: [checkWith()] })
  assert.deepEqual(await given.begun(), [])
  const events = await given.db.selectFrom('work_order_events').select('message').execute()
  const said = events.map(({ message }) => message).filter((message) => /failed on the forge: build/.test(message))
  assert.deepEqual(said, ['pull request #1: failed on the forge: build'])
  const failing = async () => {
    const { follow_up: view } = await given.db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()
    return FollowUpView.parse(view).failing
  }
  assert.deepEqual(await failing(), [{ check: 'build', said: null, url: null }])
  const url = 'https://ci.example/8'
  await given.happens({ checks: [checkWith({ url })] })
  assert.deepEqual(await failing(), [{ check: 'build', said: null, url }])
  const after = await given.db.selectFrom('work_order_events').select('message').execute()
  assert.equal(after.length, events.length, 'the sentence is the same')
})

test('a project whose base is changed before that of its pull request on the forge pays for nothing, and says what to do', async () => {
  await using given = await followed({ rerunFailed: refused, replyTo: refused })
  given.isInto('develop')
  await given.happens({ checks: [checkWith()], threads: [threadWith()] })
  assert.deepEqual(await given.begun(), [])
  const { follow_up: view } = await given.db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()
  assert.equal(FollowUpView.parse(view).state, 'retargeted')
  const events = await given.db.selectFrom('work_order_events').select('message').orderBy('id').execute()
  const what = `its base on GitHub is develop and it is verified with that: moose verify ${given.id.slice(0, 8)}`
  assert.ok(events.at(-1)?.message.endsWith(`; nothing is done about it until ${what}`), events.at(-1)?.message)
})

test('where the log of a red check cannot be reached, it stands as that; one of an order that nothing is done for is not read', async () => {
  let count = 0
  const acts = {
    rerunFailed: refused,
    replyTo: refused,
    async failureOf() {
      count += 1
      throw new Fault('github_unreachable', 'GitHub could not be reached.')
    },
  }
  for (const isTakenOn of [true, false]) {
    count = 0
    await using given = await followed(acts, isTakenOn)
    const eve = commentWith({ login: 'eve', may_write: false })
    for (const comments of [[], [eve]]) await given.happens({ checks: [checkWith()], comments })
    const view = FollowUpView.parse(
      (await given.db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()).follow_up,
    )
    assert.equal(view.state, 'red')
    assert.deepEqual(
      [count, view.why.includes('"build" could not be read: GitHub could not')],
      [Number(isTakenOn), isTakenOn],
    )
  }
})

test('a thread whose file the order may change is not answered that it may not', async () => {
  const said: string[] = []
  await using given = await followed({
    rerunFailed: refused,
    async replyTo(_, { text }) {
      said.push(text)
      return { id: '1', url: null, is_new: true }
    },
  })
  const { db, happens } = given
  const threads = [threadWith()]
  await happens({ threads })
  const surfaces = [['greeting.txt'], null, ['other.txt']]
  for (const surface of surfaces) {
    const task = sql<string>`task || ${JSON.stringify({ surface })}::jsonb`
    await db.updateTable('follow_ups').set({ outcome: 'change_out_of_scope', answered: false, task }).execute()
    said.splice(0, surfaces.length)
    await happens({ threads })
    const what =
      surface === null
        ? 'what was tried changes files that this pull request does not change'
        : surface.includes('greeting.txt')
          ? 'what was tried changes files that no comment is on'
          : 'what is asked for is about files that the order of this pull request may not change'
    assert.deepEqual(said, [`Not changed: ${what}.`])
  }
})

test('where the order has moved before a reaction has begun, nothing is said to be used up', async () => {
  const moves: (() => Promise<unknown>)[] = []
  await using given = await followed({
    rerunFailed: refused,
    replyTo: refused,
    async failureOf() {
      for (const move of moves) await move()
      return { from: 'log', text: 'it failed', why: null, identity: null }
    },
  })
  const { db } = given
  moves.push(() => db.updateTable('work_orders').set({ status: 'failed', phase: null }).execute())
  await given.happens({ checks: [checkWith()] })
  const { follow_up: followUp } = await db.selectFrom('pull_requests').select('follow_up').executeTakeFirstOrThrow()
  assert.deepEqual([followUp, await given.begun()], [null, []])
})

/** A human allows one more reaction. */
async function allowed(db: Kysely<Database>, id: string): Promise<void> {
  const { numAffectedRows } = await sql`
    update order_escalations set option = 'retry', decided_by = 'ada', decided_at = now(), spent_usd = 0,
      closed_as = 'decided', closed_at = now()
    where closed_at is null
  `.execute(db)
  assert.equal(numAffectedRows, 1n)
  assert.ok(await lookAnew(db, id))
}

test('what a human allows is for what was to be done when it was allowed, and once', async () => {
  await using given = await followed({ rerunFailed: refused, replyTo: refused })
  const { db, id, begun, happens } = given
  const fails = (name: string) => happens({ checks: [checkWith({ name })] })
  const allow = () => allowed(db, id)
  for (const name of ['one', 'two']) await fails(name)
  assert.equal((await begun()).length, 1)
  await allow()
  await happens({})
  await fails('three')
  assert.equal((await begun()).length, 1, 'what it was allowed for is over')
  await allow()
  for (const name of ['four', 'five']) await fails(name)
  assert.equal((await begun()).length, 2, 'an answer before the last allows nothing')
  const counted = async () => {
    const [order] = await whereaboutsOf(db, [id])
    return [countsOf(await countedFollowUps(db, id)), order?.reactions.map(({ isAllowed }) => isAllowed)]
  }
  assert.deepEqual(await counted(), [[{ kind: 'checks', done: 2, most: 3 }], [false, true]])
  await sql`update pull_requests set created_at = clock_timestamp()`.execute(db)
  assert.deepEqual(await counted(), [[{ kind: 'checks', done: 1, most: 2 }], [false]], 'of a later pull request')
})

test('what a human allows is over as well where all that is red is not required', async () => {
  await using given = await followed({ rerunFailed: refused, replyTo: refused })
  const fails = (name: string) => given.happens({ checks: [checkWith({ id: name, name })] })
  given.says(null)
  await fails('one')
  await allowed(given.db, given.id)
  given.says(null, false)
  await fails('two')
  given.says(null)
  await fails('three')
  assert.deepEqual(await given.begun(), [])
})

test('a reaction whose attempt is never begun, because its order is cancelled, has ended', async () => {
  await using given = await followed({ rerunFailed: refused, replyTo: refused })
  const { db, id } = given
  await db.transaction().execute(async (transaction) => {
    const inputs = { workOrderId: id, kind: 'base', headSha: 'a', baseSha: null, fingerprint: 'one' } as const
    const rest = { because: 'it moved', task: null, attempt: 2, allowedBy: null }
    const follows = (await beginFollowUp(transaction, { ...inputs, ...rest })) ?? assert.fail()
    const move = { from: ['in_progress'], to: 'pending', verifies: 1, follows } as const
    assert.ok(await moveWorkOrder(transaction, id, move))
    const outcome = async () =>
      (await transaction.selectFrom('follow_ups').select('outcome').executeTakeFirstOrThrow()).outcome
    assert.equal(await outcome(), null)
    assert.ok(await moveWorkOrder(transaction, id, { from: ['pending'], to: 'cancelled' }))
    assert.equal(await outcome(), 'attempt_cancelled')
  })
})
