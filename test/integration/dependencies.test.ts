import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { NewWorkOrder } from '../../src/contract/work-orders.ts'
import { openEscalation } from '../../src/db/escalations/order-escalations.ts'
import { addWorkOrders } from '../../src/db/work-orders/add-work-orders.ts'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { editWorkOrder } from '../../src/db/work-orders/edit-work-order.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import { seededChance } from '../../src/manager/learned/seeded-chance.ts'
import { settleDependents } from '../../src/orchestrator/settle-dependents.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const RUNNER = { homeId: 'one', revision: 'one' }
const order = (title: string, ...depends_on: string[]) =>
  NewWorkOrder.parse({ title, depends_on, files_in_scope: [`${title}.txt`], approved: true })

async function claimed({ db }: TestDatabase): Promise<string[]> {
  const limits = { maxConcurrent: 9, maxPerRepository: null, runner: RUNNER, only: null }
  const titles: string[] = []
  for (const { workOrderId } of (await claimOrders(db, limits)).claimed)
    titles.push((await findWorkOrder(db, workOrderId)).title)
  return titles
}

async function move({ pool }: TestDatabase, id: string, ...statuses: string[]): Promise<void> {
  for (const status of statuses) {
    const phase = status === 'in_progress' ? 'routing' : null
    await pool.query('update work_orders set status = $2, phase = $3 where id = $1', [id, status, phase])
  }
  await pool.query("update attempts set status = 'failed', ended_at = now() where work_order_id = $1", [id])
}

const settle = ({ db }: TestDatabase) =>
  settleDependents(db, (error) => {
    throw error
  })

test('an order is taken on when every order it depends on is merged, and not before', async () => {
  await using database = await createTestDatabase()
  const [plan, other] = await addWorkOrders(database.db, [
    order('Plan'),
    order('Other'),
    order('Build', 'Plan', 'Other'),
  ])
  assert.deepEqual(await claimed(database), ['Plan', 'Other'])
  await move(database, String(plan?.id), 'completed')
  assert.deepEqual(await claimed(database), [])
  await move(database, String(other?.id), 'completed')
  assert.deepEqual(await claimed(database), ['Build'])
})

test('an order waits for no merge that was reverted: it is blocked, says by what, and is released by an edit', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const [plan, , build] = await addWorkOrders(db, [order('Plan'), order('Other'), order('Build', 'Plan', 'Other')])
  assert.deepEqual(await claimed(database), ['Plan', 'Other'])
  const ends = (attempt: number, outcome: string, revertedBy: string | null) =>
    pool.query(
      `insert into outcome_vectors (work_order_id, attempt, operation_type, outcome, reverted_at, reverted_by)
       values ($1, $2, 'pull_request_end', $3, case when $4::text is not null then now() end, $4)`,
      [plan?.id, attempt, outcome, revertedBy],
    )
  await ends(1, 'merged', 'f'.repeat(40))
  await pool.query("update work_orders set status = 'completed', phase = null where title in ('Plan', 'Other')")
  await pool.query("update attempts set status = 'succeeded', ended_at = now()")
  await settle(database)
  assert.deepEqual(await claimed(database), [])
  const blocked = await findWorkOrder(db, String(build?.id))
  assert.deepEqual([blocked.status, blocked.status_reason?.code], ['blocked', 'dependency_unmet'])
  assert.match(
    String(blocked.status_reason?.message),
    / by [0-9a-f]{8} "Plan", which it depends on and which was reverted on its base by ffffffffffff\. .* moose edit [0-9a-f]{8} --depends-on none$/,
  )
  await settle(database)
  assert.equal((await findWorkOrder(db, blocked.id)).status, 'blocked')
  await ends(2, 'merged', null)
  await settle(database)
  assert.equal((await findWorkOrder(db, blocked.id)).status, 'pending', 'another pull request of it is merged')
  await pool.query('update outcome_vectors set reverted_at = now(), reverted_by = $1 where reverted_at is null', [
    'e'.repeat(40),
  ])
  await settle(database)
  assert.equal((await findWorkOrder(db, blocked.id)).status, 'blocked')
  await pool.query("update work_orders set verifies = 1, status = 'pending', status_reason = null where id = $1", [
    blocked.id,
  ])
  await settle(database)
  assert.equal((await findWorkOrder(db, blocked.id)).status, 'pending', 'its change was made before')
  await pool.query('update work_orders set verifies = null where id = $1', [blocked.id])
  await settle(database)
  await editWorkOrder(db, blocked.id, { depends_on: [] })
  await approveWorkOrder(db, blocked.id)
  await settle(database)
  assert.deepEqual(await claimed(database), ['Build'])
})

