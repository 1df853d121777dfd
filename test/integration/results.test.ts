import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { sql } from 'kysely'
import { recordPullRequest } from '../../src/attempt/record-pull-request.ts'
import { recordFailure, recordSuccess } from '../../src/attempt/steps/record.ts'
import { readRoutedAttempts } from '../../src/db/attempts/attempt-history.ts'
import { beginStep, endStep } from '../../src/db/attempts/attempt-steps.ts'
import { readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { eventsAfter } from '../../src/db/work-order-events.ts'
import { Fault } from '../../src/faults/fault.ts'
import { recordAbandoned } from '../../src/orchestrator/end-abandoned.ts'
import type { PullRequest, PullRequestState } from '../../src/ports/pull-request.ts'
import { processId } from '../../src/process/process-id.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const NOW = new Date('2026-03-04T05:06:07.890Z')
const urlOf = (attempt: number) => `https://github.com/acme/shop/pull/${attempt + 10}`

type Stands = {
  status: 'pending' | 'in_progress' | 'blocked' | 'failed' | 'cancelled'
  phase?: 'proposing' | 'in_review'
}
type Attempt = 'succeeded' | 'failed' | 'cancelled' | 'running' | 'suspended'

/** An order and its attempts, each with a pull request in this state or with none. */
async function given(
  { db }: TestDatabase,
  { status, phase }: Stands,
  attempts: readonly (readonly [Attempt, PullRequestState | null])[],
): Promise<string> {
  const project = { name: `p${randomUUID()}`, repository: 'x', forge: 'github', default_branch: 'main' }
  const { id: project_id } = await db.insertInto('projects').values(project).returning('id').executeTakeFirstOrThrow()
  const on = attempts.findLastIndex(([, state]) => state !== null) + 1
  const where = on === 0 ? {} : { github_pr_number: on + 10, github_pr_url: urlOf(on), github_branch: `b${on}` }
  const order = { title: 'Change', description: '', risk_level: 'low', attempts: attempts.length, status, ...where }
  const { id } = await db
    .insertInto('work_orders')
    .values({ ...order, phase: phase === undefined ? null : phase, project_id })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (const [index, [how, state]] of attempts.entries()) {
    const key = { work_order_id: id, project_id }
    const error = how === 'suspended' ? JSON.stringify(new Fault('budget_exceeded', 'No money.').toRecord()) : null
    await db
      .insertInto('attempts')
      .values({ ...key, number: index + 1, content: '{}', executor_id: 'test', error })
      .execute()
    if (how !== 'running') {
      const status = how === 'suspended' ? 'blocked' : how
      await db
        .updateTable('attempts')
        .set({ status, ended_at: sql<Date>`claimed_at` })
        .where('work_order_id', '=', id)
        .where('number', '=', index + 1)
        .execute()
    }
    if (state === null) continue
    const facts = { title: '', body: '', base: 'main', branch: `b${index + 1}`, base_sha: '', head_sha: '', diff: '' }
    const row = { ...key, attempt: index + 1, number: index + 11, url: urlOf(index + 1), state }
    await db
      .insertInto('pull_requests')
      .values({ ...facts, ...row, ended_at: state === 'open' ? null : NOW })
      .execute()
  }
  return id
}

function pullRequest(attempt: number, state: PullRequestState): PullRequest {
  const where = { number: attempt + 10, url: urlOf(attempt), branch: `b${attempt}`, base: 'main', headSha: 'h' }
  return { ...where, state, mergeSha: state === 'merged' ? `m${attempt}` : null }
}

/** It is seen on its forge that the pull request of an attempt is in this state now. */
async function see({ db }: TestDatabase, id: string, attempt: number, state: PullRequestState): Promise<void> {
  await recordPullRequest(db, { workOrderId: id, attempt, pullRequest: pullRequest(attempt, state) }, NOW)
}

async function stands({ db }: TestDatabase, id: string) {
  const {
    status,
    phase,
    github_pr_number: pull,
  } = await db.selectFrom('work_orders').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  return `${status}${phase === null ? '' : `/${phase}`} #${pull}`
}

async function lastEvent({ db }: TestDatabase, id: string): Promise<string> {
  const events = db.selectFrom('work_order_events').select('message').where('work_order_id', '=', id)
  const event = await events.orderBy('id', 'desc').executeTakeFirst()
  return event === undefined ? '' : event.message
}

async function ends({ db }: TestDatabase, id: string) {
  const rows = await db
    .selectFrom('outcome_vectors')
    .select(['attempt', 'outcome', 'success'])
    .where('work_order_id', '=', id)
    .where('operation_type', '=', 'pull_request_end')
    .orderBy('attempt')
    .execute()
  return rows.map(({ attempt, outcome, success }) => `${attempt} ${outcome} ${success}`)
}

test('an order follows its pull request through every close and reopening, and counts once', async () => {
  await using database = await createTestDatabase()
  const id = await given(database, { status: 'in_progress', phase: 'in_review' }, [['succeeded', 'open']])
  for (const [state, expected, outcome] of [
    ['closed', 'cancelled #11', ['1 closed false']],
    ['open', 'in_progress/in_review #11', []],
    ['closed', 'cancelled #11', ['1 closed false']],
    ['open', 'in_progress/in_review #11', []],
    ['closed', 'cancelled #11', ['1 closed false']],
    ['merged', 'completed #11', ['1 merged true']],
    ['open', 'completed #11', ['1 merged true']],
    ['closed', 'completed #11', ['1 merged true']],
  ] as const) {
    for (const _ of ['once', 'and again']) {
      await see(database, id, 1, state)
      assert.equal(await stands(database, id), expected, state)
      assert.deepEqual(await ends(database, id), outcome, state)
    }
  }
  const { db } = database
  const events = await db.selectFrom('github_events').select(['action', 'occurrence']).orderBy('created_at').execute()
  assert.deepEqual(
    events.map(({ action, occurrence }) => `${action} ${occurrence}`),
    ['closed 1', 'reopened 1', 'closed 2', 'reopened 2', 'closed 3', 'merged 3'],
  )
  const told = await db.selectFrom('work_order_events').select('message').orderBy('id').execute()
  const words = (state: string) => `pull request #11 of attempt 1 was ${state}`
  assert.deepEqual(
    told.map(({ message }) => message),
    [
      `cancelled: ${words('closed')}`,
      `in_progress/in_review: ${words('reopened')}`,
      `cancelled: ${words('closed')}`,
      `in_progress/in_review: ${words('reopened')}`,
      `cancelled: ${words('closed')}`,
      `completed: ${words('merged')}`,
    ],
  )
  const { metadata, status_reason, completed_at } = await db
    .selectFrom('work_orders')
    .selectAll()
    .executeTakeFirstOrThrow()
  assert.deepEqual([metadata, status_reason], [{ merge_sha: 'm1' }, null])
  assert.ok(completed_at instanceof Date)
})

test('what is learned of a model is the last that was seen, once', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await given(database, { status: 'in_progress', phase: 'in_review' }, [['succeeded', 'open']])
  const key = { work_order_id: id, attempt: 1, operation_type: 'work_order_execution', model_used: 'm' }
  const metadata = JSON.stringify({ complexity_score: 0.5, change_kind: 'code' })
  await db
    .insertInto('outcome_vectors')
    .values({ ...key, outcome: 'pull_request_opened', success: true, cost: '1', execution_time_ms: 1, metadata })
    .execute()
  const learned = async () => ({
    routing: (await readRoutingOutcomes(db, 10)).map(({ merged }) => merged),
    review: (await readRoutedAttempts(db, 10)).map(({ merged }) => merged),
  })
  const { is } = { is: (merged: boolean) => ({ routing: [merged], review: [merged] }) }
  assert.deepEqual(await learned(), { routing: [], review: [null] })
  await see(database, id, 1, 'closed')
  assert.deepEqual(await learned(), is(false))
  await see(database, id, 1, 'open')
  assert.deepEqual(await learned(), { routing: [], review: [null] })
  await see(database, id, 1, 'closed')
  await see(database, id, 1, 'merged')
  assert.deepEqual(await learned(), is(true))
})

