import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../../src/db/listen.ts'
import { createLog } from '../../src/log.ts'
import { BY_PULL_REQUEST, canMove, PHASES, STATUSES, type Status } from '../../src/work-order/status.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const APPROVED = `metadata || '{"approved_by_director": true}'`

test('the database allows exactly the changes of status the code allows', async () => {
  await using database = await createTestDatabase()
  for (const from of STATUSES) {
    for (const to of STATUSES) {
      if (from === to) continue
      const id = await insertIn(database, from)
      const moved = await succeeds(move(database, id, to))
      // Only from review, and only to be verified.
      const isToVerify = from === 'in_progress' && to === 'pending'
      assert.equal(moved, canMove(from, to, false) && !isToVerify, `${from} -> ${to}`)
      const { rows } = await database.pool.query('select moose_status_may_move($1, $2) as may', [from, to])
      assert.equal(rows[0].may, canMove(from, to, true), `${from} -> ${to} in SQL`)
    }
  }
})

test('from review an order is made pending only to have its pull request verified', async () => {
  await using database = await createTestDatabase()
  const cases = [
    ['in_review', 1, true],
    ['in_review', null, false],
    ['verifying', 1, false],
  ] as const
  for (const [phase, verifies, may] of cases) {
    const id = await insertIn(database, 'in_progress', phase)
    const statement = "update work_orders set status = 'pending', verifies = $2 where id = $1"
    assert.equal(await succeeds(database.pool.query(statement, [id, verifies])), may, `${phase} ${verifies}`)
  }
})

for (const state of ['open', 'merged', 'closed'] as const) {
  test(`what a pull request makes of its order needs one that says so: one that is ${state}`, async () => {
    await using database = await createTestDatabase()
    for (const from of STATUSES) {
      for (const to of BY_PULL_REQUEST[from]) {
        const says = to === 'completed' ? state === 'merged' : state === 'open'
        const id = await insertIn(database, from)
        await insertPullRequest(database, id, state)
        if (to === 'in_progress')
          assert.equal(await succeeds(move(database, id, to)), false, `${from} -> ${to}/routing`)
        const phase = to === 'in_progress' ? 'in_review' : null
        const moved = database.pool.query('update work_orders set status = $2, phase = $3 where id = $1', [
          id,
          to,
          phase,
        ])
        assert.equal(await succeeds(moved), says, `${from} -> ${to}`)
      }
    }
  })
}

test('a running attempt is told when a pull request of an earlier one completes its order', async () => {
  await using database = await createTestDatabase()
  const ear = await hear(database, ['moose_cancelled'])
  await using _ = ear.listening
  const running = await insertIn(database, 'in_progress', 'proposing')
  const inReview = await insertIn(database, 'in_progress', 'in_review')
  for (const id of [inReview, running]) await move(database, id, 'completed')
  assert.deepEqual(await ear.heard(), [`moose_cancelled ${running}`])
})

let pullRequests = 0

async function insertPullRequest({ pool }: TestDatabase, orderId: string, state: string): Promise<void> {
  pullRequests += 1
  await pool.query(
    `with project as (insert into projects (name) values ($3) returning id)
     insert into pull_requests
       (project_id, number, work_order_id, attempt, title, body, base, branch, base_sha, head_sha, diff, state)
     select id, 1, $1, 1, '', '', 'main', 'b', '', '', '', $2 from project`,
    [orderId, state, `p${pullRequests}`],
  )
}

test('the database knows exactly the statuses and phases the code knows', async () => {
  await using database = await createTestDatabase()
  for (const phase of PHASES) await insertIn(database, 'in_progress', phase)
  for (const status of ['APPROVED', 'PENDING', '', 'done'])
    await assertViolates(insertIn(database, status), 'work_orders_status_check')
  for (const phase of [null, 'reviewing', ''])
    await assertViolates(insertIn(database, 'in_progress', phase), 'work_orders_phase_check')
  await assertViolates(insertIn(database, 'pending', 'routing'), 'work_orders_phase_check')
})

test('an illegal change of status is refused in words, whoever makes it', async () => {
  await using database = await createTestDatabase()
  const id = await insertIn(database, 'completed')
  await assert.rejects(move(database, id, 'pending'), {
    message: 'a work order cannot go from completed to pending',
    constraint: 'work_orders_transition',
  })
})

test('leaving in_progress clears the phase, completing sets the time', async () => {
  await using database = await createTestDatabase()
  const id = await insertIn(database, 'in_progress', 'in_review')
  await database.pool.query(`update work_orders set status = 'completed' where id = $1`, [id])
  const { rows } = await database.pool.query('select phase, completed_at from work_orders where id = $1', [id])
  assert.equal(rows[0].phase, null)
  assert.ok(rows[0].completed_at instanceof Date)
})

const OTHER = '00000000-0000-4000-8000-000000000001'

