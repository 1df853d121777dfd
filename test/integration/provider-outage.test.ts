import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Moose } from '../../src/app.ts'
import { listPauses } from '../../src/db/provider-pauses.ts'
import { block, says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { type ModelServer, type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { shiftTime } from '../support/shifted-time.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const MINUTE = 60_000
const OUTAGE_MINUTES = 5 * 60
const STEP_MINUTES = 5
const FIRST_ORDERS = 6
const QUICK_TRIES = 3
/** After 1, 2, 4 and 8 minutes, then every 15 at the soonest. */
const MOST_PROBES = 4 + Math.ceil((OUTAGE_MINUTES - 15) / 15)

const FILES = { 'greeting.txt': 'hello\n' }
/** The test says when there is something to do. */
const SETTINGS = { ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000', ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '20' }
const BUSY: Scripted = { kind: 'status', status: 429, message: 'slow down', headers: { 'retry-after': '0' } }
const DOWN: Scripted = { kind: 'status', status: 503, message: 'down', headers: { 'retry-after': '0' } }

/** Does what an order that is called `Write NAME.txt` asks for. */
function written({ body }: ReceivedCall): Scripted {
  const [, name] = /Work Order: Write (\S+\.txt)/.exec(JSON.stringify(body)) ?? []
  return { kind: 'text', text: `### write ${name}\n\`\`\`\ndone\n\`\`\`\n` }
}

type Provider = { server: ModelServer; isUp: boolean }

/** A provider that answers only while it is up. */
async function startProvider(): Promise<Provider & AsyncDisposable> {
  const provider = { isUp: false }
  const server = await startModelServer((call, index) => {
    if (provider.isUp) return written(call)
    return index % 2 === 0 ? BUSY : DOWN
  })
  return Object.assign(provider, { server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() })
}

const orderOf = (home: MooseHome, name: string) =>
  fileOrder(home.database, { title: `Write ${name}.txt`, files: [`${name}.txt`] })

/** Has the service look what there is to do, as a changed setting does. */
const look = (home: MooseHome) => sql`select pg_notify('moose_config', '')`.execute(home.database.db)

/** Waits until nothing moves and the pause that had run out has been tested. */
async function quiet({ database: { db } }: MooseHome): Promise<void> {
  let last = ''
  const look = async () => {
    const { moving } = await db
      .selectFrom('work_orders')
      .where((eb) => eb.or([eb('status', '=', 'pending'), eb('status', '=', 'in_progress')]))
      .where('phase', 'is distinct from', 'in_review')
      .select((eb) => eb.fn.countAll<string>().as('moving'))
      .executeTakeFirstOrThrow()
    const pauses = await listPauses(db)
    last = `${moving} orders move: ${JSON.stringify(pauses)}`
    return moving === '0' && pauses.length > 0 && pauses.every(({ running }) => running)
  }
  await until('nothing moves', look, { say: () => last })
}

const statuses = (home: MooseHome) =>
  home.database.db.selectFrom('work_orders').select(['status', 'status_reason', 'attempts']).execute()

async function inReview(moose: Moose, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    let order = await detailOf(moose, id)
    // It may be seen while it still waits, and when it goes on at last.
    const look = async () => {
      order = await detailOf(moose, id)
      return order.phase === 'in_review'
    }
    await until('it is in review', look, { everyMs: 50, say: () => JSON.stringify(order) })
    assert.equal(order.attempts, 1)
    assert.deepEqual(
      order.attempt_history.map(({ number, status, error }) => ({ number, status, error })),
      [{ number: 1, status: 'succeeded', error: null }],
    )
    assert.notEqual(order.pull_request, null)
  }
}

test('five hours of 429 and 503: no attempt is used up, no order fails, and all go on when the provider is back', async (context) => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  await using provider = await startProvider()
  await useStandIn(home, 'stand-in', { url: provider.server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const ids = await Promise.all(Array.from({ length: FIRST_ORDERS }, (_, n) => orderOf(home, `first-${n}`)))
  await quiet(home)
  const before = provider.server.calls.length
  assert.ok(before <= FIRST_ORDERS * QUICK_TRIES, `${before} calls before anybody knew`)

  for (let minutes = STEP_MINUTES; minutes <= OUTAGE_MINUTES; minutes += STEP_MINUTES) {
    await shiftTime(home.database.db, minutes * MINUTE)
    if (minutes === OUTAGE_MINUTES / 2) ids.push(await orderOf(home, 'halfway'))
    await look(home)
    await quiet(home)
    for (const { status, status_reason: reason, attempts } of await statuses(home)) {
      assert.deepEqual([status, reason?.code, attempts], ['blocked', 'provider_paused', 1], `after ${minutes} minutes`)
    }
  }
  const probes = provider.server.calls.length - before
  assert.ok(probes <= MOST_PROBES && probes > MOST_PROBES / 2, `${probes} calls in five hours`)
  const waiting = await detailOf(moose, String(ids[0]))
  assert.match(String(waiting.status_reason?.message), /order is resumed/)
  assert.equal((await home.database.db.selectFrom('outcome_vectors').select('id').execute()).length, 0)

  provider.isUp = true
  await shiftTime(home.database.db, (OUTAGE_MINUTES + 20) * MINUTE)
  await look(home)
  await inReview(moose, ids)
  assert.deepEqual(await listPauses(home.database.db), [])
  const answered = provider.server.calls.length - before - probes
  assert.equal(answered, ids.length, 'every order is answered once')
  context.diagnostic(
    `${before} calls before the pause, ${probes} in five hours (at most ${MOST_PROBES}), ${answered} after`,
  )
})

test('while a provider is down a proposer that is able takes over; a risky order waits for the most able one', async () => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  await using large = await startProvider()
  await using small = await startProvider()
  small.isUp = true
  await useStandIn(home, 'large', { url: large.server.url, threshold: 1 })
  await useStandIn(home, 'small', { url: small.server.url, threshold: 0.6, price: DEARER })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const plain = await orderOf(home, 'plain')
  await inReview(moose, [plain])
  const { attempt_history: history } = await detailOf(moose, plain)
  const output = JSON.stringify(history[0]?.steps.find(({ name }) => name === 'propose')?.output)
  assert.match(output, /"proposer":"small"/)
  assert.match(output, /"instead_of":"large"/)
  const called = await home.database.db
    .selectFrom('model_calls')
    .select('proposer')
    .distinct()
    .orderBy('proposer')
    .execute()
  assert.deepEqual(called, [{ proposer: 'large' }, { proposer: 'small' }])
  // The ledger names the decision each was asked by, and the attempt the last one.
  const booked = await home.database.db
    .selectFrom('budget_entries')
    .innerJoin('attempts', 'attempts.work_order_id', 'budget_entries.work_order_id')
    .select(['proposer', sql<boolean>`budget_entries.decision_id = attempts.decision_id`.as('is_last')])
    .distinct()
    .orderBy('proposer')
    .execute()
  assert.deepEqual(booked, [
    { proposer: 'large', is_last: false },
    { proposer: 'small', is_last: true },
  ])

  const asked = small.server.calls.length
  const risky = await fileOrder(home.database, { title: 'Write authentication.txt', files: ['authentication.txt'] })
  const waiting = await settled(moose, risky)
  assert.deepEqual([waiting.status, waiting.status_reason?.code], ['blocked', 'provider_paused'])
  assert.match(String(waiting.status_reason?.message), /The provider of large/)
  assert.equal(small.server.calls.length, asked)

  large.isUp = true
  await shiftTime(home.database.db, 5 * MINUTE)
  await look(home)
  await inReview(moose, [risky])
  assert.equal(small.server.calls.length, asked)
})

test('an outage while Aider works: nothing of the run is kept, no further run is paid, and it goes on from there', {
  skip: lacking('aider'),
}, async () => {
  await using home = await createMooseHome(FILES, [], {
    ...SETTINGS,
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_EXECUTOR: 'aider',
    ORCHESTRATOR_AIDER_BIN: AIDER,
  })
  await using server = await startModelServer(says('Put "hello, world" into greeting.txt.'), DOWN)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  const waiting = await settled(moose, id, 90_000)
  assert.deepEqual([waiting.status, waiting.status_reason?.code], ['blocked', 'provider_paused'])
  assert.equal(server.calls.length, 1 + QUICK_TRIES)

  server.script.splice(0, server.script.length, says(block('greeting.txt', 'hello', 'hello, world')))
  await shiftTime(home.database.db, 5 * MINUTE)
  await look(home)
  await inReview(moose, [id])
  assert.equal(server.calls.length, 1 + QUICK_TRIES + 1, 'the proposal is not asked for again')
  const { pull_request: pull } = await detailOf(moose, id)
  assert.match(String(pull?.diff), /\+hello, world/)
})

const DEARER = { input_per_million: 6, output_per_million: 30 }