const BEFORE: readonly (readonly [string, Stands, Attempt])[] = [
  ['waits to be done anew', { status: 'pending' }, 'failed'],
  ['is done anew', { status: 'in_progress', phase: 'proposing' }, 'running'],
  ['rests while it is done anew', { status: 'blocked' }, 'suspended'],
  ['has failed anew', { status: 'failed' }, 'failed'],
  ['was cancelled anew', { status: 'cancelled' }, 'cancelled'],
]

for (const [what, where, second] of BEFORE) {
  test(`a pull request of an earlier attempt that is merged completes an order that ${what}`, async () => {
    await using database = await createTestDatabase()
    const id = await given(database, where, [
      ['succeeded', 'closed'],
      [second, null],
    ])
    await see(database, id, 1, 'merged')
    assert.equal(await stands(database, id), 'completed #11')
    assert.equal(await lastEvent(database, id), 'completed: pull request #11 of attempt 1 was merged')
    // What rests will not go on.
    const abandoned = await recordAbandoned(database.db)
    assert.equal(abandoned.length, second === 'suspended' ? 1 : 0)
  })

  test(`a pull request of an earlier attempt that is reopened, of an order that ${what}`, async () => {
    await using database = await createTestDatabase()
    const id = await given(database, where, [
      ['succeeded', 'closed'],
      [second, null],
    ])
    const before = await stands(database, id)
    await see(database, id, 1, 'open')
    const goesOn = second === 'running' || second === 'suspended'
    assert.equal(await stands(database, id), goesOn ? before : 'in_progress/in_review #11')
    const said = goesOn
      ? 'pull request #11 of attempt 1 was reopened; attempt 2 continues; the pull request that is merged first completes the order'
      : 'in_progress/in_review: pull request #11 of attempt 1 was reopened'
    assert.equal(await lastEvent(database, id), said)
    await see(database, id, 1, 'merged')
    assert.equal(await stands(database, id), 'completed #11')
  })
}

