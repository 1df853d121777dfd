import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { REPAIRS } from '../../src/db/numbers/merged.ts'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { resumeProject } from '../../src/db/work-orders/failure-rows.ts'
import { type Scripted, type ScriptedBy, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { pauseByFailures } from '../support/paused-by-failures.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const LOOKS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const text = (told: string): Scripted => ({ kind: 'text', text: told })
const CHANGE = text(write('greeting.txt', 'top\nhello, world\nbottom'))

type Given = AsyncDisposable & {
  home: MooseHome
  moose: Moose
  calls: readonly unknown[]
  id: string
  branch: string
  head: string
}

/** An order in review in a service that looks at its pull request each second, and what the model answers from then on. */
async function inReview(answers: (Scripted | ScriptedBy)[], settings: Record<string, string> = {}): Promise<Given> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], { ...LOOKS, ...settings }))
  const server = stack.use(await startModelServer(CHANGE, ...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, {
    title: 'Greet the world',
    files: ['greeting.txt'],
    criteria: ['It is polite'],
  })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  const head = await home.remote.git('rev-parse', branch)
  const owned = stack.move()
  return { home, moose, calls: server.calls, id, branch, head, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The follow-ups of the order, once there are so many and the order is at rest. */
async function followed({ home, moose, id }: Given, count: number) {
  const { db } = home.database
  const rows = () =>
    db
      .selectFrom('follow_ups')
      .select(['kind', 'outcome', 'attempt', 'because'])
      .where('work_order_id', '=', id)
      .orderBy('id')
      .execute()
  const isThere = async () => {
    const all = await rows()
    return all.length >= count && all.every(({ outcome }) => outcome !== null)
  }
  await until(`${count} follow-ups have ended`, isThere, { withinMs: 60_000 })
  const order = await settled(moose, id)
  return { order, rows: await rows() }
}

/** How often the numbers say that its pull request was repaired. */
async function repairsOf({ home, id }: Given): Promise<number> {
  const counted = home.database.db
    .selectFrom('follow_ups')
    .select(REPAIRS.as('repairs'))
    .where('work_order_id', '=', id)
  return (await counted.executeTakeFirstOrThrow()).repairs
}

/** Some further looks, in which nothing more may happen. */
async function looksAgain({ home, id }: Given): Promise<void> {
  const seenAt = async () => {
    const row = await home.database.db
      .selectFrom('pull_requests')
      .select('seen_at')
      .where('work_order_id', '=', id)
      .executeTakeFirstOrThrow()
    return row.seen_at === null ? 0 : row.seen_at.getTime()
  }
  for (let looks = 0; looks < 2; looks += 1) {
    const before = await seenAt()
    await until('the tracker looks again', async () => (await seenAt()) > before, { withinMs: 30_000 })
  }
}

test('a base that moves is merged in and verified, by itself and once, without a model', async () => {
  await using given = await inReview([])
  const { home, branch, head, calls } = given
  const tip = await home.remote.commit('main', { 'other.txt': 'another\n' })
  const { order, rows } = await followed(given, 1)
  assert.deepEqual(
    rows.map(({ kind, outcome, attempt }) => [kind, outcome, attempt]),
    [['base', 'succeeded', 2]],
  )
  const made = await home.remote.git('rev-parse', branch)
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', made)).split(' '), [head, tip])
  assert.equal(order.phase, 'in_review')
  assert.deepEqual([order.pull_request?.head_sha, order.pull_request?.base_sha], [made, tip])
  await looksAgain(given)
  assert.deepEqual([(await followed(given, 1)).rows.length, calls.length], [1, 1])
  assert.equal(await repairsOf(given), 0, 'git alone has merged it')
  assert.equal(await home.remote.git('rev-parse', branch), made)
})

test('what git cannot merge is put to the model that made the change; where that fails it is left, with why', async () => {
  await using given = await inReview([
    text(write('greeting.txt', 'top\ngood morning, world\nbottom')),
    text('I cannot.'),
    text('I cannot.'),
  ])
  const { home, branch, calls, moose, id } = given
  await home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  const first = await followed(given, 1)
  assert.deepEqual([first.rows[0]?.kind, first.rows[0]?.outcome, calls.length], ['base', 'succeeded', 2])
  assert.equal(await repairsOf(given), 1)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'top\ngood morning, world\nbottom')
  await home.remote.commit('main', { 'greeting.txt': 'top\ngood evening\nbottom\n' })
  const second = await followed(given, 2)
  assert.deepEqual([second.rows[1]?.kind, second.rows[1]?.outcome, calls.length], ['base', 'merge_conflict', 4])
  const isSaid = async () => (await detailOf(moose, id)).pull_request?.follow_up?.code === 'follow_up_exhausted'
  await until('what is left is said', isSaid, { withinMs: 30_000 })
  const { pull_request: pull, phase } = await detailOf(moose, id)
  assert.match(String(pull?.follow_up?.why), /conflicts with main in greeting\.txt/)
  assert.equal(phase, 'in_review')
  await looksAgain(given)
  assert.deepEqual([(await followed(given, 2)).rows.length, calls.length], [2, 4])
})

test('what fails the checks once the base is merged in is mended by the model, in one attempt', async () => {
  await using given = await inReview([text(write('greeting.txt', 'top\nhello, dear world\nbottom'))])
  const { home, branch, calls } = given
  const stricter = 'checks:\n  - { name: dear, run: "grep -q dear greeting.txt || ! grep -q strict other.txt" }\n'
  await home.remote.commit('main', {
    'moose.yaml': stricter,
    'other.txt': 'strict\n',
    'greeting.txt': 'top\nhello\nbottom\n',
  })
  const { rows, order } = await followed(given, 1)
  assert.deepEqual([rows[0]?.kind, rows[0]?.outcome], ['base', 'succeeded'])
  assert.equal(calls.length, 2)
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'top\nhello, dear world\nbottom')
  assert.equal(await repairsOf(given), 1)
  assert.ok(Number(order.attempt_history.at(-1)?.cost_usd) > 0, 'it is paid for by the order')
})

