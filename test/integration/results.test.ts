import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordPullRequestEnd } from '../../src/results/record-pull-request-end.ts'
import { createTestDatabase } from '../support/database.ts'

for (const state of ['closed', 'merged'] as const) {
  test(`an earlier attempt's pull request that is ${state} leaves the attempt that runs now alone`, async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const { id } = await db
      .insertInto('work_orders')
      .values({ title: 'Change', description: '', risk_level: 'low', attempts: 2 })
      .returning('id')
      .executeTakeFirstOrThrow()
    for (const number of [1, 2]) {
      const status = number === 1 ? 'cancelled' : 'running'
      await db
        .insertInto('attempts')
        .values({ work_order_id: id, number, content: '{}', executor_id: 'test', status })
        .execute()
    }
    await db
      .updateTable('work_orders')
      .set({ status: 'in_progress', phase: 'proposing' })
      .where('id', '=', id)
      .execute()
    const pullRequest = { number: 7, url: 'u', branch: 'b', base: 'main', headSha: 'h', state, mergeSha: 'm' }
    const stands = () => db.selectFrom('work_orders').select(['status', 'phase']).executeTakeFirstOrThrow()

    await recordPullRequestEnd(db, { workOrderId: id, attempt: 1, pullRequest })
    assert.deepEqual(await stands(), { status: 'in_progress', phase: 'proposing' })
    const events = await db.selectFrom('github_events').select('action').execute()
    assert.deepEqual(events, [{ action: state }])

    await recordPullRequestEnd(db, { workOrderId: id, attempt: 2, pullRequest })
    assert.equal((await stands()).status, state === 'merged' ? 'completed' : 'cancelled')
  })
}
