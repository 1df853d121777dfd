import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { reserve } from '../../src/budget/ledger.ts'
import type { AttemptRun } from '../../src/db/attempts/attempts.ts'
import { holdAttempt, noteAttempt } from '../../src/db/attempts/hold-attempt.ts'
import type { Database } from '../../src/db/schema.ts'
import { toFault } from '../../src/faults/fault.ts'
import { Usd } from '../../src/money.ts'
import { processId } from '../../src/process/process-id.ts'
import { createTestDatabase } from '../support/database.ts'
import { CALL, order, project } from '../support/ledger-rows.ts'

const OTHER = '99999999-9999-4999-8999-999999999999'

type Stand = { status: string; holder: string | null; resumed?: number }

async function stand(db: Kysely<Database>, { status, holder, resumed = 0 }: Stand): Promise<void> {
  await sql`update attempts set status = ${status}, holder = ${holder}::uuid, resumed = ${resumed}`.execute(db)
}

/** What whoever wakes up again may still do with the first run of its attempt. */
async function allowed(db: Kysely<Database>, run: AttemptRun) {
  const isDone = async (work: Promise<unknown>) => {
    try {
      await work
      return true
    } catch (error) {
      assert.equal(toFault(error).code, 'attempt_taken_over')
      return false
    }
  }
  return {
    pays: await isDone(reserve(db, { ...CALL, ...run }, new Usd('0.01'))),
    pushes: await isDone(holdAttempt(db, run)),
    records: await isDone(noteAttempt(db, run, { base_sha: '0'.repeat(40) })),
  }
}

test('who no longer carries an attempt out neither pays nor pushes for it, whoever ended it and however', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const run = { ...(await order(database, 'One', { project: await project(database, 'hello') })), epoch: 0 }
  const NOTHING = { pays: false, pushes: false, records: false }

  assert.deepEqual(await allowed(db, run), { pays: true, pushes: true, records: true })
  for (const status of ['running', 'succeeded', 'failed', 'blocked', 'cancelled']) {
    await stand(db, { status, holder: OTHER, resumed: 1 })
    assert.deepEqual(await allowed(db, run), NOTHING, `taken over, ${status}`)
  }
  await stand(db, { status: 'running', holder: null })
  assert.deepEqual(await allowed(db, run), NOTHING, 'begun by a Moose that knew no fleet')
  // Its end is being recorded once more: that changes nothing.
  for (const holder of [processId, OTHER]) {
    await stand(db, { status: 'blocked', holder })
    assert.deepEqual(await allowed(db, run), { pays: false, pushes: false, records: true }, 'ended')
  }
})

test('a caller of its own, whose attempt is no row of ours, may pay', async () => {
  await using database = await createTestDatabase()
  const { workOrderId } = await order(database, 'One', { project: await project(database, 'hello') })
  await reserve(database.db, { ...CALL, workOrderId, attempt: 7 }, new Usd('0.01'))
})
