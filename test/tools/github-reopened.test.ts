import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { callApi } from '../../src/forge/github/github-api.ts'
import { createDecisions } from '../../src/orchestrator/decisions.ts'
import { createTracker, type Tracker } from '../../src/orchestrator/tracker.ts'
import type { PublishInput } from '../../src/ports/pull-request.ts'
import { ended, opened, passHour, placePullRequest, type Tracked, tracked } from '../support/github/tracked.ts'

const LOOK = /OpenPullRequests$/
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

type Given = Tracked & { input: PublishInput; number: number }

/** An order in review with its pull request; null when a program is missing. */
async function inReview(t: TestContext): Promise<Given | null> {
  const given = await tracked(t)
  if (given === null) return null
  const { input, number } = await opened(given)
  const { url, branch } = { url: `https://github.com/acme/shop/pull/${number}`, branch: String(input.branches[0]) }
  await given.database.db
    .updateTable('work_orders')
    .set({ github_pr_number: number, github_pr_url: url, github_branch: branch })
    .where('id', '=', input.workOrderId)
    .execute()
  return { ...given, input, number, [Symbol.asyncDispose]: () => given[Symbol.asyncDispose]() }
}

/** As a human with gh does it. @returns the status GitHub answers, and what it says where it refuses */
async function reopen({ gh, number }: Given): Promise<string> {
  const path = `repos/acme/shop/pulls/${number}`
  const body = { state: 'open' }
  const answer = await callApi(gh, { host: 'github.com', method: 'PATCH', path, body, signal: null })
  return `${answer.status} ${answer.status === 200 ? '' : JSON.stringify(answer.body)}`.trim()
}

async function stands({ database, input }: Given): Promise<string> {
  const { status, phase } = await findWorkOrder(database.db, input.workOrderId)
  return phase === null ? status : `${status}/${phase}`
}

function newTracker({ database, forge, clock, errors }: Given): Tracker {
  const deps = { db: database.db, watch: forge, clock, random: () => 0, intervalMs: 45_000 }
  return createTracker({ ...deps, onError: (error) => errors.push(error) })
}

const hintAt = ({ number }: Given) => [
  { repositoryUrl: 'https://github.com/acme/shop', numbers: [number], branches: [] },
]

type Look = (given: Given) => Promise<unknown>
const LOOKS: readonly (readonly [string, Look])[] = [
  ['looks of one service', (given) => given.tracker.look(null)],
  ['the first looks of services that are started anew', (given) => newTracker(given).look(null)],
  ['webhooks', (given) => given.tracker.look(hintAt(given))],
]

for (const [what, look] of LOOKS) {
  test(`life A4: closed, reopened, merged, seen by ${what}: cancelled, in review again, completed`, async (t) => {
    await using given = await inReview(t)
    if (given === null) return
    const { github, number, input } = given
    await github.state.close(number)
    await look(given)
    assert.equal(await stands(given), 'cancelled')
    assert.equal(await reopen(given), '200')
    await look(given)
    assert.equal(await stands(given), 'in_progress/in_review')
    const { status_reason } = await findWorkOrder(given.database.db, input.workOrderId)
    assert.equal(status_reason, null)
    await github.state.close(number)
    await look(given)
    assert.equal(await stands(given), 'cancelled')
    await reopen(given)
    const { mergeSha } = await github.state.merge(number, 'squash')
    await look(given)
    await look(given)
    const events = ['closed', 'reopened', 'closed', 'merged'].map((action) => `pull_request ${action}`)
    assert.deepEqual(await ended(given, input), { status: 'completed', mergeSha, branch: false, events })
    assert.deepEqual(given.errors, [])
  })
}

test('a merge that GitHub shows as a close for a moment completes the order at the next look', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { github, number, tracker, input } = given
  const [pull] = github.state.pulls
  assert.ok(pull !== undefined)
  pull.state = 'closed'
  await tracker.look(null)
  assert.equal(await stands(given), 'cancelled')
  pull.state = 'open'
  const { mergeSha } = await github.state.merge(number, 'merge')
  await tracker.look(null)
  const events = ['pull_request closed', 'pull_request merged']
  assert.deepEqual(await ended(given, input), { status: 'completed', mergeSha, branch: false, events })
})

