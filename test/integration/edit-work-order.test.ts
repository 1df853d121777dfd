import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventsAfter } from '../../src/db/work-order-events.ts'
import { editWorkOrder } from '../../src/db/work-orders/edit-work-order.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { faultOf } from '../support/fault-of.ts'
import { fileOrder } from '../support/moose-home.ts'

const ORDER = { title: 'Greet', files: ['a.txt'], criteria: ['it greets'] }
const edits = async ({ db }: TestDatabase, id: string) =>
  (await eventsAfter(db, id, '0')).filter(({ type }) => type === 'edited').map(({ message }) => message)

test('an edit replaces what it names, withdraws the approval and is told in the log', async () => {
  await using database = await createTestDatabase()
  const id = await fileOrder(database, ORDER)
  const order = await editWorkOrder(database.db, id.slice(0, 8), {
    title: 'Greet',
    files_in_scope: ['b.txt', 'c/'],
    risk_level: 'high',
  })
  assert.deepEqual(
    [order.title, order.files_in_scope, order.acceptance_criteria, order.risk_level, order.approved],
    ['Greet', ['b.txt', 'c/'], ['it greets'], 'high', false],
  )
  assert.deepEqual(await edits(database, id), ['edited: files_in_scope, risk_level'])
})

test('an edit that changes nothing leaves the approval and the log as they are', async () => {
  await using database = await createTestDatabase()
  const id = await fileOrder(database, ORDER)
  const order = await editWorkOrder(database.db, id, { title: 'Greet', acceptance_criteria: ['it greets'] })
  assert.equal(order.approved, true)
  assert.deepEqual(await edits(database, id), [])
})

test('life G1: white space at the end of a text or a line is no change: nothing is stored, the approval stays', async () => {
  await using database = await createTestDatabase()
  const id = await fileOrder(database, ORDER)
  const description = 'Greet, please.\n\n- once\n- twice'
  await editWorkOrder(database.db, id, { description })
  await database.pool.query(`update work_orders set metadata = '{"approved_by_director": true}' where id = $1`, [id])
  for (const same of [
    `${description} `,
    `${description}\n\n`,
    description.replaceAll('\n', ' \t\n'),
    description.replaceAll('\n', '\r\n'),
  ]) {
    const order = await editWorkOrder(database.db, id, { title: 'Greet', description: same })
    assert.deepEqual([order.description, order.approved], [description, true], JSON.stringify(same))
  }
  assert.deepEqual(await edits(database, id), ['edited: description'])
  // Where it begins a line it says something, and in a path it is another file.
  const indented = await editWorkOrder(database.db, id, { description: description.replace('- twice', '  - twice') })
  assert.deepEqual([indented.description.includes('  - twice'), indented.approved], [true, false])
  await database.pool.query(`update work_orders set files_in_scope = '["a.txt "]' where id = $1`, [id])
  assert.deepEqual((await editWorkOrder(database.db, id, { files_in_scope: ['a.txt'] })).files_in_scope, ['a.txt'])
})

test('an order that runs, is in review or is completed is not edited; a failed one is', async () => {
  await using database = await createTestDatabase()
  const id = await fileOrder(database, ORDER)
  const become = (status: string, phase: string | null) =>
    database.pool.query('update work_orders set status = $2, phase = $3 where id = $1', [id, status, phase])
  await become('in_progress', 'in_review')
  const running = await faultOf(editWorkOrder(database.db, id, { title: 'x' }))
  assert.deepEqual(
    [running.code, /in_progress\/in_review.*cannot be edited/.test(running.message)],
    ['work_order_conflict', true],
  )
  await become('failed', null)
  assert.equal((await editWorkOrder(database.db, id, { title: 'x' })).title, 'x')
  assert.equal((await faultOf(editWorkOrder(database.db, id, { project: 'nope' }))).code, 'not_found')
})

test('a budget is changed at any time and withdraws no approval; with content it is an edit like any other', async () => {
  await using database = await createTestDatabase()
  const id = await fileOrder(database, ORDER)
  const own = await editWorkOrder(database.db, id, { budget_usd: '2.50' })
  assert.deepEqual([own.budget_usd, own.approved], [2.5, true])
  await editWorkOrder(database.db, id, { budget_usd: 2.5 })
  await database.pool.query("update work_orders set status = 'in_progress', phase = 'proposing' where id = $1", [id])
  assert.equal((await editWorkOrder(database.db, id, { budget_usd: null })).budget_usd, null)
  assert.deepEqual(await edits(database, id), ['edited: budget_usd', 'edited: budget_usd'])
  const both = await faultOf(editWorkOrder(database.db, id, { budget_usd: 1, title: 'x' }))
  assert.equal(both.code, 'work_order_conflict')
})

test('an order that waits to have a commit without a pull request verified makes its change anew once it is edited', async () => {
  await using database = await createTestDatabase()
  const id = await fileOrder(database, ORDER)
  const waits = async () => {
    const columns = 'select verifies, resolves, retry_mode from work_orders where id = $1'
    return (await database.pool.query(columns, [id])).rows[0]
  }
  await database.pool.query("update work_orders set verifies = 1, retry_mode = 'verify_only' where id = $1", [id])
  await editWorkOrder(database.db, id, { title: 'Greet', budget_usd: 3 })
  assert.equal((await waits()).verifies, 1, 'its content is the same')
  const { status, approved } = await editWorkOrder(database.db, id, { title: 'Greet warmly' })
  assert.deepEqual([status, approved], ['pending', false])
  assert.deepEqual(await waits(), { verifies: null, resolves: false, retry_mode: 'again' })
})
