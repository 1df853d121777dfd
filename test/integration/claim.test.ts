import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordEvent } from '../../src/db/work-order-events.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const RUNNER = { homeId: 'one', revision: 'one' }

/** Approves orders over the projects `busy` and `other`, oldest first, each with this scope. */
async function file({ pool }: TestDatabase, orders: { project: string; count: number; scope: string }): Promise<void> {
  await pool.query(
    `insert into projects (name, repository, default_branch, forge)
     select name, '/nowhere/' || name, 'main', 'local' from (values ('busy'), ('other')) as named (name)
     where not exists (select from projects where repository is not null)`,
  )
  await pool.query(
    `insert into work_orders (title, description, risk_level, project_id, files_in_scope, metadata)
     select $1, 'An order.', 'low', (select id from projects where name = $1),
            jsonb_build_array(replace($3, '#', n::text)), '{"approved_by_director": true}'
     from generate_series(1, $2::int) as n`,
    [orders.project, orders.count, orders.scope],
  )
}

async function claim(
  { db }: TestDatabase,
  { maxConcurrent, maxPerRepository = null }: { maxConcurrent: number; maxPerRepository?: number | null },
): Promise<string[]> {
  const { claimed } = await claimOrders(db, { maxConcurrent, maxPerRepository, runner: RUNNER, only: null })
  if (claimed.length === 0) return []
  const ids = claimed.map(({ workOrderId }) => workOrderId)
  const orders = await db.selectFrom('work_orders').select(['id', 'title']).where('id', 'in', ids).execute()
  return ids.map((id) => String(orders.find((order) => order.id === id)?.title))
}

describe('a long row of orders that have to wait', () => {
  test('hides none behind it whose files are free', async () => {
    await using database = await createTestDatabase()
    await file(database, { project: 'busy', count: 300, scope: 'one-file' })
    await file(database, { project: 'other', count: 2, scope: 'file-#' })
    assert.deepEqual(await claim(database, { maxConcurrent: 9 }), ['busy', 'other', 'other'])
  })

  test('for their repository hides none of another, however long it is', async () => {
    await using database = await createTestDatabase()
    await file(database, { project: 'busy', count: 3_000, scope: 'file-#' })
    await file(database, { project: 'other', count: 2, scope: 'file-#' })
    const limits = { maxConcurrent: 9, maxPerRepository: 1 }
    assert.deepEqual(await claim(database, limits), ['busy', 'other'])
    assert.deepEqual(await claim(database, limits), [])
  })

  test('does not keep the oldest of many from coming first', async () => {
    await using database = await createTestDatabase()
    await file(database, { project: 'other', count: 20, scope: 'file-#' })
    await file(database, { project: 'busy', count: 80, scope: 'file-#' })
    const claimed = await claim(database, { maxConcurrent: 30 })
    assert.deepEqual(claimed, [...'other '.repeat(20).trim().split(' '), ...'busy '.repeat(10).trim().split(' ')])
  })
})

describe('an order whose row is held by another transaction', () => {
  const limits = { maxConcurrent: 9, maxPerRepository: null, runner: RUNNER, only: null }

  test('is passed over, and is said to be held up, where it is changed', async () => {
    await using database = await createTestDatabase()
    await file(database, { project: 'busy', count: 2, scope: 'file-#' })
    const { db } = database
    const changed = await db.transaction().execute(async (transaction) => {
      await transaction
        .updateTable('work_orders')
        .set({ status_reason: null })
        .where('files_in_scope', '@>', '["file-1"]')
        .execute()
      return await claimOrders(db, limits)
    })
    assert.deepEqual([changed.claimed.length, changed.isHeldUp], [1, true])
    const after = await claimOrders(db, limits)
    assert.deepEqual([after.claimed.length, after.isHeldUp], [1, false])
  })

  test('is claimed where something is only recorded of it', async () => {
    await using database = await createTestDatabase()
    await file(database, { project: 'busy', count: 1, scope: 'file-#' })
    const { db } = database
    const claimed = await db.transaction().execute(async (transaction) => {
      const { id } = await transaction.selectFrom('work_orders').select('id').executeTakeFirstOrThrow()
      await recordEvent(transaction, { workOrderId: id, type: 'pull_request', message: 'seen' })
      return await claimOrders(db, limits)
    })
    assert.deepEqual([claimed.claimed.length, claimed.isHeldUp], [1, false])
  })
})
