import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { verdictsOfNextClaim } from '../../src/db/work-orders/next-orders.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const RUNNER = { homeId: 'one', revision: 'one' }

/** A project of this name with so many approved orders, and so many pull requests of others open. */
async function fill(
  { pool }: TestDatabase,
  { name, most, orders, open }: { name: string; most: number | null; orders: number; open: number },
): Promise<string> {
  const { rows } = await pool.query(
    `insert into projects (name, repository, default_branch, forge, max_open_pull_requests)
     values ($1, '/nowhere/' || $1, 'main', 'local', $2) returning id`,
    [name, most],
  )
  const id = String(rows[0].id)
  await pool.query(
    `with filed as (
       insert into work_orders (title, project_id, files_in_scope, status, phase)
       select $2 || ' in review ' || n, $1, '["a.txt"]', 'in_progress', 'in_review' from generate_series(1, $3::int) as n returning id
     )
     insert into pull_requests (project_id, number, work_order_id, attempt, title, body, base, branch, base_sha, head_sha, diff)
     select $1, row_number() over (), id, 1, '', '', 'main', id::text, '', '', '' from filed`,
    [id, name, open],
  )
  await pool.query(
    `insert into work_orders (title, project_id, files_in_scope, metadata)
     select $2 || ' ' || n, $1, jsonb_build_array(n || '.txt'), '{"approved_by_director": true}' from generate_series(1, $3::int) as n`,
    [id, name, orders],
  )
  return id
}

async function claimed({ db }: TestDatabase, only: string | null = null): Promise<string[]> {
  const claim = await claimOrders(db, { maxConcurrent: 9, maxPerRepository: null, runner: RUNNER, only })
  const titles: string[] = []
  for (const { workOrderId } of claim.claimed) titles.push((await findWorkOrder(db, workOrderId)).title)
  return titles
}

test('no more orders run than pull requests may be opened, and those of other projects are not held', async () => {
  await using database = await createTestDatabase()
  await fill(database, { name: 'shop', most: 3, orders: 5, open: 1 })
  await fill(database, { name: 'site', most: null, orders: 2, open: 4 })
  assert.deepEqual((await claimed(database)).sort(), ['shop 1', 'shop 2', 'site 1', 'site 2'])
  assert.deepEqual(await claimed(database), [])
})

test('orders beyond the cap say so, and go on when a pull request is merged or closed', async () => {
  await using database = await createTestDatabase()
  await fill(database, { name: 'shop', most: 1, orders: 2, open: 1 })
  assert.deepEqual(await claimed(database), [])
  const limits = { maxConcurrent: 9, perRepository: null, pauseAfter: 0 }
  const { verdicts } = await verdictsOfNextClaim(database.db, limits)
  assert.deepEqual(
    [...verdicts.values()].map((verdict) =>
      verdict.waitsFor === 'pull_requests' ? [verdict.open, verdict.most] : verdict,
    ),
    [
      [1, 1],
      [1, 1],
    ],
  )
  await database.pool.query("update pull_requests set state = 'closed'")
  assert.deepEqual(await claimed(database), ['shop 1'])
})

test('an order whose own pull request is open is taken on beyond the cap, and so is one that is asked for by its id', async () => {
  await using database = await createTestDatabase()
  await fill(database, { name: 'shop', most: 1, orders: 1, open: 2 })
  await database.pool.query(
    `update work_orders set status = 'pending', phase = null, verifies = 1, metadata = '{"approved_by_director": true}'
     where title = 'shop in review 1'`,
  )
  assert.deepEqual(await claimed(database), ['shop in review 1'])
  const { rows } = await database.pool.query("select id from work_orders where title = 'shop 1'")
  assert.deepEqual(await claimed(database, rows[0].id), ['shop 1'])
})
