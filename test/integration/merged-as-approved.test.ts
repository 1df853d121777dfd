import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'a\n',
  'src/auth/login.js': 'export const isAllowed = (user) => user.isKnown\n',
  'moose.yaml': 'checks:\n  - { name: whole, run: "true", proves: [1] }\n',
}
const SETTINGS = { ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_TRACK_INTERVAL_MS: '1000' }
const ORDER = { title: 'Write hello', files: ['a.txt'], criteria: ['It is whole'] }
const text = (file: string, content: string): Scripted => ({ kind: 'text', text: write(file, content) })

/** A running Moose whose model answers so. */
async function running(...answers: Scripted[]) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(200)
  const owned = stack.move()
  return { home, moose, server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
async function inReview({ home, moose }: { home: MooseHome; moose: Moose }, order = ORDER): Promise<string> {
  const id = await fileOrder(home.database, order)
  const { phase, status_reason: reason } = await settled(moose, id)
  assert.equal(phase, 'in_review', JSON.stringify(reason))
  return id
}
const policy = ({ database: { db } }: MooseHome, merge_policy: 'auto' | 'manual') =>
  db.updateTable('projects').set({ merge_policy, auto_merge: 'medium' }).execute()
async function call(moose: Moose, method: string, path: string, body: object = {}) {
  const init = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${path}`, init))
  return [response.status, await response.text()] as const
}

/** What `moose why` has of merging by rule. */
async function rulesOf(moose: Moose, id: string): Promise<string> {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
  const { why } = WhyResponse.parse(await response.json())
  return why.evidence.flatMap(({ name, text }) => (/merged by rule/.test(name) ? [text] : [])).join('; ')
}
const says = (moose: Moose, id: string, words: RegExp) =>
  until(`it says ${words}`, async () => words.test(await rulesOf(moose, id)), { say: () => rulesOf(moose, id) })

test('the risk of a change is that of the files it has changed too, and not of the folder it may change alone', async () => {
  await using given = await running(text('src/auth/login.js', 'export const isAllowed = () => true'))
  const { moose, home } = given
  const id = await inReview(given, { ...ORDER, files: ['src/'] })
  await policy(home, 'auto')
  await says(moose, id, /its risk is high \(src\/auth\/login\.js names auth\), and up to medium is allowed/)
  const { risk, pull_request: pull } = await detailOf(moose, id)
  assert.deepEqual([risk?.level, pull?.state], ['high', 'open'])
  assert.match(String((await home.database.pool.query('select body from pull_requests')).rows[0].body), /names auth/)
})

test('an order is not edited while its pull request is open, also while that waits to be verified; cancelled first it is made anew', async () => {
  await using given = await running(text('a.txt', 'hello'), text('a.txt', 'goodbye'))
  const { moose, home, server } = given
  const id = await inReview(given)
  const edit = { title: 'Write goodbye', description: 'Never hello.' }
  const refused = async () => {
    const [status, said] = await call(moose, 'PATCH', id, edit)
    assert.equal(status, 409, said)
    assert.match(said, /cannot be edited while its pull request #1 is open.* moose cancel \w{8} .* moose retry \w{8}/)
  }
  await refused()
  await moose.orchestrator.stop()
  assert.equal((await call(moose, 'POST', `${id}/verify`))[0], 200)
  assert.equal((await detailOf(moose, id)).status, 'pending')
  await refused()
  assert.equal((await call(moose, 'PATCH', id, { budget_usd: 7 }))[0], 200)
  assert.equal((await call(moose, 'POST', `${id}/cancel`))[0], 200)
  assert.equal((await call(moose, 'PATCH', id, edit))[0], 200)
  assert.equal((await call(moose, 'POST', `${id}/retry`))[0], 200)
  assert.equal((await call(moose, 'POST', `${id}/approve`))[0], 200)
  await policy(home, 'auto')
  await moose.orchestrator.start(200)
  await until('it is merged', async () => (await detailOf(moose, id)).status === 'completed')
  assert.deepEqual([await home.remote.git('show', 'main:a.txt'), server.calls.length], ['goodbye', 2])
})

test('what is edited with SQL while its pull request is open is neither verified as that nor merged by rule, approved or not', async () => {
  await using given = await running(text('a.txt', 'hello'))
  const { moose, home, server } = given
  const id = await inReview(given)
  await moose.orchestrator.stop()
  assert.equal((await call(moose, 'POST', `${id}/verify`))[0], 200)
  const { pool } = home.database
  await pool.query("update work_orders set title = 'Write goodbye' where id = $1", [id])
  await pool.query(`update work_orders set metadata = metadata || '{"approved_by_director": true}' where id = $1`, [id])
  await policy(home, 'auto')
  await moose.orchestrator.start(200)
  await says(moose, id, /its order asks for something else than what it was made for/)
  const { status, phase, attempt_history: attempts } = await settled(moose, id)
  assert.deepEqual([status, phase], ['in_progress', 'in_review'])
  assert.equal(attempts.at(-1)?.error?.code, 'approval_withdrawn')
  assert.deepEqual([await home.remote.git('show', 'main:a.txt'), server.calls.length], ['a', 1])
  await pool.query("update work_orders set title = 'Write hello' where id = $1", [id])
  await pool.query(`update work_orders set metadata = metadata || '{"approved_by_director": true}' where id = $1`, [id])
  await until('it is merged', async () => (await detailOf(moose, id)).status === 'completed', {
    say: () => rulesOf(moose, id),
  })
})
