import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
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
