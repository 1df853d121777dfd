import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { PIPELINE_REVISION } from '../../src/attempt/pipeline-revision.ts'
import { recordFailure } from '../../src/attempt/steps/record.ts'
import { attemptHistory } from '../../src/db/attempts/attempt-history.ts'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { type ClaimOptions, claimOrders } from '../../src/db/work-orders/claim.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import type { OrchestratorBench } from '../support/orchestrator-bench.ts'
import { mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import {
  atRest,
  attemptRefs,
  bench,
  claims,
  empty,
  executions,
  FILES,
  greet,
  KEY,
  NEVER_POLLS,
  noMoney,
  putAway,
  stands,
  stepsOf,
} from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

describe('one service, whose attempts rest and go on: nothing that ended is done again', () => {
  let home: MooseHome
  let moose: OrchestratorBench

  before(async () => {
    home = await createMooseHome(FILES, [greet, empty], NEVER_POLLS)
    moose = await bench(home)
    await moose.orchestrator.start(null)
  })
  beforeEach(() => {
    Object.assign(moose.calls, { route: 0, propose: 0, patch: 0, aider: 0, check: 0 })
  })
  after(async () => {
    await moose[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  test('at a proposal', async () => {
    moose.trouble.propose.push(noMoney())
    const { total_executed: before } = await moose.orchestrator.status()
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const resting = await atRest(home, id)
    assert.equal(stands(resting), 'blocked/budget_exceeded', JSON.stringify(resting.status_reason))
    assert.deepEqual(
      resting.history.map(({ status, error }) => [status, error?.code]),
      [['blocked', 'budget_exceeded']],
    )
    assert.deepEqual(await executions(home, id), [])
    assert.deepEqual(await claims(home, id), ['attempt 1 begins'])

    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.equal(order.attempts, 1)
    assert.deepEqual(stepsOf(order), [
      'route 1 succeeded 1',
      'prepare 1 succeeded 1',
      'propose 1 succeeded 2',
      'apply 1 succeeded 1',
      'verify 1 succeeded 1',
      'publish 1 succeeded 1',
      'record 1 succeeded 1',
    ])
    assert.deepEqual(moose.calls, { route: 1, propose: 2, patch: 1, aider: 0, check: 1 })
    assert.deepEqual(await claims(home, id), ['attempt 1 begins', 'attempt 1 is resumed at propose'])
    assert.deepEqual(await executions(home, id), [{ attempt: 1, outcome: 'pull_request_opened' }])
    assert.equal((await moose.orchestrator.status()).total_executed, before + 1)
  })

  test('at an application, and once more, after weeks', async () => {
    moose.trouble.patch.push(noMoney(), noMoney())
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    assert.equal(stands(await atRest(home, id)), 'blocked/budget_exceeded')
    // More milliseconds than an integer holds.
    await sql`update attempts set claimed_at = claimed_at - interval '40 days' where work_order_id = ${id}`.execute(
      home.database.db,
    )
    await moose.orchestrator.retry(id)
    await until('it is claimed again', async () => (await claims(home, id)).length === 2)
    assert.equal(stands(await atRest(home, id)), 'blocked/budget_exceeded')
    await moose.orchestrator.retry(id)
    await until('it is claimed a third time', async () => (await claims(home, id)).length === 3)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.deepEqual(moose.calls, { route: 1, propose: 1, patch: 3, aider: 0, check: 1 })
    assert.ok(stepsOf(order)?.includes('apply 1 succeeded 3'), String(stepsOf(order)))
    assert.deepEqual(await executions(home, id), [{ attempt: 1, outcome: 'pull_request_opened' }])
  })

  test('at the repair of a failed check: the commit that failed it is kept and not made again', async () => {
    moose.trouble.aider.push(null, noMoney())
    const id = await fileOrder(home.database, { title: empty.task, files: ['greeting.txt'] })
    const resting = await atRest(home, id)
    assert.equal(stands(resting), 'blocked/budget_exceeded')
    await putAway(moose)
    assert.equal((await attemptRefs(home, id)).length, 1)

    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.deepEqual(moose.calls, { route: 1, propose: 1, patch: 0, aider: 3, check: 2 })
    assert.deepEqual(
      stepsOf(order)?.filter((step) => /^(propose|apply|verify)/.test(step)),
      [
        'propose 1 succeeded 1',
        'apply 1 succeeded 1',
        'verify 1 failed 1',
        'apply 2 succeeded 2',
        'verify 2 succeeded 1',
      ],
    )
    const branch = `feature/wo-${id.slice(0, 8)}-empty-it`
    assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'repaired')
    assert.deepEqual(await executions(home, id), [{ attempt: 1, outcome: 'pull_request_opened' }])
  })

  test('one that fails after it went on has the one outcome of its end', async () => {
    moose.trouble.patch.push(noMoney(), new Fault('change_out_of_scope', 'It strays.'))
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await atRest(home, id)
    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'failed/change_out_of_scope')
    assert.deepEqual(await executions(home, id), [{ attempt: 1, outcome: 'failed' }])
    await moose.orchestrator.retry(id)
    const again = await atRest(home, id)
    assert.deepEqual([again.phase, again.attempts], ['in_review', 2])
  })

  test('an order edited while its attempt rests gets a new one', async () => {
    moose.trouble.patch.push(noMoney())
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await atRest(home, id)
    const { db } = home.database
    const approved = JSON.stringify({ approved_by_director: true })
    await db.updateTable('work_orders').set({ description: 'Something else' }).where('id', '=', id).execute()
    await db.updateTable('work_orders').set({ metadata: approved }).where('id', '=', id).execute()
    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.deepEqual([order.phase, order.attempts], ['in_review', 2])
    assert.deepEqual(await claims(home, id), ['attempt 1 begins', 'attempt 2 begins'])
    moose.orchestrator.wake()
    await until('two outcomes', async () => (await executions(home, id)).length === 2)
    assert.deepEqual(await executions(home, id), [
      { attempt: 1, outcome: 'cancelled' },
      { attempt: 2, outcome: 'pull_request_opened' },
    ])
  })

  for (const how of ['through the API', 'with plain SQL'] as const) {
    test(`an order cancelled ${how} while its attempt rests does not go on with it`, async () => {
      moose.trouble.aider.push(null, noMoney())
      const id = await fileOrder(home.database, { title: empty.task, files: ['greeting.txt'] })
      await atRest(home, id)
      const { db } = home.database
      if (how === 'through the API') await moose.orchestrator.cancel(id)
      else await db.updateTable('work_orders').set({ status: 'cancelled' }).where('id', '=', id).execute()
      const cancelled = await atRest(home, id)
      assert.equal(cancelled.status, 'cancelled')
      await moose.orchestrator.retry(id)
      const order = await atRest(home, id)
      assert.deepEqual([order.phase, order.attempts], ['in_review', 2])
      assert.deepEqual(
        order.history.map(({ status }) => status),
        ['cancelled', 'succeeded'],
      )
      assert.deepEqual(await executions(home, id), [
        { attempt: 1, outcome: 'cancelled' },
        { attempt: 2, outcome: 'pull_request_opened' },
      ])
      // What the first one had committed is gone.
      assert.deepEqual(
        (await attemptRefs(home, id)).map((ref) => ref.endsWith('2')),
        [true],
      )
    })
  }

  test('an emergency stop suspends what runs, refuses what is asked for, and lets it go on when it is over', async (context) => {
    const { db } = home.database
    // Between two steps nothing is lost either: the check had begun, its commit stays.
    moose.trouble.check.push('hangs')
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await until('a check', () => moose.calls.check === 1)
    const stoppedAt = Date.now()
    await setEmergencyStop(db, true)
    const resting = await atRest(home, id)
    context.diagnostic(`at rest after ${Date.now() - stoppedAt} ms`)
    assert.equal(stands(resting), 'blocked/emergency_stop')
    await putAway(moose)
    assert.equal((await attemptRefs(home, id)).length, 1)

    const other = await fileOrder(home.database, { title: 'Other', files: ['other.txt'] })
    await assert.rejects(moose.orchestrator.execute(other, new AbortController().signal), { code: 'emergency_stop' })
    await assert.rejects(moose.orchestrator.start(null), { code: 'emergency_stop' })
    await delay(200)
    assert.deepEqual(
      [(await findWorkOrder(db, other)).status, (await findWorkOrder(db, id)).status],
      ['pending', 'blocked'],
    )
    await moose.orchestrator.cancel(other)
    await setEmergencyStop(db, false)
    await until('it goes on', async () => (await findWorkOrder(db, id)).status !== 'blocked')
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.deepEqual([order.attempts, moose.calls], [1, { route: 1, propose: 1, patch: 1, aider: 0, check: 2 }])
  })
})

describe('a suspended attempt goes on where it rests, and nothing that ended is done again', () => {
  test('kill -9 in a resumed attempt: the next start takes the same run up', async () => {
    await using home = await createMooseHome(FILES, [], KEY)
    await using server = await startModelServer({ kind: 'silent' })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    const id = await fileOrder(home.database, { title: 'Change', files: ['greeting.txt'] })
    await db.updateTable('work_orders').set({ budget_usd: '0' }).where('id', '=', id).execute()
    await using first = await mooseUp(home.environment, '--start')
    assert.equal(stands(await atRest(home, id)), 'blocked/budget_exceeded')
    await db.updateTable('work_orders').set({ budget_usd: '5' }).where('id', '=', id).execute()
    await until('a call', () => server.calls.length === 1)
    await first.kill()
    server.script.splice(0, Infinity, { kind: 'text', text: greet.text })

    await using _second = await mooseUp(home.environment)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.deepEqual([order.attempts, server.calls.length], [1, 2])
    assert.ok(stepsOf(order)?.includes('propose 1 succeeded 3'), String(stepsOf(order)))
    const { resumed } = await db.selectFrom('attempts').select('resumed').executeTakeFirstOrThrow()
    assert.equal(resumed, 1)
    assert.deepEqual(await executions(home, id), [{ attempt: 1, outcome: 'pull_request_opened' }])
  })
})

describe('what is resumed is what was approved, where it began', () => {
  test('another home may claim it', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.patch.push(noMoney())
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const { signal } = new AbortController()
    await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'budget_exceeded' })
    await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'budget_exceeded' })
    await moose.orchestrator.retry(id)
    const { claimed } = await claimOrders(home.database.db, claimAs('other'))
    assert.deepEqual(claimed, [{ workOrderId: id, attempt: 1, epoch: 1 }])
  })

  test('a manual execution goes on with a suspended attempt, also the moment it was suspended', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home, 1_000)
    moose.trouble.patch.push(noMoney())
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const { signal } = new AbortController()
    const { db } = home.database
    // Retried in the same moment as it is suspended, while that run is still being put away.
    await sql`
      create function retry_now() returns trigger language plpgsql as $$ begin
        update work_orders set status = 'pending' where id = new.work_order_id and status = 'blocked'; return new;
      end $$`.execute(db)
    await sql`
      create trigger retry_now after insert on work_order_events
      for each row when (new.type = 'attempt_ended') execute function retry_now()`.execute(db)
    const first = moose.orchestrator.execute(id, signal)
    const retried = until('it is retried', async () => (await findWorkOrder(db, id)).status === 'pending')
    const second = retried.then(async () => {
      await until('its attempt is suspended', async () => (await attemptHistory(db, id))[0]?.status === 'blocked')
      return moose.orchestrator.execute(id, signal)
    })
    await assert.rejects(first, { code: 'budget_exceeded' })
    assert.equal((await second).attempt, 1)
    assert.deepEqual(moose.history, ['route', 'propose', 'patch', 'put away', 'patch', 'check', 'put away'])
    assert.deepEqual((await moose.orchestrator.status()).executing_work_orders, [])
  })

  test('a run that has been resumed since ends nothing any more', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.patch.push(noMoney())
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await assert.rejects(moose.orchestrator.execute(id, new AbortController().signal))
    await moose.orchestrator.retry(id)
    const { db } = home.database
    const { claimed } = await claimOrders(db, claimAs('bench'))
    assert.deepEqual(claimed, [{ workOrderId: id, attempt: 1, epoch: 1 }])
    const stale = { workOrderId: id, attempt: 1, epoch: 0, evidence: {}, step: 'apply' as const }
    await recordFailure(db, { ...stale, fault: noMoney().toRecord() })
    assert.equal((await findWorkOrder(db, id)).status, 'in_progress')
    await recordFailure(db, { ...stale, epoch: 1, fault: noMoney().toRecord() })
    assert.equal((await findWorkOrder(db, id)).status, 'blocked')
  })
})

/** One place for whoever works in this home. */
function claimAs(homeId: string): ClaimOptions {
  return { maxConcurrent: 1, maxPerRepository: null, runner: { homeId, revision: PIPELINE_REVISION }, only: null }
}