test('what a person gave up and is reopened says how it is taken up again where its order is in review, and not once that is completed', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const reopened = async (status: Stands['status'], ends: readonly (readonly [Attempt, PullRequestState | null])[]) => {
    const id = await given(database, { status }, ends)
    await db.updateTable('pull_requests').set({ given_up_at: NOW }).where('work_order_id', '=', id).execute()
    if (ends.length > 1) await see(database, id, 2, 'merged')
    await see(database, id, 1, 'open')
    const { follow_up } = await db
      .selectFrom('pull_requests')
      .select('follow_up')
      .where('work_order_id', '=', id)
      .where('attempt', '=', 1)
      .executeTakeFirstOrThrow()
    assert.match(JSON.stringify(follow_up), /hands_off/)
    return [await stands(database, id), await lastEvent(database, id)]
  }
  const [reviewed, said] = await reopened('cancelled', [['succeeded', 'closed']])
  assert.equal(reviewed, 'in_progress/in_review #11')
  assert.match(String(said), /nothing is done about it until: moose adopt/)
  const closed = ['succeeded', 'closed'] as const
  const [completed, told] = await reopened('cancelled', [closed, closed])
  assert.equal(completed, 'completed #12')
  assert.match(String(told), /reopened/)
  assert.doesNotMatch(String(told), /moose adopt/)
})

test('an attempt that fails leaves its order to the pull request that was reopened meanwhile', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  for (const code of ['check_failed', 'github_forbidden', 'attempt_cancelled', 'budget_exceeded'] as const) {
    const where = { status: 'in_progress', phase: 'proposing' } as const
    const id = await given(database, where, [
      ['succeeded', 'closed'],
      ['running', null],
    ])
    await see(database, id, 1, 'open')
    const fault = new Fault(code, 'It went wrong.').toRecord()
    await recordFailure(db, { workOrderId: id, attempt: 2, epoch: 0, step: 'propose', evidence: {}, fault })
    const rests = code === 'budget_exceeded'
    assert.equal(await stands(database, id), rests ? 'blocked #11' : 'in_progress/in_review #11', code)
    if (rests) continue
    const open = 'attempt 2 has ended, and pull request #11 of attempt 1 is open'
    assert.equal(await lastEvent(database, id), `in_progress/in_review: ${open}`)
    await see(database, id, 1, 'closed')
    assert.equal(await stands(database, id), 'cancelled #11')
  }
})