for (const edit of [
  `title = 'other'`,
  `description = 'other'`,
  `acceptance_criteria = '["other"]'`,
  `files_in_scope = '["other"]'`,
  `risk_level = 'high'`,
  `project_id = (select id from projects)`,
  `metadata = metadata || '{"dependencies": ["${OTHER}"]}'`,
  `title = 'other', metadata = ${APPROVED}`,
  `metadata = '{"approved_by_director": true, "dependencies": ["${OTHER}"]}'`,
]) {
  test(`after approval, set ${edit} withdraws it`, async () => {
    await using database = await createTestDatabase()
    await database.pool.query(`insert into projects (name) values ('shop')`)
    await database.pool.query('insert into work_orders (id) values ($1)', [OTHER])
    const id = await insertIn(database, 'pending')
    await database.pool.query(`update work_orders set metadata = ${APPROVED} || '{"kept": 1}' where id = $1`, [id])
    await database.pool.query(`update work_orders set ${edit} where id = $1`, [id])
    const { metadata } = await read(database, id)
    assert.equal('approved_by_director' in metadata, false)
    assert.equal(typeof metadata['approval_withdrawn_at'], 'string')
    await database.pool.query(`update work_orders set metadata = ${APPROVED} where id = $1`, [id])
    assert.equal((await read(database, id)).metadata['approved_by_director'], true)
  })
}

for (const edit of [
  `title = title, files_in_scope = files_in_scope`,
  `metadata = metadata || '{"note": 1}'`,
  `proposer_id = 'x', estimated_cost = 1, github_branch = 'b'`,
  `status = 'in_progress', phase = 'routing'`,
]) {
  test(`after approval, set ${edit} keeps it`, async () => {
    await using database = await createTestDatabase()
    const id = await insertIn(database, 'pending')
    await database.pool.query(`update work_orders set metadata = ${APPROVED} where id = $1`, [id])
    await database.pool.query(`update work_orders set ${edit} where id = $1`, [id])
    assert.equal((await read(database, id)).metadata['approved_by_director'], true)
  })
}

test('dispatchers hear of an order exactly when it becomes ready', async () => {
  await using database = await createTestDatabase()
  const ear = await hear(database, ['moose_ready'])
  await using _ = ear.listening
  const { rows } = await database.pool.query(
    `insert into work_orders (metadata) values ('{"approved_by_director": true}') returning id`,
  )
  const inserted = rows[0].id
  const id = await insertIn(database, 'pending')
  await database.pool.query(`update work_orders set title = 'x' where id = $1`, [id])
  await database.pool.query(`update work_orders set metadata = ${APPROVED} where id = $1`, [id])
  await database.pool.query(`update work_orders set metadata = ${APPROVED} || '{"note": 1}' where id = $1`, [id])
  await database.pool.query(`update work_orders set title = 'y' where id = $1`, [id])
  await database.pool.query(`update work_orders set metadata = ${APPROVED} where false`)
  await database.pool.query(`update work_orders set status = 'blocked' where id = $1`, [inserted])
  await database.pool.query(`update work_orders set status = 'pending' where id = $1`, [inserted])
  assert.deepEqual(await ear.heard(), [`moose_ready ${inserted}`, `moose_ready ${id}`, `moose_ready ${inserted}`])
})

test('a cancellation, an event and a setting are heard of', async () => {
  await using database = await createTestDatabase()
  const ear = await hear(database, ['moose_cancelled', 'moose_event', 'moose_config'])
  await using _ = ear.listening
  const id = await insertIn(database, 'in_progress')
  await insertIn(database, 'cancelled')
  await move(database, id, 'cancelled')
  await database.pool.query(`insert into work_order_events (work_order_id, type, message) values ($1, 't', 'm')`, [id])
  await database.pool.query(`insert into system_config (key, value) values ('k', 'v')`)
  await database.pool.query(`update system_config set value = 'v' where false`)
  assert.deepEqual(await ear.heard(), [`moose_cancelled ${id}`, `moose_event ${id}`, 'moose_config '])
})

async function insertIn(database: TestDatabase, status: string, phase?: string | null): Promise<string> {
  const needed = status === 'in_progress' ? 'routing' : null
  const { rows } = await database.pool.query<{ id: string }>(
    'insert into work_orders (title, status, phase) values ($1, $2, $3) returning id',
    ['t', status, phase === undefined ? needed : phase],
  )
  return String(rows[0]?.id)
}

async function move(database: TestDatabase, id: string, to: Status): Promise<void> {
  const phase = to === 'in_progress' ? 'routing' : null
  await database.pool.query('update work_orders set status = $2, phase = $3 where id = $1', [id, to, phase])
}

async function read(database: TestDatabase, id: string) {
  return await database.db.selectFrom('work_orders').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

async function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return await promise.then(
    () => true,
    (error: { constraint?: string }) => {
      assert.equal(error.constraint, 'work_orders_transition')
      return false
    },
  )
}

async function assertViolates(promise: Promise<unknown>, constraint: string): Promise<void> {
  await assert.rejects(promise, { constraint })
}

/** Collects notifications; `heard` waits for a last one so that nothing can be still on its way. */
async function hear(database: TestDatabase, channels: string[]) {
  const lines: string[] = []
  const last = Promise.withResolvers<void>()
  const listening = await listen({
    url: database.url,
    channels: [...channels, 'last'],
    onNotify: (channel, payload) => (channel === 'last' ? last.resolve() : lines.push(`${channel} ${payload}`)),
    onReconnect: () => undefined,
    log: createLog('silent'),
  })
  const heard = async () => {
    await database.pool.query('notify last')
    await last.promise
    return lines
  }
  return { listening, heard }
}
