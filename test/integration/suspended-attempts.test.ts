import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { setEmergencyStop, setLimit } from '../../src/budget/limits.ts'
import { attemptHistory } from '../../src/db/attempt-history.ts'
import { type ClaimOptions, claimOrders } from '../../src/db/claim.ts'
import { findWorkOrder } from '../../src/db/work-orders.ts'
import { Fault } from '../../src/errors.ts'
import { Usd } from '../../src/money.ts'
import { PIPELINE_REVISION } from '../../src/orchestrator/pipeline-revision.ts'
import { recordFailure } from '../../src/results/record-failure.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, rested, settled } from '../support/moose-home.ts'
import { type OrchestratorBench, openBench } from '../support/orchestrator-bench.ts'
import { mooseUp } from '../support/service-process.ts'
import { shiftTime } from '../support/shifted-time.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: has greeting, run: test -s greeting.txt, proves: [1] }\n',
}
const write = (file: string, text: string) => `### write ${file}\n\`\`\`\n${text}\n\`\`\`\n`
const greet = { task: 'Greet the world', turn: 1, text: write('greeting.txt', 'hello, world') }
const empty = { task: 'Empty it', turn: 1, text: '### write greeting.txt\n```\n```\n' }
/** So long that only a notification can have woken the dispatcher. */
const NEVER_POLLS = { ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000' }
const KEY = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }

/** As src/budget/refusals.ts makes it, of a call nobody has the money for. */
const noMoney = (needed_usd = '9999') => {
  const call = { proposer: 'scripted', provider: 'replay', model: 'scripted' }
  return new Fault('budget_exceeded', 'The cap of this order has $0.00 left.', { needed_usd, ...call })
}

/** The order once it is at rest, with its attempts. */
async function atRest({ database: { db } }: MooseHome, id: string) {
  await rested(db, id)
  const running = db.selectFrom('attempt_steps').select('name').where('status', '=', 'running')
  await until('no step runs', async () => (await running.execute()).length === 0)
  return { ...(await findWorkOrder(db, id)), history: await attemptHistory(db, id) }
}

type Rested = Awaited<ReturnType<typeof atRest>>
const stands = ({ status, phase, status_reason: reason }: Rested) =>
  `${status}/${phase === null ? String(reason?.code) : phase}`
const stepsOf = ({ history }: Rested) =>
  history.at(-1)?.steps.map(({ name, try: number, status, runs }) => `${name} ${number} ${status} ${runs}`)

const executions = ({ database: { db } }: MooseHome) =>
  db
    .selectFrom('outcome_vectors')
    .select(['attempt', 'outcome'])
    .where('operation_type', '=', 'work_order_execution')
    .orderBy('attempt')
    .execute()

async function claims({ database: { db } }: MooseHome, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('work_order_events')
    .select('message')
    .where('work_order_id', '=', id)
    .where('type', '=', 'claimed')
    .orderBy('id')
    .execute()
  return rows.map(({ message }) => message)
}

const bench = (home: MooseHome, putAwayMs = 0) =>
  openBench(home, { putAwayMs, repair: (tree) => writeFile(path.join(tree, 'greeting.txt'), 'repaired\n') })

/** Waits until what has ended is put away too. */
const putAway = ({ orchestrator }: OrchestratorBench) =>
  until('all is put away', async () => (await orchestrator.status()).executing_count === 0)

/** Refs that attempts hold in the mirrors of a home. */
async function attemptRefs({ config }: MooseHome): Promise<string[]> {
  const mirrors = path.join(config.home, 'mirrors')
  const names = (await readdir(mirrors)).filter((name) => name.endsWith('.git'))
  return names.flatMap((name) =>
    execFileSync('git', ['--git-dir', path.join(mirrors, name), 'for-each-ref', '--format=%(refname)'], {
      encoding: 'utf8',
    })
      .split('\n')
      .filter((ref) => ref.startsWith('refs/moose/')),
  )
}