test('in a paused project a base that moves is merged in by git; the model that has to mend it waits until the project is resumed', async () => {
  await using given = await inReview([text(write('greeting.txt', 'top\nhello, dear world\nbottom'))])
  const { home, moose, id, calls } = given
  const { db } = home.database
  const { id: project } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  await pauseByFailures(db, { kind: 'project', subject: project })
  await home.remote.commit('main', { 'moose.yaml': 'checks:\n  - { name: dear, run: "grep -q hello greeting.txt" }\n' })
  assert.equal((await followed(given, 1)).rows[0]?.outcome, 'succeeded')
  const stricter = 'checks:\n  - { name: dear, run: "grep -q dear greeting.txt || ! grep -q strict other.txt" }\n'
  await home.remote.commit('main', { 'moose.yaml': stricter, 'other.txt': 'strict\n' })
  const rests = async () => (await detailOf(moose, id)).status_reason?.code === 'provider_paused'
  await until('it rests', rests, { withinMs: 60_000 })
  const { why } = (await moose.orchestrator.explain([id])).get(id) ?? assert.fail()
  assert.match(why.sentence, /Project sample is paused: the last 5 orders of it failed with check_failed at verify/)
  assert.equal(why.next[0], 'moose project resume sample')
  assert.equal(calls.length, 1)
  await resumeProject(db, { id: project, name: 'sample' })
  const { rows } = await followed(given, 2)
  assert.deepEqual([rows[1]?.kind, rows[1]?.outcome, calls.length], ['base', 'succeeded', 2])
})

