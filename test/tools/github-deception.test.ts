import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { beginLook } from '../../src/db/pull-requests/seen-pull-requests.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { recordSighting } from '../../src/orchestrator/tracker.ts'
import type { PublishInput, WatchedPullRequest } from '../../src/ports/pull-request.ts'
import { gitIn } from '../support/git-remote.ts'
import { createGitHubSetting, type GitHubSetting } from '../support/github/github-setting.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const LIST = /^GET \/repos\/acme\/shop\/pulls$/
const LOOK = /OpenPullRequests$/

/** What GitHub, a proxy or a writer of the repository may say, and what Moose must not believe. */
async function setting(t: TestContext): Promise<GitHubSetting | null> {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return null
  return await createGitHubSetting()
}

async function published(given: GitHubSetting) {
  const input = await given.prepare()
  await given.forge.publish(input)
  const pull = given.github.state.pulls.at(-1)
  assert.ok(pull !== undefined)
  return { input, pull, of: watched(given, input, pull.number) }
}

function watched({ project }: GitHubSetting, input: PublishInput, number: number): WatchedPullRequest {
  const { workOrderId, attempt, headSha: seenAt } = input
  const known = { state: 'open', endedAt: null } as const
  const at = { project, workOrderId, attempt, number, nodeId: `PR_${number}`, seenAt }
  return { ...at, known, isAwaited: true, isSpare: false }
}

async function look({ forge, database, clock }: GitHubSetting, of: readonly WatchedPullRequest[]) {
  const at = await beginLook(database.db, clock.now())
  const looked = await forge.look(of, new AbortController().signal)
  for (const sighting of looked.sightings) await recordSighting(database.db, sighting, at, clock.now())
  return looked
}

async function standing({ database, remote }: GitHubSetting, { workOrderId, branches }: PublishInput) {
  const { status } = await findWorkOrder(database.db, workOrderId)
  return { status, branch: (await remote.branches()).includes(String(branches[0])) }
}

const UNTOUCHED = { status: 'in_progress', branch: true }

/** What the stand-in's GraphQL says of a pull request, with something changed. */
function node({ input, pull }: { input: PublishInput; pull: { number: number } }, change: object): object {
  const url = `https://github.com/acme/shop/pull/${pull.number}`
  const refs = { headRefName: input.branches[0], headRefOid: input.headSha, baseRefName: 'main' }
  const rest = { state: 'OPEN', isDraft: false, mergeCommit: null, reviewDecision: null, statusCheckRollup: null }
  return { id: `PR_${pull.number}`, number: pull.number, url, ...refs, ...rest, ...change }
}

async function pushByHand({ mirrors, project, remote }: GitHubSetting, sha: string, branch: string): Promise<void> {
  await gitIn(mirrors.of(project).dir, 'push', '--quiet', remote.path, `${sha}:refs/heads/${branch}`)
}

test('a pull request whose base was changed on GitHub is not merged', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const { input, pull } = await published(given)
  await given.remote.git('branch', 'release', input.baseSha)
  pull.base = 'release'
  await assert.rejects(given.forge.merge(given.project, pull.number), {
    code: 'work_order_conflict',
    message: /release.*change it back|release.*close/is,
  })
  assert.equal(await given.remote.git('rev-parse', 'release'), input.baseSha)
  assert.deepEqual(await standing(given, input), UNTOUCHED)
})

test('a merge into another base completes no order and deletes no branch', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const { input, pull, of } = await published(given)
  await given.remote.git('branch', 'release', input.baseSha)
  pull.base = 'release'
  await given.github.state.merge(pull.number, 'merge')
  const { sightings, lost } = await look(given, [of])
  assert.deepEqual([sightings, lost.map(({ is }) => is)], [[], ['unproven']])
  await assert.rejects(given.forge.merge(given.project, pull.number), { code: 'github_failed', message: /release/ })
  assert.deepEqual(await standing(given, input), UNTOUCHED)
})

test('a commit the attempt began from proves no merge, as merge commit or as head', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const { input, pull, of } = await published(given)
  for (const change of [{ mergeCommit: { oid: input.baseSha } }, { headRefOid: input.baseSha }]) {
    const body = { data: { nodes: [node({ input, pull }, { state: 'MERGED', ...change })] } }
    given.github.faults.push({ on: LOOK, what: { status: 200, body } })
    await look(given, [of])
    assert.deepEqual(await standing(given, input), UNTOUCHED)
  }
  pull.mergedAt = '2026-01-01T00:00:00Z'
  pull.mergeSha = input.baseSha
  await assert.rejects(given.forge.merge(given.project, pull.number), { code: 'github_failed' })
  assert.deepEqual(await standing(given, input), UNTOUCHED)
})

test('what GitHub says of another number is dropped, and the others are seen', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const first = await published(given)
  const second = await published(given)
  const nodes = [node(first, { number: 99, state: 'CLOSED' }), node(second, {})]
  given.github.faults.push({ on: LOOK, what: { status: 200, body: { data: { nodes } } } })
  const { sightings, faults } = await look(given, [first.of, second.of])
  assert.deepEqual(
    sightings.map(({ of }) => of.number),
    [second.pull.number],
  )
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['github_failed'],
  )
  assert.deepEqual(await standing(given, first.input), UNTOUCHED)
})