describe('a suspended attempt goes on where it rests, and nothing that ended is done again', () => {
  test('at a proposal: earlier tries stay what they were', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    const bad = new Fault('proposal_rejected', 'It does not apply.', { tried_by: 'scripted' })
    moose.trouble.propose.push(bad, noMoney())
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const resting = await atRest(home, id)
    assert.equal(stands(resting), 'blocked/budget_exceeded')
    assert.deepEqual(
      resting.history.map(({ status, error }) => [status, error?.code]),
      [['blocked', 'budget_exceeded']],
    )
    assert.deepEqual(await executions(home), [])
    assert.deepEqual(await claims(home, id), ['attempt 1 begins'])

    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.equal(order.attempts, 1)
    assert.deepEqual(stepsOf(order), [
      'route 1 succeeded 1',
      'propose 1 failed 1',
      'propose 2 succeeded 2',
      'apply 1 succeeded 1',
      'verify 1 succeeded 1',
      'publish 1 succeeded 1',
      'record 1 succeeded 1',
    ])
    assert.deepEqual(moose.calls, { route: 1, propose: 3, patch: 1, aider: 0, check: 1 })
    assert.deepEqual(await claims(home, id), ['attempt 1 begins', 'attempt 1 goes on at propose'])
    assert.deepEqual(await executions(home), [{ attempt: 1, outcome: 'pull_request_opened' }])
    assert.deepEqual((await moose.orchestrator.status()).total_executed, 1)
  })

  test('at an application, and once more, after weeks', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.patch.push(noMoney(), noMoney())
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    assert.equal(stands(await atRest(home, id)), 'blocked/budget_exceeded')
    // More milliseconds than an integer holds.
    await sql`update attempts set claimed_at = claimed_at - interval '40 days'`.execute(home.database.db)
    await moose.orchestrator.retry(id)
    await until('it is claimed again', async () => (await claims(home, id)).length === 2)
    assert.equal(stands(await atRest(home, id)), 'blocked/budget_exceeded')
    await moose.orchestrator.retry(id)
    await until('it is claimed a third time', async () => (await claims(home, id)).length === 3)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.deepEqual(moose.calls, { route: 1, propose: 1, patch: 3, aider: 0, check: 1 })
    assert.ok(stepsOf(order)?.includes('apply 1 succeeded 3'), String(stepsOf(order)))
    assert.deepEqual(await executions(home), [{ attempt: 1, outcome: 'pull_request_opened' }])
  })

  test('at the repair of a failed check: the commit that failed it is kept and not made again', async () => {
    await using home = await createMooseHome(FILES, [empty], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.aider.push(noMoney())
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: empty.task, files: ['greeting.txt'] })
    const resting = await atRest(home, id)
    assert.equal(stands(resting), 'blocked/budget_exceeded')
    await putAway(moose)
    assert.equal((await attemptRefs(home)).length, 1)

    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    assert.deepEqual(moose.calls, { route: 1, propose: 1, patch: 1, aider: 2, check: 2 })
    assert.deepEqual(
      stepsOf(order)?.filter((step) => /^(apply|verify)/.test(step)),
      ['apply 1 succeeded 1', 'verify 1 failed 1', 'apply 2 succeeded 2', 'verify 2 succeeded 1'],
    )
    const branch = `feature/wo-${id.slice(0, 8)}-empty-it`
    assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'repaired')
    assert.deepEqual(await executions(home), [{ attempt: 1, outcome: 'pull_request_opened' }])
  })

  test('one that fails after it went on has the one outcome of its end', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.patch.push(noMoney(), new Fault('change_out_of_scope', 'It strays.'))
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await atRest(home, id)
    await moose.orchestrator.retry(id)
    const order = await atRest(home, id)
    assert.equal(stands(order), 'failed/change_out_of_scope')
    assert.deepEqual(await executions(home), [{ attempt: 1, outcome: 'failed' }])
    await moose.orchestrator.retry(id)
    const again = await atRest(home, id)
    assert.deepEqual([again.phase, again.attempts], ['in_review', 2])
  })

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
    assert.deepEqual(await executions(home), [{ attempt: 1, outcome: 'pull_request_opened' }])
  })
})

