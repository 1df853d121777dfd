import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kysely } from 'kysely'
import { readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import type { Database } from '../../src/db/schema.ts'
import type { FaultCode } from '../../src/faults/fault.ts'
import { createTestDatabase } from '../support/database.ts'

type Run = {
  /** Null: the attempt opened a pull request. */
  fault?: FaultCode
  outcome?: 'failed' | 'blocked' | 'cancelled'
  pullRequest?: 'merged' | 'closed'
  proposer?: string
  metadata?: Record<string, unknown>
  files?: readonly string[]
  /** Minutes after the first. */
  at?: number
  endedAt?: number
}

/** An order with one attempt, as `results/` leaves it. */
async function record(db: Kysely<Database>, run: Run): Promise<void> {
  const { id } = await db
    .insertInto('work_orders')
    .values({
      title: 'Change',
      description: '',
      risk_level: 'low',
      files_in_scope: JSON.stringify(run.files ?? ['src/a.ts']),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const common = {
    work_order_id: id,
    attempt: 1,
    agent_name: 'orchestrator',
    cost: '0.0425',
    execution_time_ms: 60_000,
  }
  const when = (minutes = 0) => new Date(Date.UTC(2026, 0, 1, 0, minutes))
  await db
    .insertInto('outcome_vectors')
    .values({
      ...common,
      operation_type: 'work_order_execution',
      success: run.fault === undefined,
      outcome: run.fault === undefined ? 'pull_request_opened' : (run.outcome ?? 'failed'),
      model_used: run.proposer ?? 'mini',
      error_context: run.fault === undefined ? null : JSON.stringify({ code: run.fault, message: 'x' }),
      metadata: JSON.stringify({ complexity_score: 0.35, change_kind: 'code', replayed: false, ...run.metadata }),
      created_at: when(run.at),
    })
    .execute()
  if (run.pullRequest === undefined) return
  await db
    .insertInto('outcome_vectors')
    .values({
      ...common,
      operation_type: 'pull_request_end',
      success: run.pullRequest === 'merged',
      outcome: run.pullRequest,
      model_used: 'none',
      created_at: when(run.endedAt ?? run.at),
    })
    .execute()
}

async function mergedAfter(...runs: Run[]): Promise<boolean[]> {
  await using database = await createTestDatabase()
  for (const run of runs) await record(database.db, run)
  return (await readRoutingOutcomes(database.db, 100)).map(({ merged }) => merged)
}

test('a merged pull request is a success of the selected proposer, with the cost and time of its attempt', async () => {
  await using database = await createTestDatabase()
  await record(database.db, { pullRequest: 'merged' })
  assert.deepEqual(await readRoutingOutcomes(database.db, 100), [
    { proposer: 'mini', merged: true, costUsd: 0.0425, durationMs: 60_000, complexity: 0.35, kind: 'code' },
  ])
})

test('a closed pull request, and an attempt its model spoilt, are failures', async () => {
  assert.deepEqual(await mergedAfter({ pullRequest: 'closed' }), [false])
  for (const fault of ['check_failed', 'aider_no_change', 'edits_rejected', 'change_out_of_scope'] as const) {
    assert.deepEqual(await mergedAfter({ fault }), [false], fault)
  }
})

test('an open pull request does not count yet, and what was not the model’s never does', async () => {
  assert.deepEqual(await mergedAfter({}), [])
  for (const fault of ['internal', 'push_rejected', 'aider_crashed', 'github_failed', 'command_failed'] as const) {
    assert.deepEqual(await mergedAfter({ fault }), [], fault)
  }
  assert.deepEqual(await mergedAfter({ fault: 'model_overloaded', outcome: 'blocked' }), [])
  assert.deepEqual(await mergedAfter({ fault: 'check_failed', outcome: 'cancelled' }), [])
})

test('a replayed recording, an attempt that was not routed and a row of a first Moose do not count', async () => {
  assert.deepEqual(await mergedAfter({ pullRequest: 'merged', metadata: { replayed: true } }), [])
  assert.deepEqual(await mergedAfter({ pullRequest: 'merged', metadata: { complexity_score: null } }), [])
  assert.deepEqual(await mergedAfter({ pullRequest: 'merged', proposer: 'none' }), [])
  await using database = await createTestDatabase()
  await database.db
    .insertInto('outcome_vectors')
    .values({ operation_type: 'work_order_execution', success: true, model_used: 'mini', outcome: 'merged' })
    .execute()
  assert.deepEqual(await readRoutingOutcomes(database.db, 100), [])
})

test('the kind of change is the recorded one, else that of the order’s files', async () => {
  await using database = await createTestDatabase()
  const files = ['README.md']
  await record(database.db, { pullRequest: 'merged', files, at: 3 })
  await record(database.db, { pullRequest: 'merged', files, metadata: { change_kind: undefined }, at: 2 })
  await record(database.db, { pullRequest: 'merged', files, metadata: { change_kind: 'poetry' }, at: 1 })
  const kinds = (await readRoutingOutcomes(database.db, 100)).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['code', 'docs', 'docs'])
})

test('the latest ends come first, and no more than asked for', async () => {
  await using database = await createTestDatabase()
  await record(database.db, { proposer: 'first', pullRequest: 'merged', at: 1, endedAt: 9 })
  await record(database.db, { proposer: 'second', fault: 'check_failed', at: 2 })
  await record(database.db, { proposer: 'third', pullRequest: 'merged', at: 3, endedAt: 4 })
  const names = async (latest: number) => (await readRoutingOutcomes(database.db, latest)).map((one) => one.proposer)
  assert.deepEqual(await names(100), ['first', 'third', 'second'])
  assert.deepEqual(await names(2), ['first', 'third'])
})
