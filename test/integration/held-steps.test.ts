import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { beginStep, endStep } from '../../src/db/attempts/attempt-steps.ts'
import type { Database } from '../../src/db/schema.ts'
import { recordHeldEvent } from '../../src/db/work-order-events.ts'
import { Fault, toFault } from '../../src/faults/fault.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { order, project } from '../support/ledger-rows.ts'
import { until } from '../support/until.ts'

const HOME = 'home-1'
const APPLYING = { phase: 'applying', homeId: HOME } as const
const FAILURE = new Fault('check_failed', 'The tests fail.').toRecord()

/** An order in an attempt of this process that has reached no step yet. */
async function underWay(database: TestDatabase) {
  const { db } = database
  const run = { ...(await order(database, 'One', { project: await project(database, 'hello') })), epoch: 0 }
  await sql`update work_orders set status = 'in_progress', phase = 'routing', attempts = 1`.execute(db)
  await sql`delete from work_order_events`.execute(db)
  const step = (name: string, number = 1) => ({ ...run, name, try: number, label: name })
  return { db, run, step }
}

/** What is written down, in order. */
async function written(db: Kysely<Database>) {
  const events = await db.selectFrom('work_order_events').selectAll().orderBy('id').execute()
  const steps = await db.selectFrom('attempt_steps').selectAll().orderBy('started_at').execute()
  const { phase } = await db.selectFrom('work_orders').select('phase').executeTakeFirstOrThrow()
  return {
    events: events.map(({ type, step, message }) => [type, step, message]),
    steps: steps.map(({ name, status, runs }) => [name, status, runs]),
    phase,
  }
}

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  return work.then(
    () => null,
    (error: unknown) => toFault(error).code,
  )
}

test('a step begins with its event and the phase of its order, and ends with its event, cost and time', async () => {
  await using database = await createTestDatabase()
  const { db, run, step } = await underWay(database)
  await beginStep(db, step('apply'), { ...APPLYING, input: { a: 1 } })
  // It was interrupted.
  await beginStep(db, step('apply'), { ...APPLYING, input: { a: 2 } })
  await sql`
    insert into model_calls (work_order_id, attempt, proposer, provider, model, cost_usd, duration_ms, started_at)
    values (${run.workOrderId}, ${run.attempt}, 'p', 'openai', 'm', 0.25, 1, now())
  `.execute(db)
  await endStep(db, step('apply'), { output: { b: [] }, failure: null })
  await beginStep(db, step('record'), { input: {}, phase: null, homeId: HOME })
  await endStep(db, step('record'), { output: undefined, failure: FAILURE })

  assert.deepEqual(await written(db), {
    events: [
      ['step_started', 'apply', 'apply'],
      ['status', null, 'in_progress/applying'],
      ['step_started', 'apply', 'apply'],
      ['status', null, 'in_progress/applying'],
      ['step_succeeded', 'apply', 'apply'],
      ['step_started', 'record', 'record'],
      ['step_failed', 'record', 'The tests fail.'],
    ],
    steps: [
      ['apply', 'succeeded', 2],
      ['record', 'failed', 1],
    ],
    phase: 'applying',
  })
  const steps = await db.selectFrom('attempt_steps').selectAll().orderBy('started_at').execute()
  assert.deepEqual(
    steps.map(({ input, output, error, cost_usd }) => [input, output, error, Number(cost_usd)]),
    [
      [{ a: 2 }, { b: [] }, null, 0.25],
      [{}, null, FAILURE, 0],
    ],
  )
  const ends = await db.selectFrom('work_order_events').select('data').where('type', 'like', 'step_%ed').execute()
  const [, , succeeded, , failed] = ends.map(({ data }) => data)
  assert.equal(succeeded?.['cost_usd'], 0.25)
  assert.ok(Number(succeeded?.['duration_ms']) >= 0)
  assert.equal(failed?.['code'], FAILURE.code)
})

test('an end is shown once, however often it is told, and a step that begins anew takes those after it along', async () => {
  await using database = await createTestDatabase()
  const { db, step } = await underWay(database)
  await beginStep(db, step('apply'), { ...APPLYING, input: {} })
  await endStep(db, step('apply'), { output: { b: 1 }, failure: null })
  const before = await written(db)
  await endStep(db, step('apply'), { output: { b: 2 }, failure: FAILURE })
  assert.deepEqual(await written(db), before, 'a replay tells it again')
  await beginStep(db, step('verify'), { input: {}, phase: 'verifying', homeId: HOME })
  await endStep(db, step('verify'), { output: {}, failure: null })
  await beginStep(db, step('apply'), { ...APPLYING, input: {} })
  const { phase, steps } = await written(db)
  assert.deepEqual([phase, steps], ['applying', [['apply', 'running', 2]]])
})

test('of an order that is not carried out any more no step begins, and its end is told of all the same', async () => {
  await using database = await createTestDatabase()
  const { db, step } = await underWay(database)
  await sql`update work_orders set status = 'cancelled'`.execute(db)
  const begun = beginStep(db, step('verify'), { input: {}, phase: 'verifying', homeId: HOME })
  assert.equal(await codeOf(begun), 'attempt_cancelled')
  assert.deepEqual(await written(db), { events: [], steps: [], phase: null })

  await endStep(db, step('verify'), { output: undefined, failure: FAILURE })
  const { data } = await db.selectFrom('work_order_events').select('data').executeTakeFirstOrThrow()
  assert.deepEqual(data, { duration_ms: 0, cost_usd: 0, code: FAILURE.code })
  // What records the end of an order that was taken away.
  await beginStep(db, step('record'), { input: {}, phase: null, homeId: HOME })
})

test('a run that is being taken over writes nothing any more', async () => {
  await using database = await createTestDatabase()
  const { db, run, step } = await underWay(database)
  await beginStep(db, step('route'), { input: {}, phase: 'routing', homeId: HOME })
  const before = await written(db)
  const ways = () => [
    beginStep(db, step('propose'), { input: {}, phase: 'proposing', homeId: HOME }),
    endStep(db, step('route'), { output: {}, failure: null }),
    recordHeldEvent(db, run, { type: 'output', message: 'late', step: 'route' }),
  ]
  const taking = await db.startTransaction().execute()
  await sql`update attempts set resumed = 1`.execute(taking)
  const waiting = Promise.all(ways().map(codeOf))
  // They have looked, and found the row locked.
  await until('all three wait for the row', async () => (await waitingForLocks(db)) === 3)
  await taking.commit().execute()
  const codes = await waiting
  assert.deepEqual(new Set(codes), new Set(['attempt_taken_over']))
  assert.deepEqual(new Set(await Promise.all(ways().map(codeOf))), new Set(['attempt_taken_over']))
  assert.deepEqual(await written(db), before)
})

async function waitingForLocks(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
  `.execute(db)
  return Number(rows[0]?.count)
}