test('what GitHub calls merged but its base does not hold is not taken for reopened', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { github, remote, number, tracker } = given
  await github.state.close(number)
  await tracker.look(null)
  const base = await remote.git('rev-parse', 'main')
  await reopen(given)
  const { mergeSha } = await github.state.merge(number, 'squash')
  await remote.git('update-ref', 'refs/heads/main', base)
  await tracker.look(null)
  assert.equal(await stands(given), 'cancelled')
  await remote.git('update-ref', 'refs/heads/main', String(mergeSha))
  await tracker.look(null)
  assert.equal(await stands(given), 'completed')
})

for (const how of ['close', 'cancel'] as const) {
  test(`what was closed with moose ${how} keeps its branch, so that it can be reopened and merged`, async (t) => {
    await using given = await inReview(t)
    if (given === null) return
    const { database, forge, clock, github, tracker, input, number } = given
    const deps = {
      db: database.db,
      pool: database.pool,
      clock,
      forges: { github: forge, local: forge },
      endAbandoned: async () => undefined,
      workspaces: { keptCommit: async () => null },
    }
    const moose = createDecisions(deps, () => undefined)
    await moose[how](input.workOrderId)
    assert.equal(await stands(given), 'cancelled')
    await tracker.look(null)
    assert.equal(await stands(given), 'cancelled')
    assert.equal(await reopen(given), '200')
    await tracker.look(null)
    assert.equal(await stands(given), 'in_progress/in_review')
    await moose.merge(input.workOrderId)
    assert.equal(await stands(given), 'completed')
    assert.equal(github.state.pulls[0]?.number, number)
    const { events, branch } = await ended(given, input)
    const actions = ['closed', 'reopened', 'merged'].map((action) => `pull_request ${action}`)
    assert.deepEqual([events, branch], [actions, false])
  })
}

for (const [what, where, how] of [
  ['in review with a later one', { status: 'in_progress', phase: 'in_review' }, 'close'],
  ['in review with a later one', { status: 'in_progress', phase: 'in_review' }, 'cancel'],
  ['being done anew', { status: 'in_progress', phase: 'proposing' }, 'cancel'],
] as const) {
  test(`moose ${how} of an order ${what} closes a reopened pull request too`, async (t) => {
    await using given = await inReview(t)
    if (given === null) return
    const { database, forge, clock, github, tracker, input, number } = given
    const { db } = database
    await github.state.close(number)
    await tracker.look(null)
    const again = await given.prepare('done anew\n', 2, input.workOrderId)
    const runs = where.phase === 'proposing'
    const second = runs ? null : await forge.publish(again)
    if (runs) await db.updateTable('attempts').set({ status: 'running' }).where('number', '=', 2).execute()
    await db.updateTable('work_orders').set({ status: 'pending', attempts: 2 }).execute()
    const on = second === null ? {} : { github_pr_number: second.number, github_pr_url: second.url }
    await db
      .updateTable('work_orders')
      .set({ ...where, ...on })
      .execute()
    await reopen(given)
    await tracker.look(null)
    assert.equal(await stands(given), `in_progress/${where.phase}`)
    const workspaces = { keptCommit: async () => null }
    const forges = { github: forge, local: forge }
    const deps = { db, pool: database.pool, clock, forges, workspaces, endAbandoned: async () => undefined }
    await createDecisions(deps, () => undefined)[how](input.workOrderId)
    assert.equal(await stands(given), 'cancelled')
    assert.deepEqual(new Set(github.state.pulls.map(({ state }) => state)), new Set(['closed']))
    await tracker.look(null)
    assert.equal(await stands(given), 'cancelled')
  })
}

test('a branch that a human has deleted is restored, and the pull request reopened', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { remote, tracker, input } = given
  const ref = `refs/heads/${input.branches[0]}`
  await remote.git('update-ref', '-d', ref)
  await tracker.look(null)
  assert.equal(await stands(given), 'cancelled')
  assert.match(await reopen(given), /^422 .*has been deleted/)
  await remote.git('update-ref', ref, input.baseSha)
  assert.match(await reopen(given), /^422 .*force-pushed or recreated/)
  await tracker.look(null)
  assert.equal(await stands(given), 'cancelled')
  await remote.git('update-ref', ref, input.headSha)
  assert.equal(await reopen(given), '200')
  await tracker.look(null)
  assert.equal(await stands(given), 'in_progress/in_review')
})

