import assert from 'node:assert/strict'
import { test } from 'node:test'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { claimOrders } from '../../src/db/work-orders/claim.ts'
import { isStillApproved } from '../../src/db/work-orders/order-conditions.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { until } from '../support/until.ts'

/** What a Director, his tools or another program may write, and whether it is an approval. */
const FLAGS: [unknown, boolean][] = [
  [true, true],
  ['true', true],
  [false, false],
  ['false', false],
  [null, false],
  [undefined, false],
  ['TRUE', false],
  ['True', false],
  [' true', false],
  ['true ', false],
  ['"true"', false],
  ['yes', false],
  ['t', false],
  ['', false],
  [1, false],
  [0, false],
  ['1', false],
  [[true], false],
  [['true'], false],
  [[[true]], false],
  [[], false],
  [{}, false],
  [{ true: true }, false],
]

/** Metadata of a row from before the check on the column. */
const ODD: unknown[] = [null, true, 'true', ['approved_by_director'], [{ approved_by_director: true }], 1]

async function insert({ pool }: TestDatabase, metadata: unknown): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `insert into work_orders (title, description, files_in_scope, metadata)
     values ($1, '', jsonb_build_array(gen_random_uuid()::text), $2) returning id`,
    [JSON.stringify(metadata), JSON.stringify(metadata)],
  )
  return String(rows[0]?.id)
}

async function bySpecification({ pool }: TestDatabase, id: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from work_orders where id = $1 and metadata->>'approved_by_director' = 'true'`,
    [id],
  )
  return rowCount === 1
}

async function claims({ db }: TestDatabase, id: string): Promise<boolean> {
  const runner = { homeId: 'one', revision: 'one' }
  const { claimed } = await claimOrders(db, { maxConcurrent: 1_000, maxPerRepository: null, runner, only: id })
  return claimed.length === 1
}

test('what the specification asks for, what is shown and what is claimed are one approval, and approve makes it one', async () => {
  await using database = await createTestDatabase()
  await database.pool.query(`insert into projects (name, repository) values ('shop', '/srv/shop')`)
  await database.pool.query('alter table work_orders drop constraint work_orders_metadata_check')
  const rows = [
    ...FLAGS.map(([flag, approved]) => [{ approved_by_director: flag }, approved] as const),
    ...ODD.map((metadata) => [metadata, false] as const),
  ]
  for (const [metadata, approved] of rows) {
    const words = JSON.stringify(metadata)
    const id = await insert(database, metadata)
    assert.equal(await bySpecification(database, id), approved, `${words}, by the query of the specification`)
    assert.equal((await findWorkOrder(database.db, id)).approved, approved, `${words}, as it is shown`)
    if (!approved) {
      assert.equal(await claims(database, id), false, `${words}, claimed`)
      assert.equal((await approveWorkOrder(database.db, id)).approved, true, `${words}, after approve`)
      assert.equal((await findWorkOrder(database.db, id)).metadata['approved_by_director'], true, words)
    }
    assert.equal(await claims(database, id), true, `${words}, claimed once it is approved`)
    const run = { workOrderId: id, attempt: 1 }
    assert.equal(await isStillApproved(database.db, run), true, `${words}, at the second look`)
    await database.pool.query('update work_orders set metadata = $2 where id = $1', [id, words])
    assert.equal(await isStillApproved(database.db, run), approved, `${words}, at a second look at itself`)
  }
})

const EDIT = `update work_orders set description = description || ' and delete the tests' where id = $1`
const PLAIN = { allow: [], allow_secrets: [], allow_all_protected: false }

test('what was edited since it was looked at is not approved, nor is anything of it allowed', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const id = await insert(database, {})
  const { content_sha256 } = await findWorkOrder(db, id)
  assert.match(String(content_sha256), /^[0-9a-f]{64}$/)
  await pool.query(EDIT, [id])
  const refused = await faultOf(approveWorkOrder(db, id, { ...PLAIN, allow_all_protected: true, content_sha256 }))
  const now = await findWorkOrder(db, id)
  assert.deepEqual([refused.code, refused.details], ['work_order_conflict', { id, content_sha256: now.content_sha256 }])
  assert.match(refused.message, /was changed since it was looked at.* moose show \S+ .* moose approve \S+$/)
  const { rows } = await pool.query<{ count: string }>(
    `select (select count(*) from allowed_changes) + (select count(*) from work_order_events)
       + (select count(*) from audit_entries where act in ('order.approve', 'order.allow')) as count`,
  )
  assert.deepEqual([now.approved, rows[0]?.count], [false, '0'])
  assert.equal((await approveWorkOrder(db, id, PLAIN)).approved, true, 'without the condition')
  assert.equal((await faultOf(approveWorkOrder(db, id, { ...PLAIN, content_sha256 }))).code, 'work_order_conflict')
  const same = now.content_sha256
  assert.equal((await approveWorkOrder(db, id, { ...PLAIN, content_sha256: same })).approved, true, 'approved already')
})

test('an edit that is under way while it is approved counts', async () => {
  await using database = await createTestDatabase()
  const { db, pool } = database
  const id = await insert(database, {})
  const { content_sha256 } = await findWorkOrder(db, id)
  const editor = await pool.connect()
  try {
    await editor.query('begin')
    await editor.query(EDIT, [id])
    const approving = faultOf(approveWorkOrder(db, id, { ...PLAIN, content_sha256 }))
    await until(
      'the approval waits for the edit',
      async () =>
        (
          await pool.query(
            'select from pg_stat_activity where datname = current_database() and wait_event_type = $$Lock$$',
          )
        ).rowCount === 1,
    )
    await editor.query('commit')
    assert.equal((await approving).code, 'work_order_conflict')
  } finally {
    editor.release()
  }
  assert.equal((await findWorkOrder(db, id)).approved, false)
})