test('an attempt that is held although its own pull request is open leaves its order in review, and it counts as opened', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await given(database, { status: 'in_progress', phase: 'proposing' }, [['running', 'open']])
  const fault = new Fault('attempt_unstable', 'Four workers died.').toRecord()
  for (const _ of ['once', 'and again']) {
    await recordFailure(db, { workOrderId: id, attempt: 1, epoch: 0, step: 'publish', evidence: {}, fault })
    assert.equal(await stands(database, id), 'in_progress/in_review #11')
  }
  const events = await db.selectFrom('github_events').select(['action', 'pr_number', 'branch_name']).execute()
  assert.deepEqual(events, [{ action: 'opened', pr_number: 11, branch_name: 'b1' }])
})

test('so does one of the forge local, whose rows hold no address', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await given(database, { status: 'in_progress', phase: 'proposing' }, [['running', 'open']])
  await db.updateTable('pull_requests').set({ url: null }).where('work_order_id', '=', id).execute()
  const unknown = { github_branch: null, github_pr_url: null, github_pr_number: null }
  await db.updateTable('work_orders').set(unknown).where('id', '=', id).execute()
  const fault = new Fault('attempt_unstable', 'Four workers died.').toRecord()
  await recordFailure(db, { workOrderId: id, attempt: 1, epoch: 0, step: 'publish', evidence: {}, fault })
  const { github_branch, github_pr_url, github_pr_number } = await db
    .selectFrom('work_orders')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  assert.deepEqual([github_branch, github_pr_number], ['b1', 11])
  assert.match(String(github_pr_url), /^local:\/\/[^/]+\/pull\/11$/)
})

test('of two open pull requests the order is in review with the later, and what is merged first completes it', async () => {
  await using database = await createTestDatabase()
  const inReview = { status: 'in_progress', phase: 'in_review' } as const
  const two = () =>
    given(database, inReview, [
      ['succeeded', 'closed'],
      ['succeeded', 'open'],
    ])
  const id = await two()
  await see(database, id, 1, 'open')
  assert.equal(await stands(database, id), 'in_progress/in_review #12')
  const stays = 'the order stays in review with pull request #12 of attempt 2'
  const first = 'the pull request that is merged first completes the order'
  assert.equal(await lastEvent(database, id), `pull request #11 of attempt 1 was reopened; ${stays}; ${first}`)
  await see(database, id, 2, 'closed')
  assert.equal(await stands(database, id), 'in_progress/in_review #11')
  const now = 'pull request #12 of attempt 2 was closed; pull request #11 of attempt 1 is open'
  assert.equal(await lastEvent(database, id), `in_progress/in_review: ${now}`)
  await see(database, id, 2, 'open')
  assert.equal(await stands(database, id), 'in_progress/in_review #12')
  await see(database, id, 1, 'merged')
  assert.equal(await stands(database, id), 'completed #11')
  const left = 'pull request #12 of attempt 2 is still open: close it on GitHub if it is not wanted'
  assert.equal(await lastEvent(database, id), `completed: pull request #11 of attempt 1 was merged; ${left}`)
  await see(database, id, 2, 'closed')
  assert.equal(
    await lastEvent(database, id),
    'pull request #12 of attempt 2 was closed; the order was completed before',
  )
  assert.deepEqual(await ends(database, id), ['1 merged true', '2 superseded false'])
  await see(database, id, 2, 'merged')
  assert.equal(await stands(database, id), 'completed #11')
  assert.equal(
    await lastEvent(database, id),
    'pull request #12 of attempt 2 was merged; the order was completed before',
  )
  assert.deepEqual(await ends(database, id), ['1 merged true', '2 merged true'])

  const other = await two()
  await see(database, other, 1, 'open')
  await see(database, other, 1, 'closed')
  assert.equal(await stands(database, other), 'in_progress/in_review #12')
  assert.equal(await lastEvent(database, other), `pull request #11 of attempt 1 was closed; ${stays}`)
})