describe('what is resumed is what was approved, where it began', () => {
  test('an order edited while its attempt rests gets a new one', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.patch.push(noMoney())
    await moose.orchestrator.start(null)
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
    await until('two outcomes', async () => (await executions(home)).length === 2)
    assert.deepEqual(await executions(home), [
      { attempt: 1, outcome: 'cancelled' },
      { attempt: 2, outcome: 'pull_request_opened' },
    ])
  })

  for (const how of ['through the API', 'with plain SQL'] as const) {
    test(`an order cancelled ${how} while its attempt rests does not go on with it`, async () => {
      await using home = await createMooseHome(FILES, [empty], NEVER_POLLS)
      await using moose = await bench(home)
      moose.trouble.aider.push(noMoney())
      await moose.orchestrator.start(null)
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
      assert.deepEqual(await executions(home), [
        { attempt: 1, outcome: 'cancelled' },
        { attempt: 2, outcome: 'pull_request_opened' },
      ])
      // What the first one had committed is gone.
      assert.deepEqual(
        (await attemptRefs(home)).map((ref) => ref.endsWith('2')),
        [true],
      )
    })
  }

  test('another home goes on with it: what the first one only had on its disk is made again', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.patch.push(noMoney())
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const { signal } = new AbortController()
    await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'budget_exceeded' })
    await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'budget_exceeded' })
    await moose.orchestrator.retry(id)
    const { claimed } = await claimOrders(home.database.db, claimAs('other'))
    assert.deepEqual(claimed, [{ workOrderId: id, attempt: 1, resumed: 1 }])
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
    assert.deepEqual(claimed, [{ workOrderId: id, attempt: 1, resumed: 1 }])
    const stale = { workOrderId: id, attempt: 1, resumed: 0, evidence: {}, step: 'apply' as const }
    await recordFailure(db, { ...stale, fault: noMoney().toRecord() })
    assert.equal((await findWorkOrder(db, id)).status, 'in_progress')
    await recordFailure(db, { ...stale, resumed: 1, fault: noMoney().toRecord() })
    assert.equal((await findWorkOrder(db, id)).status, 'blocked')
  })
})

describe('an emergency stop', () => {
  test('suspends what runs, refuses what is asked for, and lets it go on when it is over', async (context) => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    const { db } = home.database
    // Between two steps nothing is lost either: the check had begun, its commit stays.
    moose.trouble.check.push('hangs')
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await until('a check', () => moose.calls.check === 1)
    const stoppedAt = Date.now()
    await setEmergencyStop(db, true)
    const resting = await atRest(home, id)
    context.diagnostic(`at rest after ${Date.now() - stoppedAt} ms`)
    assert.equal(stands(resting), 'blocked/emergency_stop')
    await putAway(moose)
    assert.equal((await attemptRefs(home)).length, 1)

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

  // Neither test looks at the clock: without the notification nothing moves for longer than they wait.
  test('reaches a process that claims nothing', async (context) => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    moose.trouble.propose.push('hangs')
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    const patience = AbortSignal.timeout(30_000)
    const ran = assert.rejects(moose.orchestrator.execute(id, patience), { code: 'emergency_stop' })
    await until('a proposal', () => moose.calls.propose === 1)
    const stoppedAt = Date.now()
    await setEmergencyStop(home.database.db, true)
    await ran
    context.diagnostic(`ended after ${Date.now() - stoppedAt} ms`)
  })

  const limits = (home: MooseHome, value: string) =>
    sql`insert into system_config (key, value) values ('budget_limits', ${value})
      on conflict (key) do update set value = excluded.value`.execute(home.database.db)
  const STOPS = [
    {
      why: 'the stop is set',
      stop: ({ database: { db } }: MooseHome) => setEmergencyStop(db, true),
      goOn: ({ database: { db } }: MooseHome) => setEmergencyStop(db, false),
      said: /emergency_stop is set\. Let it go on with: moose budget resume/,
    },
    {
      why: 'the day has reached its kill',
      async stop({ database: { db } }: MooseHome) {
        await setLimit(db, 'emergency_kill', new Usd('0.1'))
        const call = { workOrderId: null, attempt: null, proposer: 'p', provider: 'replay', model: 'm' }
        await settle(db, await reserve(db, call, new Usd('0.1')), new Usd('0.1'))
      },
      goOn: ({ database: { db } }: MooseHome) => shiftTime(db, 25 * 3_600_000),
      said: /the day has reached emergency_kill/,
    },
    {
      why: 'nobody can read the limits',
      stop: (home: MooseHome) => limits(home, '{"order_cap": "five"}'),
      goOn: (home: MooseHome) => limits(home, '{"order_cap": "5"}'),
      said: /Bad row budget_limits in system_config: order_cap is not an amount in USD/,
    },
  ]
  for (const { why, stop, goOn, said } of STOPS) {
    test(`moose up --start when ${why}: it serves, says so, and goes on by itself`, async () => {
      await using home = await createMooseHome(FILES, [greet], { ORCHESTRATOR_POLLING_INTERVAL_MS: '200' })
      await stop(home)
      const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
      await using service = await mooseUp(home.environment, '--start')
      assert.equal(service.status.polling, true)
      assert.match(JSON.stringify(service.status), said)
      await delay(500)
      assert.equal((await findWorkOrder(home.database.db, id)).status, 'pending')
      // Who asks for it is told.
      const refused = await fetch(`${service.url}/api/orchestrator/start`, { method: 'POST' })
      assert.ok(refused.status >= 500, String(refused.status))
      await goOn(home)
      const order = await atRest(home, id)
      assert.equal(stands(order), 'in_progress/in_review', JSON.stringify(order.status_reason))
    })
  }
})