test('an order that waits for a younger one of the same files does not stand in its way', async () => {
  await using database = await createTestDatabase()
  const files_in_scope = ['same.txt']
  const orders = [order('Late', 'Early'), order('Early')].map((each) => ({ ...each, files_in_scope }))
  await addWorkOrders(database.db, orders)
  assert.deepEqual(await claimed(database), ['Early'])
})

test('a failed or cancelled dependency blocks what waits for it, with the reason, until it is retried', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const [plan, build, test] = await addWorkOrders(db, [order('Plan'), order('Build', 'Plan'), order('Test', 'Build')])
  const [planId, buildId, testId] = [plan, build, test].map((one) => String(one?.id))
  for (const end of ['failed', 'cancelled']) {
    await move(database, String(planId), 'in_progress', end)
    await settle(database)
    const blocked = await findWorkOrder(db, String(buildId))
    assert.equal(blocked.status, 'blocked')
    assert.equal(blocked.status_reason?.code, 'dependency_unmet')
    assert.match(
      blocked.status_reason.message,
      new RegExp(`is blocked by ${planId?.slice(0, 8)} "Plan", which it depends on and which (failed|was cancelled)`),
    )
    assert.equal((await findWorkOrder(db, String(testId))).status, 'pending')
    assert.equal(await openEscalation(db, String(buildId)), null, 'what has to be decided is about Plan')
    await move(database, String(planId), 'pending')
    await settle(database)
    assert.equal((await findWorkOrder(db, String(buildId))).status, 'pending')
  }
})

test('a circle is refused when it is filed and when it is edited, with the title of each order in it', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const circle = (words: RegExp) => (error: unknown) =>
    error instanceof Fault && error.code === 'work_order_invalid' && words.test(error.message)
  await assert.rejects(
    addWorkOrders(db, [order('A', 'B'), order('B', 'A')]),
    circle(/"A" waits for "B", which waits for "A"/),
  )
  assert.deepEqual((await database.pool.query('select from work_orders')).rows.length, 0)
  const [a, b] = await addWorkOrders(db, [order('A'), order('B', 'A')])
  await assert.rejects(
    editWorkOrder(db, String(a?.id), { depends_on: [String(b?.id)] }),
    circle(/"A" waits for "B", which waits for "A"/),
  )
  const edited = await editWorkOrder(db, String(b?.id), { depends_on: [] })
  assert.deepEqual([edited.depends_on, edited.approved], [[], false])
  assert.deepEqual((await editWorkOrder(db, String(a?.id), { depends_on: [String(b?.id).slice(0, 8)] })).depends_on, [
    b?.id,
  ])
})

test('what names an order that is not there is not filed, and nothing else of the list is', async () => {
  await using database = await createTestDatabase()
  await assert.rejects(addWorkOrders(database.db, [order('A'), order('B', '12345678')]), /no work order "12345678"/)
  await assert.rejects(
    addWorkOrders(database.db, [order('A'), order('B', 'Missing')]),
    /depends_on\[0\] of "B" "Missing"/,
  )
  assert.equal((await database.pool.query('select from work_orders')).rows.length, 0)
})

test('the database refuses dependencies in a circle, on nothing, and what is no list of ids, whoever writes', async () => {
  await using database = await createTestDatabase()
  const { pool } = database
  const file = async (title: string, dependencies: unknown) => {
    const { rows } = await pool.query(
      "insert into work_orders (title, metadata) values ($1, jsonb_build_object('dependencies', $2::jsonb)) returning id",
      [title, JSON.stringify(dependencies)],
    )
    return String(rows[0].id)
  }
  const a = await file('A', [])
  const b = await file('B', [a])
  const write = (id: string, dependencies: unknown) =>
    pool.query(
      "update work_orders set metadata = metadata || jsonb_build_object('dependencies', $2::jsonb) where id = $1",
      [id, JSON.stringify(dependencies)],
    )
  await assert.rejects(write(a, [b]), /work order \S+ "A" cannot depend on \S+ "B", which waits for it/)
  await assert.rejects(write(a, [a]), /"A" cannot depend on \S+ "A", which waits for it/)
  await assert.rejects(write(b, ['12345678-0000-4000-8000-000000000000']), /which is not there/)
  for (const wrong of ['x', [0], ['A'], { a }, [a, a]])
    await assert.rejects(write(b, wrong), /not a list of at most 50/)
  const [c, d] = ['c0000000-0000-4000-8000-000000000000', 'd0000000-0000-4000-8000-000000000000']
  const both = pool.query(
    `insert into work_orders (id, title, metadata) values
       ($1::uuid, 'C', jsonb_build_object('dependencies', jsonb_build_array($2::text))), ($2::uuid, 'D', '{}')`,
    [c, d],
  )
  assert.equal((await both).rowCount, 2, 'filed together, in any order')
  await assert.rejects(write(d, [c]), /which waits for it/)
})

