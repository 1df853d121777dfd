import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import type { Moose } from '../../src/app.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { moose as command } from '../support/moose-command.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const says = (text: string): Scripted => ({ kind: 'text', text })
const BAD = says('### write a.txt\n```\nbad\n```\n')
const GOOD = says('### write a.txt\n```\ngood\n```\n')
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }
const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': "checks:\n  - { name: good, run: \"grep -q '^good' a.txt || grep -q '^a$' a.txt\" }\n",
}

/** An order that ended so: with a cap that has room for nothing, or with an answer that fails the check. */
async function ended(as: 'blocked' | 'failed', script: Scripted[]) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(...script))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  const { db } = home.database
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  const cap = (usd: string) => db.updateTable('work_orders').set({ budget_usd: usd }).where('id', '=', id).execute()
  if (as === 'blocked') await cap('0.000001')
  await moose.orchestrator.start(null)
  const order = await settled(moose, id)
  assert.equal(order.status, as)
  const own = stack.move()
  const first = async () =>
    await db
      .selectFrom('budget_entries')
      .select('amount_usd')
      .where('work_order_id', '=', id)
      .where('attempt', '=', 2)
      .where('kind', '=', 'reserved')
      .orderBy('id')
      .executeTakeFirstOrThrow()
  return { home, moose, id, order, cap, first, [Symbol.asyncDispose]: () => own.disposeAsync() }
}

const NO_ERROR = { code: 'none', message: '' }
const Said = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }).default(NO_ERROR) })

async function call(moose: Moose, path: string, body: unknown) {
  const headers = { 'content-type': 'application/json' }
  const request = new Request(`http://127.0.0.1${path}`, { method: 'POST', body: JSON.stringify(body), headers })
  const response = await moose.http.fetch(request)
  return { status: response.status, said: Said.parse(await response.json()) }
}

/** That it is refused as it stands, and nothing is done. @returns the caps that the message says to set */
async function refused(moose: Moose, id: string, [path, body]: readonly [string, object]): Promise<string[]> {
  const before = await detailOf(moose, id)
  const { status, said } = await call(moose, `/api/work-orders/${id}/${path}`, body)
  assert.deepEqual([status, said.error.code], [409, 'budget_exceeded'], JSON.stringify(said))
  const { message } = said.error
  assert.match(message, / was not retried, because it would be blocked (again )?at once\. /)
  assert.match(message, /The next call to small may cost up to \$[\d.]+, and the cap of /)
  assert.deepEqual(await detailOf(moose, id), before)
  return [...message.matchAll(/moose budget cap \S+ ([\d.]+)/g)].map(([, usd]) => String(usd))
}

for (const mode of ['again', 'fresh'] as const) {
  test(`an order that failed is not retried (${mode}) below a cap without room for its first call; what is named is enough`, async () => {
    await using given = await ended('failed', [BAD, GOOD])
    const { moose, id, order, cap } = given
    await cap(String(Number(order.actual_cost) + 0.000001))
    const [enough] = await refused(moose, id, ['retry', { mode }])
    await cap(String(enough))
    const { status, said } = await call(moose, `/api/work-orders/${id}/retry`, { mode })
    assert.equal(status, 200, JSON.stringify(said))
    const after = await settled(moose, id)
    assert.deepEqual([after.status, after.phase, after.attempts], ['in_progress', 'in_review', 2])
    const reserved = Number((await given.first()).amount_usd)
    const rest = Number(enough) - Number(order.actual_cost) - reserved
    assert.ok(rest >= 0 && rest < 0.01, `${enough} named, ${order.actual_cost} spent, ${reserved} reserved`)
  })
}

test('an order that rests by its cap is not asked anew below it, and neither way is named that would be refused', async () => {
  await using given = await ended('blocked', [GOOD])
  const { moose, id, cap } = given
  const [enough] = await refused(moose, id, ['retry', { mode: 'fresh' }])
  const resumed = await call(moose, `/api/work-orders/${id}/retry`, {})
  assert.equal(resumed.status, 409)
  assert.doesNotMatch(resumed.said.error.message, /--fresh/)
  await moose.orchestrator.stop()
  await cap(String(enough))
  assert.equal((await call(moose, `/api/work-orders/${id}/retry`, { mode: 'fresh' })).status, 200)
  await moose.orchestrator.start(null)
  const after = await settled(moose, id)
  assert.deepEqual([after.phase, after.attempts], ['in_review', 2])
})

test('every cap without room is named, whichever way an order is retried', async () => {
  await using given = await ended('failed', [BAD, GOOD])
  const { home, moose, id, order, cap } = given
  const spent = Number(order.actual_cost)
  const { environment } = home
  const run = (...args: string[]) => command(args, { environment })
  await cap(String(spent + 0.000001))
  assert.equal((await run('budget', 'cap', 'day', (Math.ceil(spent * 100) / 100).toFixed(2))).exitCode, 0)
  const ways = [
    ['retry', {}],
    ['retry', { mode: 'fresh' }],
  ] as const
  for (const way of ways) assert.equal((await refused(moose, id, way)).length, 2, 'the order and the day')
  // The option raises the cap of the order, and the day keeps it all the same.
  const [day] = await refused(moose, id, ['decide', { option: 'retry' }])
  for (const args of [
    ['retry', id],
    ['retry', '--fresh', id],
    ['retry', '--failed-with', 'check_failed', '--yes'],
  ]) {
    const { exitCode, stdout, stderr } = await run(...args)
    assert.equal(exitCode, 3, stderr)
    assert.match(`${stdout}${stderr}`, /was not retried, because it would be blocked at once/)
  }
  assert.equal((await run('budget', 'cap', 'day', String(day))).exitCode, 0)
  const { status, said } = await call(moose, `/api/work-orders/${id}/decide`, { option: 'retry' })
  assert.equal(status, 200, JSON.stringify(said))
  const after = await settled(moose, id)
  assert.deepEqual([after.phase, after.attempts], ['in_review', 2])
})

test('the pull request of an order in review is not closed for a new attempt that a cap has no room for', async () => {
  await using given = await ended('failed', [BAD, GOOD, GOOD])
  const { home, moose, id } = given
  const { db } = home.database
  assert.equal((await call(moose, `/api/work-orders/${id}/retry`, {})).status, 200)
  const { phase, actual_cost: cost } = await settled(moose, id)
  assert.equal(phase, 'in_review')
  const view = { state: 'red', why: 'no more is done for one order', code: 'follow_up_exhausted' }
  const follow_up = JSON.stringify({ ...view, at: new Date().toISOString() })
  await db.updateTable('pull_requests').set({ follow_up }).where('state', '=', 'open').execute()
  const cents = (Math.ceil(Number(cost) * 100) / 100).toFixed(2)
  const { environment } = home
  assert.equal((await command(['budget', 'cap', 'day', cents], { environment })).exitCode, 0)
  for (const changes of [{ description: 'Say more' }, { budget_usd: 9 }]) {
    const [day] = await refused(moose, id, ['decide', { option: 'amend', changes }])
    assert.ok(Number(day) > Number(cents))
  }
  assert.equal((await db.selectFrom('pull_requests').select('state').executeTakeFirstOrThrow()).state, 'open')
})