describe('the service lets orders go on by itself', () => {
  test('when the cap is raised, those there is room for and no others', async () => {
    await using home = await createMooseHome(FILES, [], { ...KEY, ...NEVER_POLLS })
    await using server = await startModelServer({ kind: 'text', text: write('greeting.txt', 'x'), headersAfterMs: 400 })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    await setLimit(db, 'daily_hard_cap', new Usd(0))
    await using moose = await bench(home)
    await moose.orchestrator.start(null)
    const files = ['1.txt', '2.txt', '3.txt', '4.txt', '5.txt']
    const ids: string[] = []
    for (const file of files) ids.push(await fileOrder(home.database, { title: 'Change', files: [file] }))
    const needed = await Promise.all(
      ids.map(async (id) => {
        const resting = await atRest(home, id)
        assert.equal(stands(resting), 'blocked/budget_exceeded', JSON.stringify(resting.status_reason))
        return new Usd(String(resting.status_reason?.details?.['needed_usd']))
      }),
    )
    await setLimit(db, 'daily_hard_cap', Usd.max(...needed).times(2))
    const goneOn = async () =>
      (await Promise.all(ids.map((id) => claims(home, id)))).filter(({ length }) => length > 1).length
    await until('two go on', async () => (await goneOn()) === 2)
    for (let looks = 0; looks < 20; looks += 1) {
      moose.orchestrator.wake()
      await delay(10)
    }
    assert.equal(await goneOn(), 2)
    await setLimit(db, 'daily_hard_cap', new Usd(100))
    await until('all go on', async () => (await goneOn()) === 5)
    const orders = await Promise.all(ids.map((id) => atRest(home, id)))
    // Each was let go on once: none was sent for money that was promised to another.
    for (const { attempts, history, id } of orders) {
      assert.equal(attempts, 1)
      assert.notEqual(history[0]?.error?.code, 'budget_exceeded')
      assert.equal((await claims(home, id)).length, 2)
    }
  })

  test('when the metadata of another order is nonsense, all the same', async () => {
    await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
    await using moose = await bench(home)
    const { db } = home.database
    moose.trouble.propose.push('hangs', noMoney('0.01'))
    await moose.orchestrator.start(null)
    const odd = await fileOrder(home.database, { title: 'Odd', files: ['other.txt'], approved: false })
    const nonsense = { usd: 'all of it', after_entry: 'never', provider: [1] }
    const metadata = JSON.stringify({ approved_by_director: true, released_for: nonsense })
    await db.updateTable('work_orders').set({ metadata }).where('id', '=', odd).execute()
    await until('a proposal', () => moose.calls.propose === 1)
    const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
    await until('a second proposal', async () => (await claims(home, id)).length === 1 && moose.calls.propose === 2)
    const isSuspended = async () => (await findWorkOrder(db, id)).status === 'blocked'
    await until('it is suspended', async () => (await isSuspended()) || (await claims(home, id)).length === 2)
    moose.orchestrator.configChanged()
    await until('it is claimed again', async () => (await claims(home, id)).length === 2)
    assert.equal((await atRest(home, id)).phase, 'in_review')
    await moose.orchestrator.cancel(odd)
  })

  test('when its provider is back: one finds out, the others follow', async () => {
    await using home = await createMooseHome(FILES, [], NEVER_POLLS)
    const { db } = home.database
    const asked = { proposer: 'scripted' }
    const paused = () => new Fault('provider_paused', 'It rests.', { ...asked, provider: 'replay' })
    await using moose = await bench(home)
    // The one that met the outage itself knows only whom it asked.
    const met = new Fault('provider_paused', 'It did not answer.', asked)
    moose.trouble.propose.push(met, paused(), paused(), 'hangs', 'hangs', 'hangs')
    const ids: string[] = []
    for (const file of ['1.txt', '2.txt', '3.txt']) {
      const id = await fileOrder(home.database, { title: 'Change', files: [file] })
      const ran = moose.orchestrator.execute(id, new AbortController().signal)
      await assert.rejects(ran, { code: 'provider_paused' })
      ids.push(id)
    }
    const pause = { provider: 'replay', failures: 1, reason: 'HTTP 503', until: new Date(Date.now() + 3_600_000) }
    await db.insertInto('provider_pauses').values(pause).execute()
    await moose.orchestrator.start(null)
    await delay(200)
    assert.equal(moose.calls.propose, 3)
    await db
      .updateTable('provider_pauses')
      .set({ until: new Date(Date.now() - 1_000) })
      .execute()
    moose.orchestrator.configChanged()
    await until('one finds out', () => moose.calls.propose === 4)
    assert.equal((await db.selectFrom('attempts').selectAll().where('status', '=', 'running').execute()).length, 1)
    await db.deleteFrom('provider_pauses').execute()
    moose.orchestrator.configChanged()
    await until('the others follow', () => moose.calls.propose === 6)
    for (const id of ids) await moose.orchestrator.cancel(id)
  })

  test('when a price is stated', async () => {
    await using home = await createMooseHome(FILES, [], { ...KEY, ...NEVER_POLLS })
    await using server = await startModelServer({ kind: 'text', text: greet.text })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    const { cost_profile } = await db
      .selectFrom('proposer_configs')
      .select('cost_profile')
      .where('name', '=', 'small')
      .executeTakeFirstOrThrow()
    const priced = (profile: string) =>
      db.updateTable('proposer_configs').set({ cost_profile: profile }).where('name', '=', 'small').execute()
    await priced('{}')
    await using moose = await bench(home)
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: 'Change', files: ['greeting.txt'] })
    assert.equal(stands(await atRest(home, id)), 'blocked/price_unknown')
    moose.orchestrator.configChanged()
    await delay(200)
    assert.equal((await claims(home, id)).length, 1)
    await priced(JSON.stringify(cost_profile))
    await until('it is claimed again', async () => (await claims(home, id)).length === 2)
    const order = await atRest(home, id)
    assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
  })

  test('with the real ledger, from one process to its end, and the decision is booked with the calls', async () => {
    await using home = await createMooseHome(FILES, [], { ...KEY, ...NEVER_POLLS })
    await using server = await startModelServer({ kind: 'text', text: greet.text })
    await useStandIn(home, 'small', { url: server.url, threshold: 1 })
    const { db } = home.database
    const id = await fileOrder(home.database, { title: 'Change', files: ['greeting.txt'] })
    await db.updateTable('work_orders').set({ budget_usd: '0' }).where('id', '=', id).execute()
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const resting = await settled(moose, id)
    assert.deepEqual([resting.status, resting.status_reason?.code], ['blocked', 'budget_exceeded'])
    assert.equal(server.calls.length, 0)
    await db.updateTable('work_orders').set({ budget_usd: '5' }).where('id', '=', id).execute()
    await until('it goes on', async () => (await findWorkOrder(db, id)).status !== 'blocked')
    const order = await settled(moose, id)
    assert.deepEqual([order.phase, order.attempts, server.calls.length], ['in_review', 1, 1])
    const { decision_id } = await db.selectFrom('attempts').select('decision_id').executeTakeFirstOrThrow()
    const entries = await db.selectFrom('budget_entries').select(['kind', 'decision_id', 'cost_usd']).execute()
    assert.match(String(decision_id), /^[0-9a-f-]{36}$/)
    assert.deepEqual(
      entries.map((entry) => [entry.kind, entry.decision_id]),
      [
        ['reserved', decision_id],
        ['settled', decision_id],
      ],
    )
    const { actual_cost } = await db.selectFrom('work_orders').select('actual_cost').executeTakeFirstOrThrow()
    assert.equal(Number(actual_cost), Number(entries[1]?.cost_usd))
  })
})

/** One place for whoever works in this home. */
function claimAs(executorId: string): ClaimOptions {
  return { maxConcurrent: 1, maxPerRepository: null, runner: { executorId, revision: PIPELINE_REVISION }, only: null }
}
