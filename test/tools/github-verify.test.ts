import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Moose, openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { recordIn } from '../../src/contract/evidence/pull-request-record.ts'
import { createLog } from '../../src/log.ts'
import { gitIn } from '../support/git-remote.ts'
import { type GitHubServer, startGitHub } from '../support/github/github-server.ts'
import { refused as answer } from '../support/github/rest.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { greet, write } from '../support/suspended-bench.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const SETTINGS = {
  ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
  MOOSE_TRACK_INTERVAL_MS: '1000',
  MOOSE_FOLLOW_UP: 'false',
}

type Given = AsyncDisposable & {
  home: MooseHome
  github: GitHubServer
  moose: Moose
  /** An order in review, with its branch and where that stands. */
  id: string
  branch: string
  head: string
}

/**
 * An order in review on the stand-in, through the real gh and the real git; null when a program is missing.
 *
 * @param answers recorded, beside the one that makes the change
 */
async function inReview(t: TestContext, ...answers: (typeof greet)[]): Promise<Given | null> {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return null
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [greet, ...answers]))
  const github = stack.use(await startGitHub(home.remote))
  const repository = 'https://github.com/acme/shop.git'
  await home.database.db.updateTable('projects').set({ repository, forge: 'github' }).execute()
  const config = readConfig({ ...home.environment, ...github.network, GH_TOKEN: github.token, ...SETTINGS })
  const moose = stack.use(await openMoose(config, { log: createLog('silent'), role: 'service' }))
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'], criteria: ['It is polite'] })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  const head = await home.remote.git('rev-parse', branch)
  const owned = stack.move()
  return { home, github, moose, id, branch, head, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function verified({ moose, id }: Given, resolves = false) {
  await moose.orchestrator.verify(id, undefined, resolves)
  const order = await settled(moose, id)
  const { status, error, cost_usd: cost } = order.attempt_history.at(-1) ?? assert.fail()
  return { order, ended: { status, code: error?.code, cost }, message: String(error?.message) }
}

const succeeded = { status: 'succeeded', code: undefined, cost: 0 }

async function cloneOf({ home, branch }: Given): Promise<string> {
  const clone = `${home.remote.folder}/by-hand`
  await gitIn(home.remote.folder, 'clone', '--quiet', '--branch', branch, home.remote.path, clone)
  return clone
}

test('GitHub: a conflict is told with what to type; resolved on the branch it is verified and merged', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { home, moose, id, branch } = given
  await home.remote.commit('main', { 'greeting.txt': 'good morning\n' })
  const refused = { code: 'merge_conflict', message: /not mergeable.*moose verify/s }
  await assert.rejects(moose.orchestrator.merge(id), refused)
  const tried = await verified(given)
  assert.deepEqual([tried.order.phase, tried.ended.code], ['in_review', 'merge_conflict'])
  assert.match(tried.message, /conflicts with main in: greeting\.txt.*moose verify.*moose close.*moose retry/s)

  const clone = await cloneOf(given)
  await gitIn(clone, 'merge', '--quiet', '--no-edit', '--strategy-option', 'ours', 'origin/main')
  await gitIn(clone, 'push', '--quiet', 'origin', branch)
  const resolved = await gitIn(clone, 'rev-parse', 'HEAD')
  const { order, ended } = await verified(given)
  assert.deepEqual([ended, order.pull_request?.head_sha], [succeeded, resolved])
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
  assert.equal(await home.remote.git('rev-parse', 'main^2'), resolved)
})

test('GitHub: a conflict is resolved by the model that made the change, pushed without force, and merged', async (t) => {
  const answer = { task: `${greet.task} (conflict)`, turn: 1, text: write('greeting.txt', 'good morning, world') }
  await using given = await inReview(t, answer)
  if (given === null) return
  const { home, moose, id, branch, head } = given
  const tip = await home.remote.commit('main', { 'greeting.txt': 'good morning\n' })
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict', message: /not mergeable.*--resolve/s })
  await home.remote.git('config', 'receive.denyNonFastForwards', 'true')
  const { order, ended } = await verified(given, true)
  assert.deepEqual(ended, succeeded)
  const made = await home.remote.git('rev-parse', branch)
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', made)).split(' '), [head, tip])
  assert.equal(order.pull_request?.head_sha, made)
  await moose.orchestrator.merge(id)
  assert.equal((await detailOf(moose, id)).status, 'completed')
  assert.equal(await home.remote.git('rev-parse', 'main^2'), made)
})

test('GitHub: where nobody has touched the branch, the base is merged in and pushed, and nothing is forced', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { home, github, moose, id, branch, head } = given
  const tip = await home.remote.commit('main', { 'other.txt': 'kind\n' })
  // As a rule that wants branches to be up to date answers.
  const behind = { status: 405, body: { message: 'Head branch is out of date. Review and try the merge again.' } }
  github.faults.push({ on: /merge$/, what: behind })
  await assert.rejects(moose.orchestrator.merge(id), { code: 'merge_conflict', message: /out of date.*moose verify/s })
  await home.remote.git('config', 'receive.denyNonFastForwards', 'true')
  const requests = () => github.log.filter(({ operation }) => !/^git |OpenPullRequests$/.test(operation)).length
  const before = requests()
  const { order, ended } = await verified(given)
  assert.deepEqual([ended, requests() - before], [succeeded, 3])
  const brought = await home.remote.git('rev-parse', branch)
  const text = String(github.state.pulls[0]?.body)
  assert.deepEqual([recordIn(text)?.head_sha, text], [brought, order.pull_request?.body])
  assert.deepEqual((await home.remote.git('show', '-s', '--format=%P', brought)).split(' '), [head, tip])
  assert.equal(order.pull_request?.head_sha, brought)
  await moose.orchestrator.merge(id)
  assert.equal(await home.remote.git('rev-parse', 'main^2'), brought)
})

