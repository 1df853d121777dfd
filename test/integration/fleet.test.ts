import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { PIPELINE_REVISION } from '../../src/attempt/pipeline-revision.ts'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { takeOverAttempts } from '../../src/db/attempts/take-over.ts'
import { eventsAfter } from '../../src/db/work-order-events.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { joinFleet } from '../../src/db/workers/workers.ts'
import { Usd } from '../../src/money.ts'
import { createMooseHome, fileOrder, type MooseHome, type RecordedAnswer, settled } from '../support/moose-home.ts'
import { mooseWorker, type ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 1_500
const FILES = { 'greeting.txt': 'hello\n', 'name.txt': 'world\n' }
const FAST = { MOOSE_LEASE_MS: String(LEASE_MS), ORCHESTRATOR_POLLING_INTERVAL_MS: '500', MOOSE_LOG_LEVEL: 'warn' }
/** Twice the lease, a beat, and what a loaded machine takes. */
const TAKEOVER_MS = 30_000

const greet: RecordedAnswer = { task: 'Greet', turn: 1, text: '### write greeting.txt\n```\nhello, world\n```\n' }

/** A worker on another machine: another home, the same database. */
function workerOf(home: MooseHome, name: string, settings: Record<string, string> = {}): Promise<ServiceProcess> {
  const folder = path.join(home.config.home, '..', name)
  return mooseWorker({ ...home.environment, ...settings, MOOSE_HOME: folder })
}

const branchesOf = ({ remote }: MooseHome) =>
  execFileSync('git', ['--git-dir', remote.path, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/feature'])
    .toString()
    .trim()
    .split('\n')

const inReview = (home: MooseHome, id: string) => async () =>
  (await findWorkOrder(home.database.db, id)).phase === 'in_review'

const isRecorded = (home: MooseHome, id: string) => async () =>
  (await eventsAfter(home.database.db, id, '0')).some(
    ({ type, step }) => type === 'step_succeeded' && step === 'record',
  )

/** One attempt, gone on with once; one branch; one pull request. */
async function assertTakenOverOnce(home: MooseHome, id: string): Promise<void> {
  const { db } = home.database
  const attempts = await db.selectFrom('attempts').select(['number', 'resumed', 'status']).execute()
  assert.deepEqual(attempts, [{ number: 1, resumed: 1, status: 'succeeded' }])
  assert.equal(branchesOf(home).length, 1)
  assert.equal((await db.selectFrom('pull_requests').select('number').execute()).length, 1)
  const taken = (await eventsAfter(db, id, '0')).filter(({ type }) => type === 'taken_over')
  assert.equal(taken.length, 1)
}

describe('a worker that is gone', { concurrency: false }, () => {
  test('killed between an answer and its booking: another takes the attempt over, and it is done once', async (t) => {
    await using home = await createMooseHome(FILES, [greet], FAST)
    const { db } = home.database
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await using first = await workerOf(home, 'first', { MOOSE_FAULT: 'call_model:after:kill' })
    await until('the kill', async () => first.child.signalCode === 'SIGKILL', { withinMs: TAKEOVER_MS })
    const killedAt = Date.now()
    await using _second = await workerOf(home, 'second')
    await until('a pull request', inReview(home, id), { withinMs: TAKEOVER_MS })
    const taken = (await eventsAfter(db, id, '0')).find(({ type }) => type === 'taken_over')
    const waitedMs = Number(new Date(String(taken?.at))) - killedAt
    t.diagnostic(`taken over ${waitedMs} ms after the kill by a worker started then, with a lease of ${LEASE_MS} ms`)
    await assertTakenOverOnce(home, id)
    const calls = await sql<{ kind: string }>`
      select string_agg(kind, ' ' order by id) as kind from budget_entries group by reservation_id order by min(id)
    `.execute(db)
    const kinds = calls.rows.map(({ kind }) => kind)
    assert.deepEqual(
      kinds,
      ['reserved released', 'reserved settled'],
      'the call that was lost is known, cost nothing because it was a recording, and is repeated once',
    )
  })

  test('paused right before it pushes: who wakes up late pushes, opens and writes nothing', async () => {
    await using home = await createMooseHome(FILES, [greet], FAST)
    const { db } = home.database
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await using first = await workerOf(home, 'first', { MOOSE_FAULT: 'push:before:stop' })
    await until('publishing', async () => (await findWorkOrder(db, id)).phase === 'publishing', {
      withinMs: TAKEOVER_MS,
    })
    await using _second = await workerOf(home, 'second')
    await until('a pull request of the second', isRecorded(home, id), { withinMs: TAKEOVER_MS })
    const before = await eventsAfter(db, id, '0')
    first.child.kill('SIGCONT')
    await until('the first lets go', async () => first.printed().includes('given up'), { withinMs: TAKEOVER_MS })
    await delay(500)
    assert.deepEqual(await eventsAfter(db, id, '0'), before)
    await assertTakenOverOnce(home, id)
  })

  test('paused right before it records, and the one that took over died at once: it is recorded after all', async () => {
    await using home = await createMooseHome(FILES, [greet], FAST)
    const { db } = home.database
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await using first = await workerOf(home, 'first', { MOOSE_FAULT: 'record:before:stop' })
    // It dies before the engine is told, so that what the first one does next still counts there.
    const ghost = { homeId: 'ghost', revision: PIPELINE_REVISION, leaseMs: 1 }
    await until('the attempt is taken over', async () => (await takeOverAttempts(db, ghost)) === 1)
    await joinFleet(db, ghost, { leaseMs: -1, version: '0' })
    first.child.kill('SIGCONT')
    await until('a pull request', inReview(home, id))
    const attempts = await db.selectFrom('attempts').select(['number', 'status']).execute()
    assert.deepEqual(attempts, [{ number: 1, status: 'succeeded' }])
    assert.equal(branchesOf(home).length, 1)
  })

  test('busy for several leases: its attempt is left to it, and ends once', async () => {
    await using home = await createMooseHome(FILES, [greet], { ...FAST, MOOSE_FAULT: 'call_model:after:block' })
    const { db } = home.database
    await using first = await workerOf(home, 'first')
    await using second = await workerOf(home, 'second')
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const blocked = () => [first, second].filter((one) => one.printed().includes('MOOSE_FAULT')).length
    await until('one is busy', () => blocked() === 1)
    await delay(4 * LEASE_MS)
    assert.equal((await findWorkOrder(db, id)).phase, 'proposing', 'still busy')
    await until('a pull request', inReview(home, id))
    assert.equal(blocked(), 1, 'the other one never carried it out')
    const attempts = await db.selectFrom('attempts').select(['number', 'resumed', 'status']).execute()
    assert.deepEqual(attempts, [{ number: 1, resumed: 0, status: 'succeeded' }])
    assert.equal(branchesOf(home).length, 1)
    assert.equal((await db.selectFrom('pull_requests').select('number').execute()).length, 1)
    assert.equal((await db.selectFrom('model_calls').select('id').execute()).length, 1)
  })

  test('stopped properly: what it leaves is taken over at once, without waiting for the lease', async () => {
    const slow = { ...FAST, MOOSE_LEASE_MS: '600000', MOOSE_DRAIN_GRACE_MS: '0' }
    await using home = await createMooseHome(FILES, [{ ...greet, delay_ms: 5_000 }], slow)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await using first = await workerOf(home, 'first')
    const { db } = home.database
    await until('a proposal is asked for', async () => (await findWorkOrder(db, id)).phase === 'proposing', {
      withinMs: TAKEOVER_MS,
    })
    await first[Symbol.asyncDispose]()
    await using _second = await workerOf(home, 'second')
    await until('a pull request of the second', inReview(home, id), { withinMs: TAKEOVER_MS })
    await assertTakenOverOnce(home, id)
  })

  test('of another revision of the pipeline: its attempt is blocked by name, and a retry begins anew', async () => {
    await using home = await createMooseHome(FILES, [greet], FAST)
    const { db } = home.database
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const old = { homeId: 'gone', revision: 'pipeline-0' }
    await claimOrders(db, { maxConcurrent: 1, maxPerRepository: null, runner: old, only: null })
    await joinFleet(db, old, { leaseMs: -600_000, version: '0' })
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const stuck = await settled(moose, id)
    assert.deepEqual([stuck.status, stuck.status_reason?.code], ['blocked', 'revision_stuck'])
    assert.match(String(stuck.status_reason?.message), /revision "pipeline-0".*moose retry/)
    await moose.orchestrator.retry(id)
    const order = await settled(moose, id)
    assert.deepEqual([order.phase, order.attempts], ['in_review', 2])
  })
})

describe('limits hold over the fleet', () => {
  test('per repository: two workers together claim no more of one than it may have', async () => {
    await using home = await createMooseHome(FILES, [])
    const { db } = home.database
    for (const file of ['a', 'b', 'c']) await fileOrder(home.database, { title: file, files: [file] })
    const claimAs = (homeId: string) =>
      claimOrders(db, {
        maxConcurrent: 9,
        maxPerRepository: 2,
        runner: { homeId, revision: PIPELINE_REVISION },
        only: null,
      })
    const claims = await Promise.all([claimAs('one'), claimAs('other')])
    assert.equal(claims.flatMap(({ claimed }) => claimed).length, 2)
    assert.equal((await claimAs('third')).claimed.length, 0)
  })

  test('per provider: a call more than may be under way finds no place until one has ended', async () => {
    await using home = await createMooseHome(FILES, [])
    const { db } = home.database
    const call = { workOrderId: null, attempt: null, proposer: 'p', provider: 'openai', model: 'm' }
    const first = await reserve(db, call, new Usd('0.1'), 1)
    await assert.rejects(reserve(db, call, new Usd('0.1'), 1), { code: 'provider_busy' })
    await reserve(db, { ...call, provider: 'anthropic' }, new Usd('0.1'), 1)
    await settle(db, first, new Usd('0.1'))
    await reserve(db, call, new Usd('0.1'), 1)
  })

  test('nobody reserves for an attempt another process carries out', async () => {
    await using home = await createMooseHome(FILES, [])
    const { db } = home.database
    const id = await fileOrder(home.database, { title: 'Other', files: ['a'] })
    const runner = { homeId: 'other', revision: PIPELINE_REVISION }
    await claimOrders(db, { maxConcurrent: 1, maxPerRepository: null, runner, only: null })
    const call = { workOrderId: id, attempt: 1, proposer: 'p', provider: 'openai', model: 'm' }
    await reserve(db, call, new Usd('0.1'))
    await sql`update attempts set holder = gen_random_uuid()`.execute(db)
    await assert.rejects(reserve(db, call, new Usd('0.1')), { code: 'attempt_taken_over' })
  })
})