test('one that a human closed before it was recorded is followed too', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { database, forge, github, tracker } = given
  const input = await given.prepare()
  const { number } = await forge.publish(input)
  await database.db.deleteFrom('pull_requests').execute()
  await github.state.close(number)
  await assert.rejects(forge.publish(input), { code: 'pull_request_closed' })
  // As the attempt's record leaves it.
  await database.db.updateTable('work_orders').set({ status: 'blocked', phase: null }).execute()
  const order = { ...given, input, number }
  await tracker.look(null)
  assert.equal(await stands(order), 'blocked')
  await reopen(order)
  await tracker.look(null)
  assert.equal(await stands(order), 'in_progress/in_review')
  await github.state.merge(number, 'rebase')
  await tracker.look(null)
  assert.equal(await stands(order), 'completed')
})

test('of an order that was done anew, the pull request that is merged first completes it', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { database, forge, github, tracker, remote, input, number } = given
  await github.state.close(number)
  await tracker.look(null)
  const again = await given.prepare('done anew\n', 2, input.workOrderId)
  const second = await forge.publish(again)
  await database.db
    .updateTable('work_orders')
    .set({ status: 'pending', attempts: 2 })
    .where('id', '=', input.workOrderId)
    .execute()
  const where = { github_pr_number: second.number, github_pr_url: second.url, github_branch: second.branch }
  await database.db
    .updateTable('work_orders')
    .set({ status: 'in_progress', phase: 'in_review', ...where })
    .where('id', '=', input.workOrderId)
    .execute()
  await reopen(given)
  await tracker.look(null)
  assert.equal((await findWorkOrder(database.db, input.workOrderId)).github_pr_number, second.number)
  const { mergeSha } = await github.state.merge(number, 'squash')
  await tracker.look(null)
  const order = await findWorkOrder(database.db, input.workOrderId)
  const facts = [order.status, order.github_pr_number, order.metadata['merge_sha'], order.github_branch]
  assert.deepEqual(facts, ['completed', number, mergeSha, input.branches[0]])
  assert.deepEqual(await remote.branches(), [second.branch, 'main'], 'the other one is a human’s to close')
  await github.state.close(second.number)
  await tracker.look(null)
  const rows = database.db.selectFrom('pull_requests').select(['attempt', 'state']).orderBy('attempt')
  assert.deepEqual(await rows.execute(), [
    { attempt: 1, state: 'merged' },
    { attempt: 2, state: 'closed' },
  ])
  assert.equal(await stands(given), 'completed')
})

test('a closed one is looked at for thirty days, and later when a webhook hints at it', async (t) => {
  await using given = await inReview(t)
  if (given === null) return
  const { github, clock, tracker, number } = given
  await github.state.close(number)
  await tracker.look(null)
  await clock.sleep(29 * DAY_MS, new AbortController().signal)
  const before = github.apiCalls()
  await tracker.look(null)
  assert.equal(github.apiCalls() - before, 1)
  await clock.sleep(2 * DAY_MS, new AbortController().signal)
  await reopen(given)
  const later = github.apiCalls()
  await tracker.look(null)
  assert.equal(github.apiCalls() - later, 0)
  assert.equal(await stands(given), 'cancelled')
  await tracker.look(hintAt(given))
  assert.equal(await stands(given), 'in_progress/in_review')
  await tracker.look(null)
  assert.equal(github.apiCalls() - later, 2, 'and it is followed again')
})

test('closed ones ride along in requests that are made anyway', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const { github, clock, tracker, errors } = given
  const input = await given.prepare()
  const closedAt = new Date(clock.now().getTime() - 60 * MINUTE_MS)
  for (let number = 1; number <= 49; number += 1) await placePullRequest(given, input, { number })
  for (let number = 50; number <= 80; number += 1) await placePullRequest(given, input, { number, closedAt })
  const asked = async () => {
    const from = github.log.length
    await tracker.look(null)
    return github.log.slice(from).filter(({ operation }) => LOOK.test(operation)).length
  }
  // Those nothing is known of yet are asked about at once; then one at a time has room.
  assert.deepEqual([await asked(), await asked(), await asked()], [2, 1, 1])
  assert.deepEqual(errors, [])
})

test('an hour with 60 closed pull requests and no open one costs twelve requests', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
  const input = await given.prepare()
  const closedAt = new Date(given.clock.now().getTime() - 60 * MINUTE_MS)
  for (let number = 1; number <= 60; number += 1) await placePullRequest(given, input, { number, closedAt })
  const calls = await passHour(given)
  t.diagnostic(`${calls} requests in an hour`)
  assert.ok(calls >= 10 && calls <= 13, String(calls))
  assert.deepEqual(given.errors, [])
})
