import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { test } from 'node:test'
import { weighed } from '../../src/cli/pages/seen-pull-request.ts'
import { InboxResponse, WhyResponse } from '../../src/contract/why/inbox.ts'
import { beginFollowUp } from '../../src/db/follow-ups.ts'
import { giveUpPullRequests } from '../../src/db/pull-requests/given-up.ts'
import { moveWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { startModelServer } from '../support/model-server.ts'
import { moose as command } from '../support/moose-command.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const QUIET = {
  ...NEVER_POLLS,
  MOOSE_TRACK_INTERVAL_MS: '3600000',
  ORCHESTRATOR_EXECUTOR: 'patch',
  MOOSE_FOLLOW_UP: 'false',
}
const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep rude greeting.txt other.txt" }\n',
}
/** Load slows everything. */
const PATIENCE_MS = 180_000

/** An order in review, and what a model answers from then on. */
async function inReview(...answers: string[]) {
  return await inReviewAt(QUIET, ...answers)
}

async function inReviewAt(settings: Record<string, string>, ...answers: string[]) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], settings))
  const script = [write('greeting.txt', 'hello, world'), ...answers].map((text) => ({ kind: 'text', text }) as const)
  const server = stack.use(await startModelServer(...script))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  const order = await settled(moose, id, PATIENCE_MS)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const get = async (path: string) =>
    JSON.parse(await (await moose.http.fetch(new Request(`http://127.0.0.1${path}`))).text())
  const owned = stack.move()
  return {
    home,
    moose,
    id,
    short: id.slice(0, 8),
    branch: String(order.github_branch),
    why: async () => WhyResponse.parse(await get(`/api/work-orders/${id}/why`)).why,
    kinds: async () => InboxResponse.parse(await get('/api/inbox')).inbox.map(({ kind }) => kind),
    listed: async () => String((await get('/api/work-orders')).work_orders[0].why.short),
    verified: async (resolves = false) => {
      await moose.orchestrator.verify(id, undefined, resolves)
      return (await settled(moose, id, PATIENCE_MS)).attempt_history.at(-1)?.error?.code
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('a hand change whose checks fail is told as verified and failed, until what is pushed on top passes', async () => {
  await using given = await inReview()
  const { home, moose, id, short, branch, why, kinds, listed, verified } = given
  const pushed = await home.remote.commit(branch, { 'greeting.txt': 'rude\n' })
  assert.equal(await verified(), 'check_failed')
  const { sentence, next } = await why()
  const what = `moved its branch to ${pushed.slice(0, 12)}, which was verified in attempt 2: check "polite" failed: `
  assert.ok(sentence.includes(what), sentence)
  assert.match(sentence, new RegExp(`Mend it on ${branch}, push that, and have it verified; or close`))
  assert.ok(!sentence.includes('did not verify') && !next.some((command) => command.includes('merge')), next.join())
  assert.equal(next[0], `moose logs ${short}`)
  assert.ok((await listed()).includes(what))
  assert.deepEqual(await kinds(), ['review'])
  const { pull_request: pull } = await detailOf(moose, id)
  const { attempt, head_sha: on, code, check } = pull?.failed_verification ?? assert.fail()
  assert.deepEqual([attempt, on, code, check], [2, pushed, 'check_failed', 'polite'])
  await assert.rejects(moose.orchestrator.merge(id), {
    code: 'merge_conflict',
    message: new RegExp(
      `verified in attempt 2: check "polite" failed: .*\nMend it on ${branch}.*moose verify ${short}.*\nOr `,
    ),
  })
  await home.remote.commit(branch, { 'greeting.txt': 'kind\n' })
  assert.equal(await verified(), undefined)
  assert.match((await why()).sentence, /it is ready to be merged/)
  assert.deepEqual(await kinds(), ['merge'])
})

test('what a person has just asked for is said first, also where it is merged, and nothing is offered to be merged', async () => {
  await using given = await inReview()
  const { home, short, why, kinds, listed } = given
  const said = 'a comment of a review by ada may be continued: it is less than 2 minutes old'
  const follow_up = JSON.stringify({ state: 'settling', why: said, code: null, at: new Date().toISOString() })
  await home.database.db.updateTable('pull_requests').set({ follow_up }).execute()
  const { sentence, next } = await why()
  assert.ok(
    sentence.startsWith(`It is in review with pull request #1: ${said}. Moose reacts to no pull request`),
    sentence,
  )
  assert.ok(!next.includes(`moose merge ${short}`), next.join())
  assert.ok((await listed()).includes(said))
  assert.deepEqual(await kinds(), ['review'], 'nothing is reacted to')
  assert.equal(weighed(await detailOf(given.moose, given.id)), said)
})

test('what waits to have its open pull request verified stands in review with it everywhere, and is merged when that has ended', async () => {
  await using given = await inReview()
  const { home, moose, id, short, why } = given
  await moose.orchestrator.stop()
  await moose.orchestrator.verify(id)
  const doing = 'what its branch holds is being verified'
  const { short: told, evidence } = await why()
  assert.ok(told.startsWith(`pull request #1: ${doing}; `), told)
  assert.deepEqual(evidence[0], { name: 'pull request', text: '#1, open' })
  assert.deepEqual((await detailOf(moose, id)).at_pull_request, { number: 1, doing })
  const refused = /cannot be (adopted|merged) now, because something is being done about its pull request #1/
  await assert.rejects(moose.orchestrator.adopt(id), refused)
  await assert.rejects(moose.orchestrator.merge(id), refused)
  await moose[Symbol.asyncDispose]()
  const { environment } = home
  for (const name of ['list', 'show', 'why']) {
    const { stdout } = await command(name === 'list' ? [name] : [name, short], { environment })
    assert.ok(stdout.includes(`in review: ${doing}`), stdout)
  }
  const merging = await command(['merge', '--all', '--yes'], { environment })
  assert.match(merging.stderr, new RegExp(`${short}: not merged now: pull request #1: ${doing}\\. Type the same again`))
})

test('what fails with the base merged in is told so, and is not offered to be merged', async () => {
  await using given = await inReview()
  const { home, why, kinds, verified } = given
  const tip = await home.remote.commit('main', { 'other.txt': 'rude\n' })
  assert.equal(await verified(), 'check_failed')
  const { sentence, next } = await why()
  assert.ok(sentence.includes(`verified again in attempt 2 with main at ${tip.slice(0, 12)} merged in: check "polite"`))
  assert.ok(!next.some((command) => command.includes('merge')), next.join())
  assert.deepEqual(await kinds(), ['review'])
})

test('a conflict that a model has resolved in vain says so, and no second resolution is offered until the base moves', async () => {
  await using given = await inReview(write('greeting.txt', 'rude'))
  const { home, moose, id, why, listed, verified } = given
  await home.remote.commit('main', { 'greeting.txt': 'good morning\n' })
  assert.equal(await verified(true), 'check_failed')
  const tried =
    /conflicts with main in greeting\.txt, seen at .*; a model was to resolve that in attempt 2: check "polite" failed/
  const { sentence, next } = await why()
  assert.match(sentence, tried)
  assert.match(sentence, /Merge main into .* by hand, push that, and have it verified/)
  assert.ok(!next.some((command) => command.includes('--resolve')), next.join())
  assert.match(await listed(), tried)
  const said = await moose.orchestrator.merge(id).then(
    () => assert.fail(),
    (error: unknown) => String(error),
  )
  assert.match(said, /was to resolve that in attempt 2: check "polite" failed.*\nMerge main into .* by hand/)
  assert.doesNotMatch(said, /--resolve/)
  assert.equal((await detailOf(moose, id)).pull_request?.tried_resolution?.attempt, 2)
  assert.equal(await verified(), 'merge_conflict')
  const last = (await detailOf(moose, id)).attempt_history.at(-1)?.error?.message
  assert.match(String(last), /A model was asked about these very commits in attempt 2, and is asked once\.\nMerge main/)
  assert.doesNotMatch(String(last), /--resolve/)
  assert.equal((await detailOf(moose, id)).pull_request?.tried_resolution?.attempt, 2)

  await home.remote.commit('main', { 'greeting.txt': 'good evening\n' })
  await assert.rejects(moose.orchestrator.merge(id), /--resolve/)
  assert.ok((await why()).next.some((command) => command.endsWith('--resolve')))
})

test('a conflict that is left to a person before a model is asked is not offered to be resolved again', async () => {
  await using given = await inReview()
  const { home, branch, why, verified } = given
  await home.remote.commit('main', { 'greeting.txt': null })
  assert.equal(await verified(), 'merge_conflict')
  assert.ok(!(await why()).next.some((command) => command.includes('--resolve')), 'it is known before one is asked')
  assert.equal(await verified(true), 'merge_conflict')
  const { sentence, next } = await why()
  assert.match(
    sentence,
    /, seen at .*; A model can resolve what is text on both sides, and greeting\.txt is not\. Merge/,
  )
  assert.match(sentence, new RegExp(`Merge main into ${branch} by hand`))
  assert.ok(!next.some((command) => command.includes('--resolve')), next.join())
})

test('once the base is seen to have moved on, a model may be asked again, and is offered', async () => {
  await using given = await inReviewAt({ ...QUIET, MOOSE_TRACK_INTERVAL_MS: '1000' }, write('greeting.txt', 'rude'))
  const { home, moose, id, why, verified } = given
  await home.remote.commit('main', { 'greeting.txt': 'good morning\n' })
  assert.equal(await verified(true), 'check_failed')
  const pull = async () => (await detailOf(moose, id)).pull_request
  assert.equal((await pull())?.tried_resolution?.attempt, 2)
  const tip = await home.remote.commit('main', { 'README.md': 'moved\n' })
  const sawIt = async () => (await pull())?.conflict?.seen_base_sha === tip
  await until('the base was looked at', sawIt, { withinMs: PATIENCE_MS })
  assert.equal((await pull())?.tried_resolution, null)
  const { sentence, next } = await why()
  assert.match(sentence, /conflicts with main in greeting\.txt, seen at .*; main has moved since/)
  assert.ok(
    next.some((command) => command.endsWith('--resolve')),
    next.join(),
  )
})

test('a repair that pushed nothing says nothing against the commit that stands: it is ready to be merged', async () => {
  await using given = await inReview('I cannot.', 'I cannot.')
  const { home, moose, id, why, kinds } = given
  const { db } = home.database
  const headSha = String((await detailOf(moose, id)).pull_request?.head_sha)
  const told = { check: 'unit on GitHub', reason: 'unit failed', told: 'unit failed', surface: null }
  const task = { ...told, threads: [], keys: [] }
  const kept = { workOrderId: id, kind: 'checks', headSha, baseSha: null, fingerprint: 'x', because: 'unit' } as const
  const follows = await beginFollowUp(db, { ...kept, task, attempt: 2, allowedBy: null })
  assert.ok(follows !== null)
  const how = { from: ['in_progress'], to: 'pending', reason: null, verifies: 1, resolves: false, follows } as const
  assert.ok(await moveWorkOrder(db, id, how))
  await until('it is tried', async () => (await detailOf(moose, id)).attempts === 2, { withinMs: PATIENCE_MS })
  const order = await settled(moose, id, PATIENCE_MS)
  assert.deepEqual([order.phase, order.attempt_history.at(-1)?.error?.code], ['in_review', 'proposal_rejected'])
  assert.match((await why()).sentence, /it is ready to be merged/)
  assert.deepEqual(await kinds(), ['merge'])
  await moose.orchestrator.merge(id)
})

test('what a person has pushed outside of the scope, and had verified, is named where the merge is offered', async () => {
  await using given = await inReview()
  const { home, moose, id, branch, short, why, kinds, listed, verified } = given
  await home.remote.commit(branch, { 'other.txt': 'kind\n' })
  assert.equal(await verified(), undefined)
  const what = /it changes what is outside of the scope of the order: other\.txt/
  assert.match(await listed(), what)
  const { next } = await why()
  assert.ok(next.includes(`moose merge ${short}`), next.join())
  assert.deepEqual(await kinds(), ['review'])
  const { pull_request: pull } = await detailOf(moose, id)
  assert.deepEqual([pull?.outside_scope, pull?.seen_open_threads], [['other.txt'], 0])
  await moose[Symbol.asyncDispose]()
  const { environment } = home
  assert.match((await command(['show', short], { environment })).stdout, what)
  const merged = await command(['merge', short], { environment })
  assert.equal(merged.exitCode, 0, merged.stderr)
  assert.match(merged.stderr, what)
})

const pullsOf = ({ home, id }: Awaited<ReturnType<typeof inReview>>) => {
  const rows = home.database.db.selectFrom('pull_requests').select(['state', 'given_up_at'])
  return rows.where('work_order_id', '=', id).orderBy('attempt').execute()
}

test('a pull request that could not be closed is followed as before; one given up is not, and a later one is left alone', async () => {
  await using given = await inReview()
  const { home, moose, id } = given
  const { path } = home.remote
  const follow_up = JSON.stringify({
    state: 'red',
    why: 'x',
    code: 'follow_up_exhausted',
    at: new Date().toISOString(),
  })
  await home.database.db.updateTable('pull_requests').set({ follow_up }).execute()
  await rename(path, `${path}.away`)
  await assert.rejects(moose.orchestrator.close(id))
  await assert.rejects(moose.orchestrator.cancel(id))
  await rename(`${path}.away`, path)
  const { phase, pull_request: pull } = await detailOf(moose, id)
  assert.deepEqual([phase, pull?.state, pull?.follow_up?.code], ['in_review', 'open', 'follow_up_exhausted'])
  assert.deepEqual(
    (await pullsOf(given)).map(({ given_up_at }) => given_up_at),
    [null],
  )
  await moose.orchestrator.close(id)
  await given.verified()
  assert.deepEqual(await giveUpPullRequests(home.database.db, id, 1), [], 'it is given up already')
  const pulls = await pullsOf(given)
  assert.deepEqual(
    pulls.map(({ state, given_up_at }) => [state, given_up_at !== null]),
    [
      ['closed', true],
      ['open', false],
    ],
  )
})

test('what a cancelled order still has open is closed by another cancel, and nothing else is offered', async () => {
  await using given = await inReview()
  const { home, moose, id } = given
  const { path } = home.remote
  await moose.orchestrator.stop()
  await moose.orchestrator.verify(id)
  await rename(path, `${path}.away`)
  await assert.rejects(moose.orchestrator.cancel(id))
  const { status, pull_request: pull } = await detailOf(moose, id)
  assert.deepEqual([status, pull?.state], ['cancelled', 'open'])
  const message = new RegExp(`is cancelled and cannot be closed; its pull request #1 .*moose cancel ${id.slice(0, 8)}`)
  await assert.rejects(moose.orchestrator.close(id), { code: 'work_order_conflict', message })
  await assert.rejects(moose.orchestrator.cancel(id))
  await rename(`${path}.away`, path)
  await moose.orchestrator.cancel(id)
  assert.equal((await detailOf(moose, id)).pull_request?.state, 'closed')
  await assert.rejects(moose.orchestrator.cancel(id), { code: 'work_order_conflict', message: /cannot be cancelled/ })
})