test('a merge of the base that a human has to allow leaves the pull request in review as it stands, and says so', async () => {
  await using given = await inReview([])
  const { home, moose, branch, head, id, calls } = given
  const { db } = home.database
  await db
    .updateTable('projects')
    .set({ protect: JSON.stringify(['greeting.txt']) })
    .execute()
  const tip = await home.remote.commit('main', { 'other.txt': 'another\n' })
  const { order, rows } = await followed(given, 1)
  assert.deepEqual(
    rows.map(({ kind, outcome, attempt }) => [kind, outcome, attempt]),
    [['base', 'merge_held', 2]],
  )
  assert.deepEqual([order.status, order.phase, order.status_reason], ['in_progress', 'in_review', null])
  assert.equal(await home.remote.git('rev-parse', branch), head, 'nothing was pushed')
  const isSaid = async () => (await detailOf(moose, id)).pull_request?.follow_up?.code === 'follow_up_exhausted'
  await until('what is left is said', isSaid, { withinMs: 30_000 })
  const { pull_request: pull } = await detailOf(moose, id)
  assert.match(String(pull?.follow_up?.why), /a merge of the base was tried, and a human has to allow what it holds/)
  const explained = (await moose.orchestrator.explain([id])).get(id) ?? assert.fail()
  const { sentence, next } = explained.why
  assert.match(sentence, /main is merged into pull request #1 and verified, .* greeting\.txt is /)
  assert.match(sentence, /Merge it as it stands, or have the merge held until you allow it: moose verify /)
  const short = id.slice(0, 8)
  for (const verb of ['decide', 'merge', 'verify'])
    assert.ok(next.includes(`moose ${verb} ${short}`), `${verb}: ${next.join(', ')}`)
  await looksAgain(given)
  assert.deepEqual([(await followed(given, 1)).rows.length, calls.length], [1, 1])

  // What is named works: a verification that was asked for is held until it is allowed.
  await moose.orchestrator.verify(id)
  const held = await settled(moose, id)
  assert.deepEqual([held.status, held.status_reason?.code], ['blocked', 'protected_change'])
  await approveWorkOrder(db, id, { allow: [], allow_secrets: [], allow_all_protected: true })
  const published = await settled(moose, id)
  assert.deepEqual([published.phase, published.pull_request?.base_sha], ['in_review', tip])
})

test('where a person pushes, Moose keeps its hands off until it is given back', async () => {
  await using given = await inReview([])
  const { home, moose, id, branch } = given
  const pushed = await home.remote.commit(branch, { 'greeting.txt': 'top\nhello, whole world\nbottom\n' })
  const followUp = async () => (await detailOf(moose, id)).pull_request?.follow_up
  await until('it is seen', async () => (await followUp())?.code === 'hands_off', { withinMs: 30_000 })
  const tip = await home.remote.commit('main', { 'other.txt': 'another\n' })
  await looksAgain(given)
  assert.deepEqual((await followed(given, 0)).rows, [])
  assert.equal(await home.remote.git('rev-parse', branch), pushed)

  const adopt = () => moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/adopt`, { method: 'POST' }))
  assert.equal((await adopt()).status, 200)
  const { rows } = await followed(given, 1)
  assert.deepEqual([rows[0]?.kind, rows[0]?.outcome], ['base', 'succeeded'])
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', branch)).split(' '), [pushed, tip])
  assert.equal((await adopt()).status, 409, 'Moose follows it')
})

test('a reaction that finds what a person has pushed meanwhile pushes nothing and leaves it to be given back', async () => {
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>()
  const late = async () => {
    await isFree
    return text(write('slow.txt', 'slow'))
  }
  await using given = await inReview([late], { ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '1' })
  const { home, moose, id, branch, calls } = given
  const slow = await fileOrder(home.database, { title: 'Be slow', files: ['slow.txt'], criteria: ['It is polite'] })
  await until('the place is taken', async () => calls.length === 2, { withinMs: 60_000 })
  await home.remote.commit('main', { 'other.txt': 'another\n' })
  await until('it waits', async () => (await detailOf(moose, id)).status === 'pending', { withinMs: 60_000 })
  const pushed = await home.remote.commit(branch, { 'greeting.txt': 'top\nevil\nbottom\n' })
  await home.database.db.updateTable('projects').set({ merge_policy: 'auto', auto_merge: 'medium' }).execute()
  free()
  await settled(moose, slow)
  const { order, rows } = await followed(given, 1)
  assert.deepEqual(
    rows.map(({ kind, outcome, attempt }) => [kind, outcome, attempt]),
    [['base', 'work_order_conflict', 2]],
  )
  const { phase, pull_request: pull } = order
  const why = `${branch} holds ${pushed.slice(0, 12)}, which Moose has not made`
  assert.deepEqual([phase, pull?.follow_up?.code, pull?.follow_up?.why], ['in_review', 'hands_off', why])
  await looksAgain(given)
  const later = await detailOf(moose, id)
  assert.deepEqual([later.phase, later.pull_request?.follow_up?.code], ['in_review', 'hands_off'])
  assert.equal(await home.remote.git('rev-parse', branch), pushed, 'nothing was pushed')
  const opened = home.database.db.selectFrom('order_escalations').select(['cause', 'closed_as'])
  const open = await opened.where('work_order_id', '=', id).execute()
  assert.deepEqual(open, [{ cause: 'hands_off', closed_as: null }])
  assert.match(String((await moose.orchestrator.explain([id])).get(id)?.why.next), /moose adopt/)
})

/** What `moose why` says once its base conflicts with it, and that was seen. */
async function whyInConflict({ home, moose, id }: Given) {
  await home.remote.commit('main', { 'greeting.txt': 'top\ngood morning\nbottom\n' })
  const isSeen = async () => (await detailOf(moose, id)).pull_request?.follow_up?.state === 'conflict'
  await until('the conflict is seen', isSeen, { withinMs: 30_000 })
  const explained = (await moose.orchestrator.explain([id])).get(id)
  assert.ok(explained !== undefined)
  return explained.why
}

test('without MOOSE_FOLLOW_UP nothing is done by itself, and the answer says so', async () => {
  await using given = await inReview([], { MOOSE_FOLLOW_UP: 'false' })
  await given.home.remote.commit('main', { 'other.txt': 'another\n' })
  await looksAgain(given)
  assert.deepEqual((await followed(given, 0)).rows, [])
  const stands = async () => (await detailOf(given.moose, given.id)).pull_request?.follow_up?.state
  await until('it is seen to be behind', async () => (await stands()) === 'behind', { withinMs: 30_000 })
  const { sentence } = await whyInConflict(given)
  assert.match(
    sentence,
    / conflicts with main in greeting.*Moose reacts to no pull request by itself: MOOSE_FOLLOW_UP is false\./,
  )
})

test('where no orders are taken on nothing is done by itself, and the answer says what to type', async () => {
  await using given = await inReview([])
  await given.moose.orchestrator.stop()
  const { sentence, next } = await whyInConflict(given)
  assert.match(sentence, /Moose reacts to no pull request while the polling of the service is off\./)
  assert.equal(next[0], 'moose start')
  assert.deepEqual((await followed(given, 0)).rows, [])
  const { db } = given.home.database
  await db.insertInto('system_config').values({ key: 'orchestrator_enabled', value: 'false' }).execute()
  assert.match((await whyInConflict(given)).sentence, /the row orchestrator_enabled of system_config is false\./)
})
