import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { type Moose, openMoose } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { listPauses } from '../../src/db/provider-pauses.ts'
import { createLog } from '../../src/log.ts'
import { block, says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { shiftTime } from '../support/shifted-time.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const MINUTE = 60_000
const FILES = { 'greeting.txt': 'hello\n' }
/** One order at a time, and the test says when there is something to do. */
const SETTINGS = {
  ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
  ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '1',
  OPENAI_COMPATIBLE_API_KEY: 'sk-first',
}
const NO_CREDIT: Scripted = {
  kind: 'status',
  status: 400,
  message: 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.',
}

function written({ body }: ReceivedCall): Scripted {
  const [, name] = /Work Order: Write (\S+\.txt)/.exec(JSON.stringify(body)) ?? []
  return { kind: 'text', text: `### write ${name}\n\`\`\`\ndone\n\`\`\`\n` }
}

const orderOf = (home: MooseHome, name: string) =>
  fileOrder(home.database, { title: `Write ${name}.txt`, files: [`${name}.txt`] })
const look = (home: MooseHome) => sql`select pg_notify('moose_config', '')`.execute(home.database.db)
const outcomes = async ({ database: { db } }: MooseHome) =>
  (await db.selectFrom('outcome_vectors').select('id').execute()).length

async function wait(moose: Moose, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { status, status_reason: reason, attempts } = await settled(moose, id)
    assert.deepEqual([status, reason?.code, attempts], ['blocked', 'provider_paused', 1])
    assert.match(String(reason?.message), /credit balance is too low/)
  }
}

async function inReview(moose: Moose, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    let order = await detailOf(moose, id)
    const isThere = async () => {
      order = await detailOf(moose, id)
      return order.phase === 'in_review'
    }
    await until('it is in review', isThere, { everyMs: 50, say: () => JSON.stringify(order) })
    assert.deepEqual([order.attempts, order.attempt_history.map(({ status }) => status)], [1, ['succeeded']])
  }
}

test('life B2: six orders meet an account without credit: one call, no failure, no outcome; all go on when it has some', async () => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  let hasCredit = false
  await using server = await startModelServer((call) => (hasCredit ? written(call) : NO_CREDIT))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const ids = await Promise.all(Array.from({ length: 6 }, (_, n) => orderOf(home, `file-${n}`)))
  await wait(moose, ids)
  assert.equal(server.calls.length, 1)
  const [pause] = await listPauses(home.database.db)
  assert.deepEqual([pause?.kind, pause?.failures, pause?.running], ['account', 1, true])
  assert.equal(await outcomes(home), 0)
  const open = await home.database.db.selectFrom('budget_open_reservations').selectAll().execute()
  assert.deepEqual(open, [], 'nothing stays reserved')

  hasCredit = true
  await shiftTime(home.database.db, 10 * MINUTE)
  await look(home)
  await inReview(moose, ids)
  assert.deepEqual(await listPauses(home.database.db), [])
  assert.equal(server.calls.length, 1 + ids.length)
})

test('an account is tested at once when its key has changed, and not when it has not', async () => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  const isNew = ({ headers }: ReceivedCall) => headers.authorization === 'Bearer sk-second'
  await using server = await startModelServer((call) => (isNew(call) ? written(call) : NO_CREDIT))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const openWith = async (key: string) => {
    const config = readConfig({ ...home.environment, OPENAI_COMPATIBLE_API_KEY: key })
    const moose = await openMoose(config, { log: createLog(config.logLevel), role: 'service' })
    await moose.orchestrator.start(null)
    return moose
  }
  const ids: string[] = []
  {
    await using moose = await openWith('sk-first')
    ids.push(await orderOf(home, 'first'), await orderOf(home, 'second'))
    await wait(moose, ids)
  }
  {
    await using moose = await openWith('sk-first')
    await look(home)
    await wait(moose, ids)
    assert.equal(server.calls.length, 1)
    assert.equal((await listPauses(home.database.db))[0]?.running, true)
  }
  await using moose = await openWith('sk-second')
  await look(home)
  await inReview(moose, ids)
})

test('another proposer that is able, with another account, takes over', async () => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  await using empty = await startModelServer(NO_CREDIT)
  await using rich = await startModelServer(written)
  await useStandIn(home, 'large', { url: empty.url, threshold: 1 })
  await useStandIn(home, 'small', {
    url: rich.url,
    threshold: 0.9,
    price: { input_per_million: 9, output_per_million: 90 },
  })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const ids = [await orderOf(home, 'one'), await orderOf(home, 'two')]
  await inReview(moose, ids)
  assert.deepEqual([empty.calls.length, rich.calls.length], [1, 2])
})

test('an account met through Aider ends the order the same way', { skip: lacking('aider') }, async () => {
  await using home = await createMooseHome(FILES, [], {
    ...SETTINGS,
    ORCHESTRATOR_EXECUTOR: 'aider',
    ORCHESTRATOR_AIDER_BIN: AIDER,
  })
  await using server = await startModelServer(says('Put "hello, world" into greeting.txt.'), NO_CREDIT)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  const waiting = await settled(moose, id, 90_000)
  assert.deepEqual([waiting.status, waiting.status_reason?.code], ['blocked', 'provider_paused'])
  assert.equal(server.calls.length, 2, 'a run that met it is not made again')
  assert.equal(await outcomes(home), 0)

  server.script.splice(0, server.script.length, says(block('greeting.txt', 'hello', 'hello, world')))
  await shiftTime(home.database.db, 10 * MINUTE)
  await look(home)
  await inReview(moose, [id])
})

test('a guard that quotes the order with its 403 pauses no account, whatever the order speaks of', async () => {
  await using home = await createMooseHome(FILES, [], SETTINGS)
  const title = 'Write balance.txt with the credit and billing of the account'
  await using server = await startModelServer({ kind: 'status', status: 403, message: `Blocked by policy: ${title}` })
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title, files: ['balance.txt'] })
  const order = await settled(moose, id)
  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'model_answer_refused'])
  assert.deepEqual(await listPauses(home.database.db), [])
})