test('an attempt that is published when another pull request has completed its order takes its own back', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const where = { status: 'in_progress', phase: 'proposing' } as const
  const id = await given(database, where, [
    ['succeeded', 'closed'],
    ['running', 'open'],
  ])
  await see(database, id, 1, 'merged')
  const decision = { selected_proposer: 'x', reason: 'r', routing_metadata: { complexity_score: 0.5 } }
  const routed = { decision, order: { risk_level: 'low', files_in_scope: [] } }
  const made = { applied: { executor: 'patch' }, verified: { files: [], checks: [] } }
  const proposed = { response: { proposer_used: 'x' }, failover: null }
  const evidence = JSON.parse(JSON.stringify({ routed, proposed, ...made }))
  const success = { workOrderId: id, attempt: 2, epoch: 0, evidence, pullRequest: pullRequest(2, 'open') }
  for (const _ of ['once', 'and again']) {
    assert.equal(await recordSuccess(db, success), false)
    assert.equal(await stands(database, id), 'completed #11')
  }
})

test('what still shows as running of an attempt ends with its record, and is told once', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  for (const name of ['record', 'apply']) {
    const id = await given(database, { status: 'in_progress', phase: 'proposing' }, [['running', null]])
    const run = { workOrderId: id, attempt: 1, epoch: 0 }
    await db.updateTable('attempts').set({ holder: processId }).where('work_order_id', '=', id).execute()
    const step = { ...run, name, try: 1, label: name }
    await beginStep(db, step, { input: {}, phase: null, homeId: 'test' })
    const fault = new Fault('check_failed', 'It went wrong.').toRecord()
    for (const _ of ['once', 'and again']) await recordFailure(db, { ...run, step: 'verify', evidence: {}, fault })
    await endStep(db, step, { output: fault, failure: null })
    const shown = await db
      .selectFrom('attempt_steps')
      .selectAll()
      .where('work_order_id', '=', id)
      .executeTakeFirstOrThrow()
    const failed = name === 'apply'
    assert.deepEqual([shown.status, shown.error], failed ? ['failed', fault] : ['succeeded', null])
    assert.notEqual(shown.ended_at, null)
    const events = await eventsAfter(db, id, '0')
    assert.deepEqual(
      events.filter((event) => event.step === name).map(({ type, message }) => `${type}: ${message}`),
      [`step_started: ${name}`, failed ? 'step_failed: It went wrong.' : 'step_succeeded: record'],
    )
  }
})

test('the merge of an attempt that is not recorded yet completes its order, and its pull request stays', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const id = await given(database, { status: 'in_progress', phase: 'proposing' }, [['running', 'open']])
  await see(database, id, 1, 'merged')
  const { url } = pullRequest(1, 'merged')
  const order = await db.selectFrom('work_orders').selectAll().executeTakeFirstOrThrow()
  assert.deepEqual([order.status, order.github_pr_url, order.github_branch], ['completed', url, 'b1'])
  assert.equal(await stands(database, id), 'completed #11')
})

test('an answer that was overtaken by a later one changes nothing, unless it is a merge', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const closedAt = (at: Date) => ({ state: 'closed', endedAt: at }) as const
  const open = { state: 'open', endedAt: null } as const
  const see = (id: string, state: PullRequestState, known: typeof open | ReturnType<typeof closedAt>) =>
    recordPullRequest(db, { workOrderId: id, attempt: 1, pullRequest: pullRequest(1, state), known }, NOW)
  const closed = await given(database, { status: 'cancelled' }, [['succeeded', 'closed']])
  // Asked before it was closed through Moose, or before that was taken back and made again.
  for (const known of [open, closedAt(new Date(1))]) {
    await see(closed, 'open', known)
    assert.equal(await stands(database, closed), 'cancelled #11')
  }
  await see(closed, 'open', closedAt(NOW))
  assert.equal(await stands(database, closed), 'in_progress/in_review #11')
  await see(closed, 'closed', closedAt(NOW))
  assert.equal(await stands(database, closed), 'in_progress/in_review #11')
  await see(closed, 'merged', closedAt(NOW))
  assert.equal(await stands(database, closed), 'completed #11')
})

test('a merge that comes months after the claim is recorded', async () => {
  await using database = await createTestDatabase()
  const id = await given(database, { status: 'in_progress', phase: 'in_review' }, [['succeeded', 'open']])
  await database.db
    .updateTable('attempts')
    .set({ claimed_at: new Date('2025-03-04T05:06:07Z') })
    .execute()
  await see(database, id, 1, 'merged')
  assert.equal(await stands(database, id), 'completed #11')
})