test('only the branch of the attempt is deleted after its merge, whatever branch GitHub names', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const { input, pull, of } = await published(given)
  const { mergeSha } = await given.github.state.merge(pull.number, 'merge')
  await given.remote.git('branch', 'precious', input.headSha)
  const merged = { state: 'MERGED', mergeCommit: { oid: mergeSha }, headRefName: 'precious' }
  const body = { data: { nodes: [node({ input, pull }, { ...merged, url: 'javascript:alert(1)' })] } }
  given.github.faults.push({ on: LOOK, what: { status: 200, body } })
  const { sightings } = await look(given, [of])
  assert.deepEqual(await given.remote.branches(), ['main', 'precious'])
  const [seen] = sightings
  assert.deepEqual(
    [seen?.pullRequest.branch, seen?.pullRequest.url],
    [input.branches[0], `https://github.com/acme/shop/pull/${pull.number}`],
  )
  assert.equal((await standing(given, input)).status, 'completed')
})

test('a marked pull request of another base or another commit is not adopted', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const based = await given.prepare()
  await given.remote.git('branch', 'release', based.baseSha)
  await pushByHand(given, based.headSha, String(based.branches[0]))
  const facts = { title: 'Theirs', head: String(based.branches[0]), body: based.body }
  await given.github.state.create({ ...facts, base: 'release' })
  assert.equal((await given.forge.publish(based)).number, 2)
  const held = await given.prepare()
  const head = String(held.branches[0])
  await given.remote.git('branch', head, held.baseSha)
  await given.remote.commit(head, { theirs: 'x\n' })
  await given.github.state.create({ title: 'Theirs', head, body: held.body, base: 'main' })
  await assert.rejects(given.forge.publish(held), { code: 'branch_taken' })
})

for (const html_url of [
  'javascript:alert(1)',
  'https://evil.example/acme/shop/pull/1',
  'https://github.com/acme/shop/pull/2',
  'https://github.com/acme/shop/pull/1?x',
]) {
  test(`a marked pull request at ${html_url} is not adopted`, async (t) => {
    await using given = await setting(t)
    if (given === null) return
    const input = await given.prepare()
    const head = { ref: input.branches[0], sha: input.headSha }
    const ends = { state: 'open', merged_at: null, merge_commit_sha: null }
    const pull = { number: 1, node_id: 'PR_1', html_url, ...ends, body: input.body, head, base: { ref: 'main' } }
    given.github.faults.push({ on: LIST, times: 9, what: { status: 200, body: [pull] } })
    await assert.rejects(given.forge.publish(input), { code: 'github_failed', message: /another address/ })
    assert.deepEqual(await given.database.db.selectFrom('pull_requests').selectAll().execute(), [])
  })
}

test('a repository is the same in another spelling', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const input = await given.prepare()
  const project = { ...input.project, repository: 'https://github.com/Acme/Shop.git' }
  const head = { ref: input.branches[0], sha: input.headSha }
  const ends = { state: 'open', merged_at: null, merge_commit_sha: null }
  const html_url = 'https://github.com/acme/shop/pull/1'
  const pull = { number: 1, node_id: 'PR_1', html_url, ...ends, body: input.body, head, base: { ref: 'main' } }
  given.github.faults.push({ on: /^GET \/repos\/Acme\/Shop\/pulls$/, what: { status: 200, body: [pull] } })
  assert.equal((await given.forge.publish({ ...input, project })).url, html_url)
})

test('a number that another attempt holds is a fault that says which', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const first = await published(given)
  const input = await given.prepare()
  const head = { ref: input.branches[0], sha: input.headSha }
  const ends = { state: 'open', merged_at: null, merge_commit_sha: null }
  const html_url = `https://github.com/acme/shop/pull/${first.pull.number}`
  const pull = { number: first.pull.number, node_id: 'PR_1', html_url, ...ends, body: input.body, head }
  given.github.faults.push({ on: LIST, what: { status: 200, body: [{ ...pull, base: { ref: 'main' } }] } })
  await assert.rejects(given.forge.publish(input), {
    code: 'github_failed',
    message: new RegExp(`attempt 1 of .*${first.input.workOrderId}`),
  })
})

test('one answer of unknown form takes nothing from the others', async (t) => {
  await using given = await setting(t)
  if (given === null) return
  const first = await published(given)
  const second = await published(given)
  const third = await published(given)
  const nodes = [node(first, { state: 'SLEEPING' }), node(second, { headRefOid: '--all' }), node(third, {})]
  given.github.faults.push({ on: LOOK, what: { status: 200, body: { data: { nodes } } } })
  const { sightings, faults } = await look(given, [first.of, second.of, third.of])
  assert.deepEqual(
    sightings.map(({ of }) => of.number),
    [third.pull.number],
  )
  assert.deepEqual(
    faults.map(({ code, details }) => [code, details['number']]),
    [
      ['github_failed', first.pull.number],
      ['github_failed', second.pull.number],
    ],
  )
})
