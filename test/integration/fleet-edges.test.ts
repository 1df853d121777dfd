import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { homeIdOf } from '../../src/app/home.ts'
import { PIPELINE_REVISION } from '../../src/attempt/pipeline-revision.ts'
import { createRunningAttempts } from '../../src/attempt/running-attempts.ts'
import { findAttempt } from '../../src/db/attempts/attempts.ts'
import { assertNotTakenOver } from '../../src/db/attempts/hold-attempt.ts'
import { takeOverAttempts } from '../../src/db/attempts/take-over.ts'
import { namedFault } from '../../src/db/database-fault.ts'
import { oneAtATime } from '../../src/db/lock.ts'
import { openPullRequest } from '../../src/db/pull-requests/pull-requests.ts'
import { claimOrders, lockClaims } from '../../src/db/work-orders/claim.ts'
import { joinFleet } from '../../src/db/workers/workers.ts'
import { createTestDatabase } from '../support/database.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'

const runnerOf = (homeId: string) => ({ homeId, revision: PIPELINE_REVISION })
const looker = { ...runnerOf('taker'), leaseMs: 1 }

/** Claims an order for a worker whose lease is over. @returns the order */
async function leftBehind({ database }: MooseHome, title: string, homeId = 'gone'): Promise<string> {
  const id = await fileOrder(database, { title, files: [title] })
  const runner = runnerOf(homeId)
  await claimOrders(database.db, { maxConcurrent: 9, maxPerRepository: null, runner, only: id })
  await joinFleet(database.db, runner, { leaseMs: 0, version: '0' })
  return id
}

function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('who is paused holds nobody up', () => {
  test('a takeover passes over an attempt somebody has locked, and takes the others', async () => {
    await using home = await createMooseHome({ a: '' }, [])
    const { db } = home.database
    const locked = await leftBehind(home, 'a')
    const free = await leftBehind(home, 'b')
    await db.transaction().execute(async (transaction) => {
      await sql`select from attempts where work_order_id = ${locked} for share`.execute(transaction)
      assert.equal(await takeOverAttempts(db, looker), 1)
    })
    const times = async (workOrderId: string) => (await findAttempt(db, { workOrderId, attempt: 1 })).resumed
    assert.deepEqual([await times(free), await times(locked)], [1, 0])
    assert.equal(await takeOverAttempts(db, looker), 1)
    assert.equal(await times(locked), 1)
  })

  test('the server ends a transaction that stands still', async () => {
    await using home = await createMooseHome({ a: '' }, [])
    const { rows } = await home.database.pool.query('show idle_in_transaction_session_timeout')
    assert.deepEqual(rows, [{ idle_in_transaction_session_timeout: '20s' }])
  })

  test('a claim whose own thread was busy for too long has claimed nothing, and is made again', async () => {
    await using home = await createMooseHome({ a: '' }, [])
    const { db } = home.database
    const id = await fileOrder(home.database, { title: 'a', files: ['a'] })
    const claim = { maxConcurrent: 9, maxPerRepository: null, runner: runnerOf('busy'), only: null }
    const late = db.transaction().execute(async (transaction) => {
      await lockClaims(transaction)
      await sql`update work_orders set status = 'in_progress', phase = 'routing'`.execute(transaction)
      spin(7_000)
      await sql`select 1`.execute(transaction)
    })
    const thrown = await late.then(() => null, namedFault)
    assert.equal(thrown?.code, 'database_unreachable')
    assert.deepEqual(await claimOrders(db, claim), {
      claimed: [{ workOrderId: id, attempt: 1, epoch: 0 }],
      refused: [],
      isHeldUp: false,
    })
  })
})

test('what somebody makes sure of within a transaction stays so until its end', async () => {
  await using home = await createMooseHome({ a: '' }, [])
  const { db } = home.database
  const id = await leftBehind(home, 'a')
  await db.transaction().execute(async (transaction) => {
    await assertNotTakenOver(transaction, { workOrderId: id, attempt: 1 })
    assert.equal(await takeOverAttempts(db, looker), 0)
  })
  assert.equal(await takeOverAttempts(db, looker), 1)
})

test('a run begins when the one before it has been put away, and two that wait begin one after the other', async () => {
  const running = createRunningAttempts()
  const run = (epoch: number) => ({ workOrderId: 'a', attempt: 1, epoch })
  await running.begin(run(0))
  const begun: number[] = []
  for (const epoch of [1, 2]) {
    running.begin(run(epoch)).then(
      () => begun.push(epoch),
      () => undefined,
    )
  }
  await delay(1)
  assert.deepEqual(begun, [])
  running.ended(run(0), null)
  await delay(1)
  assert.deepEqual(begun, [1])
  running.ended(run(1), null)
  await delay(1)
  assert.deepEqual(begun, [1, 2])
})

test('a home that is taken again holds no workspace of an attempt another home carries out', async () => {
  await using home = await createMooseHome({ a: '' }, [])
  const own = await leftBehind(home, 'a', await homeIdOf(home.config.home))
  const lost = await leftBehind(home, 'b', 'other')
  await joinFleet(home.database.db, runnerOf('other'), { leaseMs: 600_000, version: '0' })
  const workspaces = path.join(home.config.home, 'workspaces')
  for (const id of [own, lost]) await mkdir(path.join(workspaces, `${id}-1`, 'tree'), { recursive: true })
  await using _moose = await home.open()
  assert.ok(!(await readdir(workspaces)).includes(`${lost}-1`))
})

test('engines are launched one at a time, and may make an index concurrently while others wait', async () => {
  await using database = await createTestDatabase()
  const met: string[] = []
  const launch = async () => {
    met.push('begins')
    await delay(100)
    await database.pool.query('create index concurrently on attempts (base_sha)')
    met.push('ends')
  }
  await Promise.all([oneAtATime(database.pool, launch), oneAtATime(database.pool, launch)])
  assert.deepEqual(met, ['begins', 'ends', 'begins', 'ends'])
})

test('a worker that was paused before it opened a pull request opens none once its attempt is carried out elsewhere', async () => {
  await using home = await createMooseHome({ a: '' }, [])
  const { db } = home.database
  const id = await leftBehind(home, 'a')
  const project = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
  const of = { work_order_id: id, attempt: 1, project_id: project.id, title: 'a', body: '', diff: '' }
  const at = { base: 'main', branch: 'feature/a', base_sha: 'b', head_sha: 'h' }
  await sql`update attempts set holder = gen_random_uuid()`.execute(db)
  await assert.rejects(openPullRequest(db, { ...of, ...at }), { code: 'attempt_taken_over' })
  assert.deepEqual(await db.selectFrom('pull_requests').select('number').execute(), [])
})
