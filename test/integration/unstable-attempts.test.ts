import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { homeIdOf } from '../../src/app/home.ts'
import { PIPELINE_REVISION } from '../../src/attempt/pipeline-revision.ts'
import { findAttempt } from '../../src/db/attempts/attempts.ts'
import { countTakeover } from '../../src/db/attempts/hold-attempt.ts'
import { takeOverAttempts } from '../../src/db/attempts/take-over.ts'
import { eventsAfter } from '../../src/db/work-order-events.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { joinFleet, leaveFleet } from '../../src/db/workers/workers.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'

const FILES = { 'greeting.txt': 'hello\n', 'name.txt': 'world\n' }
const ANSWERS = [
  { task: 'Greet', turn: 1, text: '### write greeting.txt\n```\nhello, world\n```\n', delay_ms: 300 },
  { task: 'Name', turn: 1, text: '### write name.txt\n```\nmoose\n```\n', delay_ms: 300 },
]
const GREET = { title: 'Greet', files: ['greeting.txt'] }
const NAME = { title: 'Name', files: ['name.txt'] }
const runnerOf = (homeId: string) => ({ homeId, revision: PIPELINE_REVISION })

/** Claims an order for a process whose lease is over. @returns its id */
async function carriedOut({ database }: MooseHome, order: typeof GREET, homeId = 'gone'): Promise<string> {
  const id = await fileOrder(database, order)
  const runner = runnerOf(homeId)
  await claimOrders(database.db, { maxConcurrent: 9, maxPerRepository: null, runner, only: id })
  await joinFleet(database.db, runner, { leaseMs: -1, version: '0' })
  // Not this process, which joined for it.
  await sql`update workers set holder = gen_random_uuid() where executor_id = ${homeId}`.execute(database.db)
  await sql`update attempts set holder = gen_random_uuid() where work_order_id = ${id}`.execute(database.db)
  return id
}

async function counted({ database: { db } }: MooseHome, workOrderId: string) {
  const { takeovers, left_behind, resumed } = await findAttempt(db, { workOrderId, attempt: 1 })
  return { takeovers, left_behind, resumed }
}

describe('what counts as left behind', () => {
  test('by a worker whose lease ran out, once it is gone on with; not by one that has left', async () => {
    await using home = await createMooseHome(FILES, [])
    const { db } = home.database
    const id = await carriedOut(home, GREET)
    assert.equal(await takeOverAttempts(db, { ...runnerOf('taker'), leaseMs: 1 }), 1)
    assert.deepEqual(await counted(home, id), { takeovers: 0, left_behind: true, resumed: 1 })
    const run = { workOrderId: id, attempt: 1, epoch: 1 }
    assert.equal(await countTakeover(db, run), true)
    assert.equal(await countTakeover(db, run), false)
    assert.deepEqual(await counted(home, id), { takeovers: 1, left_behind: false, resumed: 1 })
    await joinFleet(db, runnerOf('taker'), { leaseMs: 60_000, version: '0' })
    await leaveFleet(db, 'taker')
    assert.equal(await takeOverAttempts(db, { ...runnerOf('third'), leaseMs: 1 }), 1)
    assert.deepEqual(await counted(home, id), { takeovers: 1, left_behind: false, resumed: 2 })
  })

  test('by an earlier process of the same home that was killed; not by one that was stopped', async () => {
    await using home = await createMooseHome(FILES, [])
    const { db } = home.database
    const id = await carriedOut(home, GREET, 'here')
    await joinFleet(db, runnerOf('here'), { leaseMs: 60_000, version: '0' })
    assert.deepEqual(await counted(home, id), { takeovers: 0, left_behind: true, resumed: 0 })
    await countTakeover(db, { workOrderId: id, attempt: 1, epoch: 0 })
    await joinFleet(db, runnerOf('here'), { leaseMs: 60_000, version: '0' })
    assert.deepEqual(
      await counted(home, id),
      { takeovers: 1, left_behind: false, resumed: 0 },
      'it is the same process',
    )
    await leaveFleet(db, 'here')
    await sql`update attempts set holder = gen_random_uuid()`.execute(db)
    await joinFleet(db, runnerOf('here'), { leaseMs: 60_000, version: '0' })
    assert.deepEqual(await counted(home, id), { takeovers: 1, left_behind: false, resumed: 0 })
  })

  test('what was never gone on with since is counted once', async () => {
    await using home = await createMooseHome(FILES, [])
    const { db } = home.database
    const id = await carriedOut(home, GREET)
    await takeOverAttempts(db, { ...runnerOf('second'), leaseMs: 1 })
    await joinFleet(db, runnerOf('second'), { leaseMs: -1, version: '0' })
    assert.equal(await takeOverAttempts(db, { ...runnerOf('third'), leaseMs: 1 }), 1)
    assert.deepEqual(await counted(home, id), { takeovers: 0, left_behind: true, resumed: 2 })
  })
})

for (const executor of ['another home', 'the same home'] as const) {
  test(`left behind for the fourth time by ${executor}: it is held, the others go on, and a retry begins anew`, async () => {
    await using home = await createMooseHome(FILES, ANSWERS)
    const { db } = home.database
    const homeId = executor === 'another home' ? 'gone' : await homeIdOf(home.config.home)
    const id = await carriedOut(home, GREET, homeId)
    const other = await carriedOut(home, NAME, homeId)
    await sql`update attempts set takeovers = 3 where work_order_id = ${id}`.execute(db)
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const held = await settled(moose, id)
    assert.deepEqual([held.status, held.status_reason?.code], ['blocked', 'attempt_unstable'])
    assert.match(String(held.status_reason?.message), /^4 workers died or hung while they carried attempt 1 out/)
    assert.equal((await settled(moose, other)).phase, 'in_review')
    assert.deepEqual((await counted(home, other)).takeovers, 1)
    await moose.orchestrator.retry(id)
    const order = await settled(moose, id)
    assert.deepEqual([order.phase, order.attempts], ['in_review', 2])
    const { rows } =
      await sql`select number, status, takeovers from attempts where work_order_id = ${id} order by 1`.execute(db)
    assert.deepEqual(rows, [
      { number: 1, status: 'blocked', takeovers: 4 },
      { number: 2, status: 'succeeded', takeovers: 0 },
    ])
  })
}

test('for the third time, it is gone on with', async () => {
  await using home = await createMooseHome(FILES, ANSWERS)
  const id = await carriedOut(home, GREET)
  await sql`update attempts set takeovers = 2`.execute(home.database.db)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  assert.equal((await settled(moose, id)).phase, 'in_review')
  assert.equal((await counted(home, id)).takeovers, 3)
})

test('those left behind twice are gone on with one after the other, also where no orders are taken on', async () => {
  await using home = await createMooseHome(FILES, ANSWERS)
  const { db } = home.database
  const homeId = await homeIdOf(home.config.home)
  const ids = [await carriedOut(home, GREET, homeId), await carriedOut(home, NAME, homeId)]
  await sql`update attempts set takeovers = 1`.execute(db)
  await using moose = await home.open()
  for (const id of ids) assert.equal((await settled(moose, id)).phase, 'in_review')
  const events = (await Promise.all(ids.map((id) => eventsAfter(db, id, '0')))).map((of) =>
    of.filter(({ step }) => step !== null).map(({ at }) => Date.parse(at)),
  )
  const [first = [], second = []] = events
  assert.ok(Math.max(...first) <= Math.min(...second), 'the second begins when the first has ended')
})
