import assert from 'node:assert/strict'
import { test } from 'node:test'
import { workOrderDetail } from '../../src/http/work-order-detail.ts'
import { ended, opened, passHour, placePullRequest, type Tracked, tracked } from '../support/github/tracked.ts'

for (const method of ['merge', 'squash', 'rebase'] as const) {
  test(`a pull request merged on GitHub by ${method} completes its order, and its branch goes`, async (t) => {
    await using given = await tracked(t)
    if (given === null) return
    const { input, number } = await opened(given)
    const { mergeSha } = await given.github.state.merge(number, method)
    await given.tracker.look(null)
    await given.tracker.look(null)
    const events = ['pull_request merged']
    assert.deepEqual(await ended(given, input), { status: 'completed', mergeSha, branch: false, events })
    assert.equal(await given.remote.git('rev-parse', 'main'), mergeSha)
  })
}

test('a pull request closed on GitHub cancels its order and keeps its branch', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input, number } = await opened(given)
  await given.github.state.close(number)
  await given.tracker.look(null)
  const events = ['pull_request closed']
  assert.deepEqual(await ended(given, input), { status: 'cancelled', mergeSha: null, branch: true, events })
})

test('deleting the branch cancels the order', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input } = await opened(given)
  await given.remote.git('branch', '-D', String(input.branches[0]))
  await given.tracker.look(null)
  const events = ['pull_request closed']
  assert.deepEqual(await ended(given, input), { status: 'cancelled', mergeSha: null, branch: false, events })
})

test("a human's push is recorded; what is then merged completes the order", async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input, number } = await opened(given)
  const branch = String(input.branches[0])
  await given.remote.git('update-ref', `refs/heads/${branch}`, input.baseSha)
  const pushed = await given.remote.commit(branch, { 'by-hand': 'x\n' })
  await given.tracker.look(null)
  await given.tracker.look(null)
  const events = [`push ${pushed}`]
  assert.deepEqual(await ended(given, input), { status: 'in_progress', mergeSha: undefined, branch: true, events })
  await assert.rejects(given.forge.merge(given.project, number), { code: 'merge_conflict' })
  const { mergeSha } = await given.github.state.merge(number, 'squash')
  await given.tracker.look(null)
  events.push('pull_request merged')
  assert.deepEqual(await ended(given, input), { status: 'completed', mergeSha, branch: false, events })
})

test('a branch that goes on after its merge is left alone', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input, number } = await opened(given)
  await given.github.state.merge(number, 'merge')
  await given.remote.commit(String(input.branches[0]), { later: 'x\n' })
  await given.tracker.look(null)
  const { status, branch } = await ended(given, input)
  assert.deepEqual({ status, branch }, { status: 'completed', branch: true })
})

test('what GitHub calls merged but its base does not hold completes nothing and deletes nothing', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input, number } = await opened(given)
  const base = await given.remote.git('rev-parse', 'main')
  await given.github.state.merge(number, 'squash')
  await given.remote.git('update-ref', 'refs/heads/main', base)
  await given.tracker.look(null)
  const { status, branch } = await ended(given, input)
  assert.deepEqual({ status, branch }, { status: 'in_progress', branch: true })
})

test('checks and reviews are recorded when they change, and only then', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input } = await opened(given)
  const [pull] = given.github.state.pulls
  assert.ok(pull !== undefined)
  for (const checks of ['PENDING', 'PENDING', 'FAILURE', 'PENDING', 'SUCCESS'] as const) {
    pull.checks = checks
    await given.tracker.look(null)
  }
  pull.review = 'APPROVED'
  await given.tracker.look([{ repositoryUrl: 'https://github.com/Acme/shop', numbers: [pull.number], branches: [] }])
  const states = ['PENDING', 'FAILURE', 'PENDING', 'SUCCESS'].map((state) => `status ${state}`)
  assert.deepEqual((await ended(given, input)).events, [...states, 'pull_request_review APPROVED'])
})

