import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createApiClient } from '../../src/cli/client/api-client.ts'
import { EventsResponse } from '../../src/contract/events.ts'
import { attemptHistory } from '../../src/db/attempts/attempt-history.ts'
import { createEventFeed } from '../../src/db/event-feed.ts'
import { migrate } from '../../src/db/migrate.ts'
import { eventsAfter, recordEvent } from '../../src/db/work-order-events.ts'
import { addWorkOrders } from '../../src/db/work-orders/add-work-orders.ts'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { listWorkOrders } from '../../src/db/work-orders/list-work-orders.ts'
import { findWorkOrder, moveWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import { LIMITS, WorkOrderContent } from '../../src/work-order/content.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createMooseHome } from '../support/moose-home.ts'
import { olderDatabase } from '../support/older-database.ts'

const MEGA = 1_000_000

/** Each: a value over the bound of its column, and one at it, as SQL. */
const BOUNDS: Record<string, { over: string; at: string }> = {
  title: { over: `repeat('ü', 1001)`, at: `repeat('ü', 1000)` },
  description: { over: `repeat('ü', 100001)`, at: `repeat('ü', 100000)` },
  acceptance_criteria: {
    over: `jsonb_build_array(repeat('x', 500000))`,
    at: `jsonb_build_array(repeat('x', 499996))`,
  },
  files_in_scope: { over: `to_jsonb(repeat('x', 10000000))`, at: `jsonb_build_array(repeat('x', 499996))` },
  metadata: {
    over: `jsonb_build_object('notes', repeat('x', 100000))`,
    at: `jsonb_build_object('notes', repeat('x', 99987))`,
  },
  status_reason: {
    over: `jsonb_build_object('code', 'internal', 'message', repeat('x', 100000))`,
    at: `jsonb_build_object('code', 'internal', 'message', repeat('x', 99900))`,
  },
}

async function insert({ pool }: TestDatabase, columns: Record<string, string> = {}): Promise<string> {
  const names = ['title', ...Object.keys(columns).filter((name) => name !== 'title')]
  const values = names.map((name) => (name in columns ? columns[name] : `'t'`))
  const { rows } = await pool.query<{ id: string }>(
    `insert into work_orders (${names.join(', ')}) values (${values.join(', ')}) returning id`,
  )
  return String(rows[0]?.id)
}

describe('the database refuses what is too large for an order, by name, whoever writes it:', () => {
  for (const [column, { over, at }] of Object.entries(BOUNDS)) {
    test(column, async () => {
      await using database = await createTestDatabase()
      const refusal = {
        code: '23514',
        constraint: `work_orders_${column}_size`,
        message: new RegExp(`work_orders\\.${column} .* at most `),
      }
      await assert.rejects(insert(database, { [column]: over }), refusal)
      const id = await insert(database)
      await assert.rejects(
        database.pool.query(`update work_orders set ${column} = ${over} where id = $1`, [id]),
        refusal,
      )
      await database.pool.query(`update work_orders set ${column} = ${at} where id = $1`, [id])
      await insert(database, { [column]: at })
    })
  }

  test('an event', async () => {
    await using database = await createTestDatabase()
    const id = await insert(database)
    for (const [column, value] of [
      ['message', `repeat('x', 100001)`],
      ['data', `jsonb_build_object('a', repeat('x', 100001))`],
      ['type', `repeat('x', 101)`],
      ['step', `repeat('x', 201)`],
    ] as const) {
      const values = { work_order_id: `'${id}'`, type: `'t'`, message: `'m'`, [column]: value }
      const statement = `insert into work_order_events (${Object.keys(values).join(', ')}) values (${Object.values(values).join(', ')})`
      await assert.rejects(database.pool.query(statement), { constraint: 'work_order_events_size' }, column)
    }
  })
})

test('the largest order that is valid is taken, and what Moose writes of it as well', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const widest = '\u{1f98c}'
  const content = WorkOrderContent.parse({
    title: widest.repeat(LIMITS.title / widest.length),
    description: widest.repeat(LIMITS.description / widest.length),
    acceptance_criteria: Array.from({ length: LIMITS.criteria }, () => widest.repeat(LIMITS.criterion / widest.length)),
    files_in_scope: Array.from({ length: LIMITS.files }, (_, index) => `${index}/`.padEnd(512, '"')),
    risk_level: 'high',
  })
  const [order] = await addWorkOrders(db, [{ ...content, approved: false }])
  const id = String(order?.id)
  await database.pool.query(`update work_orders set metadata = ${BOUNDS['metadata']?.at} where id = $1`, [id])
  await approveWorkOrder(db, id)
  const fault = new Fault('check_failed', 'x'.repeat(MEGA), { output: 'y'.repeat(MEGA) }).toRecord()
  const orchestrator_error = { code: fault.code, message: fault.message }
  assert.ok(
    await moveWorkOrder(db, id, {
      from: ['pending'],
      to: 'failed',
      reason: fault,
      metadata: { orchestrator_error, routing_decision: { x: 'z'.repeat(MEGA) } },
    }),
  )
  await recordEvent(db, {
    workOrderId: id,
    type: 'attempt_ended',
    message: fault.message,
    data: { x: 'y'.repeat(MEGA) },
  })
  const [event] = (await eventsAfter(db, id, '0')).toReversed()
  assert.match(String(event?.message), /^x{1000,}/)
  assert.equal((await findWorkOrder(db, id)).approved, true)
})