test('a file of orders that each wait for the fifty before is filed in time that grows with it', async () => {
  await using database = await createTestDatabase()
  const titles = Array.from({ length: 250 }, (_, at) => `Order ${at}`)
  const orders = titles.map((title, at) => order(title, ...titles.slice(Math.max(0, at - 50), at)))
  assert.equal((await addWorkOrders(database.db, orders)).length, 250)
  assert.equal((await addWorkOrders(database.db, orders.toReversed())).length, 250)
})

test('the database finds a circle wherever it is written in a transaction, and none where there is none', async () => {
  await using database = await createTestDatabase()
  const chance = seededChance('circles')
  const pick = (below: number) => Math.floor(chance() * below)
  const client = await database.pool.connect()
  let refused = 0
  for (let round = 0; round < 60; round += 1) {
    const ids = Array.from({ length: 2 + pick(7) }, () => randomUUID())
    const edges = new Map<string, Set<string>>(ids.map((id) => [id, new Set()]))
    const write = async () => {
      const id = String(ids[pick(ids.length)])
      const named = new Set(ids.filter(() => chance() < 0.2))
      edges.set(id, named)
      await client.query(
        `insert into work_orders (id, title, metadata) values ($1, 'One', jsonb_build_object('dependencies', $2::jsonb))
         on conflict (id) do update set metadata = excluded.metadata`,
        [id, JSON.stringify([...named])],
      )
    }
    await client.query('begin')
    for (const id of ids) await client.query("insert into work_orders (id, title) values ($1, 'One')", [id])
    for (let writes = 2 + pick(12); writes > 0; writes -= 1) {
      await write()
      // A check in between is not the last one.
      if (!isCircular(edges) && chance() < 0.2) {
        await client.query('set constraints all immediate')
        await client.query('set constraints all deferred')
      }
    }
    const end = client.query('commit')
    if (isCircular(edges)) {
      refused += 1
      await assert.rejects(end, /which waits for it/)
    } else await end
  }
  client.release()
  assert.ok(refused > 10 && refused < 50, `${refused} of 60 refused`)
})

/** Whether an order waits for itself, by whatever way. */
function isCircular(edges: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const open = new Map(edges)
  const isFree = (named: ReadonlySet<string>) => ![...named].some((id) => open.has(id))
  for (let size = -1; size !== open.size; ) {
    size = open.size
    for (const [id, named] of open) if (isFree(named)) open.delete(id)
  }
  return open.size > 0
}

test('two edits at once cannot make two orders wait for each other', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const [a, b] = await addWorkOrders(db, [order('A'), order('B')])
  const edits = await Promise.allSettled([
    editWorkOrder(db, String(a?.id), { depends_on: [String(b?.id)] }),
    editWorkOrder(db, String(b?.id), { depends_on: [String(a?.id)] }),
  ])
  assert.deepEqual(edits.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('an order whose dependency is gone is blocked and says so', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const [plan, build] = await addWorkOrders(db, [order('Plan'), order('Build', 'Plan')])
  await pool.query('delete from work_order_events where work_order_id = $1', [plan?.id])
  await pool.query('delete from work_orders where id = $1', [plan?.id])
  await settle(database)
  const blocked = await findWorkOrder(db, String(build?.id))
  assert.match(String(blocked.status_reason?.message), /is not there any more/)
  const edited = await editWorkOrder(db, blocked.id, { depends_on: [] })
  assert.deepEqual([edited.status, edited.status_reason, edited.approved], ['pending', null, false])
  await approveWorkOrder(db, blocked.id)
  await settle(database)
  assert.deepEqual(await claimed(database), ['Build'])
})