test('reviews and check runs are kept one by one, told in the log when they change, and shown of the order', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input, number } = await opened(given)
  const [pull] = given.github.state.pulls
  assert.ok(pull !== undefined)
  const { db } = given.database
  const seen = async () => (await workOrderDetail(db, input.workOrderId)).pull_request
  const told = async () => {
    const rows = await db.selectFrom('work_order_events').select('message').where('type', '=', 'pull_request').execute()
    return rows.map(({ message }) => message)
  }
  assert.deepEqual([(await seen())?.reviews, (await seen())?.seen_at], [null, null])
  await given.tracker.look(null)
  assert.deepEqual([(await seen())?.reviews, (await seen())?.check_runs, await told()], [[], [], []])

  pull.checks = 'PENDING'
  pull.runs = [
    { name: 'unit', state: 'IN_PROGRESS', url: 'https://ci.example/1' },
    { name: 'evil', state: 'SUCCESS', url: 'javascript:alert(1)' },
    { name: 'cla', state: 'PENDING', url: null, isStatus: true },
  ]
  for (const _ of [1, 2]) await given.tracker.look(null)
  assert.deepEqual((await seen())?.check_runs, [
    { name: 'unit', state: 'IN_PROGRESS', url: 'https://ci.example/1' },
    { name: 'evil', state: 'SUCCESS', url: null },
    { name: 'cla', state: 'PENDING', url: null },
  ])
  pull.runs = [{ name: 'unit', state: 'FAILURE', url: null }]
  pull.reviews = [
    { login: 'octo-reviewer', state: 'COMMENTED' },
    { login: null, state: 'APPROVED' },
  ]
  await given.tracker.look(null)
  const { reviews, check_run_count } = (await seen()) ?? {}
  assert.deepEqual(reviews, [
    { by: 'octo-reviewer', state: 'COMMENTED', at: '2026-01-31T12:00:00.000Z' },
    { by: null, state: 'APPROVED', at: '2026-01-31T12:00:00.000Z' },
  ])
  assert.equal(check_run_count, 1)
  const messages = await told()
  assert.equal(messages.length, 2, messages.join('\n'))
  const at = input.headSha.slice(0, 12)
  assert.equal(
    messages[1],
    `pull request #${number} on its forge: checks PENDING (unit FAILURE), ` +
      `review none (octo-reviewer COMMENTED, an account that is gone APPROVED), branch at ${at}`,
  )
})

test('a token that may not read the checks still sees how the pull request ends', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { input, number } = await opened(given)
  const { mergeSha } = await given.github.state.merge(number, 'squash')
  const path = ['nodes', 0, 'statusCheckRollup']
  const errors = [{ type: 'FORBIDDEN', path, message: 'Resource not accessible by personal access token' }]
  const seen = { id: `PR_${number}`, number, url: 'x', state: 'MERGED', isDraft: false, headRefName: input.branches[0] }
  const refs = { headRefOid: input.headSha, baseRefName: 'main', mergeCommit: { oid: mergeSha } }
  const node = { ...seen, ...refs, reviewDecision: null, statusCheckRollup: null }
  given.github.faults.push({
    on: /OpenPullRequests$/,
    what: { status: 200, body: { data: { nodes: [node] }, errors } },
  })
  assert.equal(await given.tracker.look(null), null)
  assert.deepEqual((await ended(given, input)).status, 'completed')
})

test('merging through Moose takes the way the repository allows and deletes the branch; closing keeps it', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  given.github.state.settings.allowMergeCommit = false
  const first = await opened(given)
  const merged = await given.forge.merge(given.project, first.number)
  assert.deepEqual([merged.state, merged.mergeSha], ['merged', await given.remote.git('rev-parse', 'main')])
  assert.deepEqual(await given.forge.merge(given.project, first.number), merged)
  const second = await opened(given)
  assert.equal((await given.forge.close(given.project, second.number)).state, 'closed')
  assert.equal((await given.forge.close(given.project, second.number)).state, 'closed')
  assert.deepEqual(await given.remote.branches(), [String(second.input.branches[0]), 'main'].sort())
  await assert.rejects(given.forge.merge(given.project, second.number), { code: 'work_order_conflict' })
  await assert.rejects(given.forge.close(given.project, first.number), { code: 'work_order_conflict' })
  await assert.rejects(given.forge.merge(given.project, 99), { code: 'not_found' })
})

test('life D2: merging takes the way that rulesets and protection of the base leave, and says where there is none', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { settings } = given.github.state
  const usual = { ...settings }
  for (const [ruled, parents] of [
    [{ ruledLinear: true }, 1],
    [{ classicLinear: true }, 1],
    [{ ruledMethods: ['squash'] }, 1],
    [{ ruledMethods: ['rebase'] }, 1],
    [{ ruledMethods: ['merge', 'squash'] }, 2],
    [{ ruledMethods: ['merge', 'rebase'], ruledLinear: true }, 1],
  ] as const) {
    Object.assign(settings, usual, ruled)
    const { number } = await opened(given)
    assert.equal((await given.forge.merge(given.project, number)).state, 'merged', JSON.stringify(ruled))
    const line = await given.remote.git('rev-list', '--parents', '--max-count=1', 'main')
    assert.equal(line.split(' ').length - 1, parents, JSON.stringify(ruled))
  }
  for (const [ruled, says] of [
    [{ mergeQueue: true }, /merge queue.*on GitHub/],
    [{ ruledMethods: ['merge'], ruledLinear: true }, /the rules of main leave no way to merge/],
  ] as const) {
    Object.assign(settings, usual, ruled)
    const { number } = await opened(given)
    const log = given.github.log.length
    await assert.rejects(given.forge.merge(given.project, number), { code: 'merge_conflict', message: says })
    assert.ok(!given.github.log.slice(log).some(({ operation }) => operation.endsWith('merge')), 'nothing was tried')
  }
})