/** Orders, and an event, as large as nothing hindered anybody to write. */
async function withLargeRows(count: number): Promise<{ database: TestDatabase; ids: string[] }> {
  const database = await olderDatabase(7)
  await database.pool.query(`insert into projects (name, repository) values ('shop', '/srv/shop')`)
  const { rows } = await database.pool.query<{ id: string }>(
    `insert into work_orders (title, description, acceptance_criteria, files_in_scope, metadata)
     select n || repeat(' title', 1000), repeat('description ', 100000), jsonb_build_array(repeat('x', 1000000)),
       jsonb_build_array('a' || n), jsonb_build_object('approved_by_director', true, 'notes', repeat('x', 1000000))
     from generate_series(1, $1::int) as n returning id`,
    [count],
  )
  await database.pool.query(
    `insert into work_order_events (work_order_id, type, message, data)
     select id, 'output', repeat('x', 5000000), jsonb_build_object('a', repeat('x', 5000000)) from work_orders limit 1`,
  )
  await migrate(database.pool)
  return { database, ids: rows.map(({ id }) => id) }
}

const NEWEST = { sort: 'created', reverse: false } as const

describe('rows from before the bounds', () => {
  test('are listed by their beginning, named as shortened, and shown whole', async () => {
    const { database, ids } = await withLargeRows(5)
    await using _ = database
    const { orders: listed } = await listWorkOrders(database.db, {}, { reading: NEWEST, limit: 100 })
    assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set(ids))
    assert.ok(JSON.stringify(listed).length < ids.length * 3_000, `${JSON.stringify(listed).length} characters`)
    for (const order of listed) {
      assert.deepEqual(order.shortened, ['title', 'description', 'acceptance_criteria', 'metadata'])
      assert.equal(order.approved, true)
      assert.match(order.description, /^description description/)
      assert.deepEqual([order.acceptance_criteria, order.files_in_scope.length], [[], 1])
    }
    assert.equal((await findWorkOrder(database.db, String(ids[0]))).description.length, 1_200_000)
  })

  test('are carried on with: they can shrink, move, be claimed and be approved', async () => {
    const { database, ids } = await withLargeRows(2)
    await using _ = database
    const { db, pool } = database
    const [one, other] = ids
    const runner = { homeId: 'one', revision: 'one' }
    const { claimed, refused } = await claimOrders(db, {
      maxConcurrent: 9,
      maxPerRepository: null,
      runner,
      only: String(one),
    })
    assert.deepEqual([claimed.length, refused], [1, []])
    assert.ok(
      await moveWorkOrder(db, String(one), {
        from: ['in_progress'],
        to: 'failed',
        metadata: { orchestrator_error: { code: 'x' } },
      }),
    )
    await pool.query(`update work_orders set title = title, description = left(description, 500000) where id = $1`, [
      other,
    ])
    assert.equal((await approveWorkOrder(db, String(other))).approved, true)
    await assert.rejects(pool.query(`update work_orders set description = description || 'x' where id = $1`, [other]), {
      constraint: 'work_orders_description_size',
    })
  })

  test('an event is told by its beginning', async () => {
    const { database } = await withLargeRows(1)
    await using _ = database
    const [event] = await eventsAfter(database.db, null, '0')
    assert.equal(event?.message.length, 100_000)
    assert.deepEqual(event?.data, { left_out: true })
  })
})

test('a list of orders as they usually are is whole', async () => {
  await using database = await createTestDatabase()
  await addWorkOrders(database.db, [
    {
      title: 'Small',
      description: 'Do it.',
      acceptance_criteria: ['done'],
      files_in_scope: ['a.ts'],
      risk_level: 'low',
      approved: true,
    },
  ])
  const { orders } = await listWorkOrders(database.db, {}, { reading: NEWEST, limit: 1 })
  const [order] = orders
  const { content_sha256: _, ...one } = await findWorkOrder(database.db, String(order?.id))
  assert.deepEqual(order, { ...one, pull_request_closed: false, shortened: [] })
})

test('pages of events are bounded in bytes, and list, history and live log have every event all the same', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a' }, [])
  await using moose = await home.open('client')
  const { db, pool } = home.database
  const id = await insert(home.database)
  await pool.query(
    `insert into work_order_events (work_order_id, type, message) select $1, 'output', n || repeat('x', 90000) from generate_series(1, 300) as n`,
    [id],
  )
  const page = EventsResponse.parse(
    await (
      await moose.http.fetch(new Request('http://127.0.0.1/api/events', { headers: { accept: 'application/json' } }))
    ).json(),
  )
  assert.ok(page.events.length > 5 && JSON.stringify(page).length < 2_200_000, `${page.events.length} events`)
  const api = createApiClient('http://127.0.0.1', (request) => moose.http.fetch(request))
  assert.equal((await Array.fromAsync(api.history(id))).length, 300)
  const left = new AbortController()
  const heard: string[] = []
  for await (const event of createEventFeed(db).subscribe({ workOrderId: null, afterId: '0', signal: left.signal })) {
    heard.push(event.id)
    if (heard.length === 300) left.abort()
  }
  assert.deepEqual([heard.length, new Set(heard).size], [300, 300])
})

test('what went into the steps of an attempt and came out is given up to a bound, the newest first', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const id = await insert(database)
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    await pool.query(
      `insert into attempts (work_order_id, number, status, content, executor_id) values ($1, $2, 'failed', '{}', 'e')`,
      [id, attempt],
    )
    await pool.query(
      `insert into attempt_steps (work_order_id, attempt, name, status, input, output)
       values ($1, $2, 'propose', 'failed', '{"a": 1}', to_jsonb(repeat('x', case $2::int when 8 then 2000000 else 900000 end)))`,
      [id, attempt],
    )
  }
  const history = await attemptHistory(db, id)
  assert.deepEqual(
    history.map(({ steps: [step] }) => [step?.left_out === true, step?.input === null, step?.output === null]),
    [true, true, true, false, false, false, false, true].map((leftOut) => [leftOut, leftOut, leftOut]),
  )
})