test('GitHub: a text that somebody has edited is left as it is, and that is said', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { home, github, moose, id, branch } = given
  const pull = github.state.pulls[0] ?? assert.fail()
  // As GitHub gives back what was typed there.
  pull.body = pull.body.replaceAll('\n', '\r\n')
  await home.remote.commit(branch, { 'greeting.txt': 'hello by hand\n' })
  const renewed = await verified(given)
  assert.deepEqual(renewed.ended, succeeded)
  assert.equal(pull.body, renewed.order.pull_request?.body)
  const edited = `For the launch.\n\n${pull.body}`
  pull.body = edited
  const later = await home.remote.commit(branch, { 'greeting.txt': 'hello again\n' })
  const kept = await verified(given)
  assert.deepEqual([kept.ended, kept.order.pull_request?.head_sha], [succeeded, later])
  assert.equal(pull.body, edited)
  assert.notEqual(recordIn(String(kept.order.pull_request?.body))?.head_sha, later)
  const publish = kept.order.attempt_history.at(-1)?.steps.find(({ name }) => name === 'publish')
  assert.match(String(publish?.summary), /its text was edited on GitHub and stays as it is/)
  const rows = home.database.db.selectFrom('work_order_events').select('message').where('attempt', '=', 3)
  const said = (await rows.execute()).map(({ message }) => message)
  assert.ok(said.some((line) => /its text was edited on GitHub and stays as it is/.test(line)))
  await moose.orchestrator.merge(id)
})

test('GitHub: where it refuses the new text, what was verified and pushed is in review, and the next verification writes it', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { home, github, moose, branch, id } = given
  const pull = github.state.pulls[0] ?? assert.fail()
  const before = pull.body
  await home.remote.commit('main', { 'other.txt': 'moved\n' })
  github.faults.push({ on: /^PATCH /, what: answer(422, 'Validation Failed') })
  const kept = await verified(given)
  assert.deepEqual(kept.ended, succeeded, kept.message)
  const head = await home.remote.git('rev-parse', branch)
  assert.deepEqual([kept.order.phase, kept.order.pull_request?.head_sha], ['in_review', head])
  assert.deepEqual([pull.body, kept.order.pull_request?.body], [before, before])
  const publish = kept.order.attempt_history.at(-1)?.steps.find(({ name }) => name === 'publish')
  assert.match(String(publish?.summary), new RegExp(`its text is still the one before.*moose verify ${id.slice(0, 8)}`))

  const renewed = await verified(given)
  assert.deepEqual([renewed.ended, renewed.order.pull_request?.head_sha], [succeeded, head])
  assert.equal(recordIn(pull.body)?.head_sha, head)
  await moose.orchestrator.merge(id)
})

test('GitHub: a merge pushed by hand with plain git is noticed and completes the order', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { home, moose, id, branch } = given
  const clone = await cloneOf(given)
  await gitIn(clone, 'checkout', '--quiet', 'main')
  await gitIn(clone, 'merge', '--quiet', '--no-ff', '--no-edit', `origin/${branch}`)
  await gitIn(clone, 'push', '--quiet', 'origin', 'main')
  await until('the order is completed', async () => (await detailOf(moose, id)).status === 'completed')
  const { pull_request: pull } = await detailOf(moose, id)
  assert.deepEqual([pull?.state, pull?.merge_sha], ['merged', await home.remote.git('rev-parse', 'main')])
})

test('GitHub: what somebody changed is not written over; it is verified as it stands, and merged as that', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { home, moose, id, branch } = given
  await home.remote.commit('main', { 'other.txt': 'kind\n' })
  const changed = await home.remote.commit(branch, { 'greeting.txt': 'hello by hand\n' })
  const refused = { code: 'merge_conflict', message: /changed after its checks.*moose verify/s }
  await assert.rejects(moose.orchestrator.merge(id), refused)
  assert.equal((await detailOf(moose, id)).pull_request?.seen_head_sha, changed, 'known before the next look')
  const { order, ended } = await verified(given)
  assert.deepEqual([ended, order.pull_request?.head_sha], [succeeded, changed])
  assert.equal(await home.remote.git('rev-parse', branch), changed)
  // Changed once more: that was not verified.
  const later = await home.remote.commit(branch, { 'greeting.txt': 'rude\n' })
  await assert.rejects(moose.orchestrator.merge(id), refused)
  const worse = await verified(given)
  assert.deepEqual([worse.order.phase, worse.ended.code], ['in_review', 'check_failed'])
  assert.equal(await home.remote.git('rev-parse', branch), later)
  const last = await home.remote.commit(branch, { 'greeting.txt': 'hello again\n' })
  assert.deepEqual((await verified(given)).ended, succeeded)
  await moose.orchestrator.merge(id)
  assert.equal(await home.remote.git('rev-parse', 'main^2'), last)
  assert.equal((await home.database.db.selectFrom('model_calls').selectAll().execute()).length, 1)
})