test('a merge whose answer is lost is found; one that GitHub refuses says why', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const first = await opened(given)
  given.github.faults.push({ on: /merge$/, what: 'lose' })
  assert.equal((await given.forge.merge(given.project, first.number)).state, 'merged')
  const second = await opened(given)
  given.github.faults.push({ on: /merge$/, what: { status: 405, body: { message: 'Review required' } } })
  await assert.rejects(given.forge.merge(given.project, second.number), {
    code: 'merge_conflict',
    message: /Review required/,
  })
})

test('four processes that publish one attempt at once make one branch, one pull request and one row', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const input = await given.prepare()
  const forges = [given.forge, given.otherForge(), given.otherForge(), given.otherForge()]
  const [first, ...others] = await Promise.all(forges.map((forge) => forge.publish(input)))
  for (const other of others) assert.deepEqual(other, first)
  assert.equal(given.github.state.pulls.length, 1)
  assert.deepEqual(await given.remote.branches(), [String(input.branches[0]), 'main'])
  assert.equal((await given.database.db.selectFrom('pull_requests').selectAll().execute()).length, 1)
})

test('whatever changes something on GitHub waits for its turn, a second apart', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const inputs = [await given.prepare(), await given.prepare()]
  const [first, second] = await Promise.all(inputs.map((input) => given.forge.publish(input)))
  assert.ok(first !== undefined && second !== undefined)
  await Promise.all([given.forge.merge(given.project, first.number), given.forge.close(given.project, second.number)])
  const changes = given.github.log.filter(({ operation }) =>
    /^(POST|PUT|PATCH) (?!\/graphql)|PullRequestCreate$/.test(operation),
  )
  assert.ok(changes.length >= 8, 'two creations, labels, a merge and a closing')
  assert.deepEqual(
    given.turns,
    changes.slice(1).map(() => 1_000),
  )
})

/**
 * Reads the facts of a pull request where the mark of its sighting has changed, as the Sentinel does. @returns how often one
 * was read
 */
function readWhatChanged(given: Tracked): () => number {
  const marks = new Map<number, string>()
  const look = given.forge.look
  let read = 0
  given.forge.look = async (watched, signal) => {
    const looked = await look(watched, signal)
    const changed = looked.sightings.filter(({ of, mark }) => marks.get(of.number) !== mark).map(({ of }) => of)
    for (const { of, mark } of looked.sightings) marks.set(of.number, mark)
    read += (await given.followUp.factsOf(changed, signal)).length
    return looked
  }
  return () => read
}

/** Every so many looks somebody says something on one of the pull requests. */
function saySometimes({ github: { state } }: Tracked, everyLooks: number): void {
  const refresh = state.refresh
  let looks = 0
  state.refresh = async () => {
    looks += 1
    const pull = state.pulls[looks / everyLooks]
    if (pull !== undefined) {
      pull.comments = [{ id: `C${looks}`, login: 'tester', association: 'OWNER', body: 'Why?' }]
      pull.touched = 1
    }
    await refresh()
  }
}

// Fifty branches are pushed and fifty pull requests made before the hour begins.
test('an hour with 50 open pull requests costs at most 100 requests', { timeout: 900_000 }, async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const input = await given.prepare()
  for (let number = 1; number <= 50; number += 1) await placePullRequest(given, input, { number })
  const facts = readWhatChanged(given)
  saySometimes(given, 20)
  const calls = await passHour(given)
  t.diagnostic(`${calls} requests in an hour; the counter says ${given.apiCalls.lastHour()} in the last one`)
  assert.ok(calls >= 60 && calls <= 100, String(calls))
  // The first look, with the facts of all, is just over an hour ago.
  assert.ok(Math.abs(given.apiCalls.lastHour() - calls) <= 6)
  assert.ok(facts() >= 53 && facts() <= 56, `each once, and those with news again: ${facts()}`)
  assert.deepEqual(given.errors, [])
  const seen = await given.database.db
    .selectFrom('pull_requests')
    .select('number')
    .where('seen_at', 'is not', null)
    .execute()
  assert.equal(seen.length, 50)
})
