import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../support/suspended-bench.ts'
import { until } from '../support/until.ts'

const LOOKS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
const FILES = {
  'greeting.txt': 'top\nhello\nbottom\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt", proves: [1] }\n',
}
const PATIENCE = { withinMs: 240_000 }
const timeout = 900_000
const greeted = (how: string): Scripted => ({ kind: 'text', text: write('greeting.txt', how) })

type Given = AsyncDisposable & { home: MooseHome; moose: Moose; ids: [string, string]; calls: readonly unknown[] }

/** Two orders in review that change the same file; merged by rule from then on. */
async function twoInReview(...answers: Scripted[]): Promise<Given> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], LOOKS))
  const server = stack.use(await startModelServer(...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  const file = (title: string) =>
    fileOrder(home.database, { title, files: ['greeting.txt'], criteria: ['It is polite'] })
  const ids: [string, string] = [await file('Greet above'), await file('Greet below')]
  const waits = await whyOf(moose, ids[1])
  assert.deepEqual([waits.kind, waits.orders], ['scope', [ids[0]]])
  await moose.orchestrator.start(null)
  for (const id of ids) {
    const order = await settled(moose, id, PATIENCE.withinMs)
    assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  }
  await home.database.db.updateTable('projects').set({ merge_policy: 'auto' }).execute()
  const owned = stack.move()
  return { home, moose, ids, calls: server.calls, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function whyOf(moose: Moose, id: string) {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
  return WhyResponse.parse(await response.json()).why
}

const completed = ({ moose }: Given, id: string) =>
  until('it is merged', async () => (await detailOf(moose, id)).status === 'completed', {
    ...PATIENCE,
    say: async () => JSON.stringify([(await detailOf(moose, id)).status, (await whyOf(moose, id)).evidence]),
  })

test('orders of one file run one after the other, the first is merged, the second brought up to date, verified and merged', {
  timeout,
}, async () => {
  await using given = await twoInReview(greeted('top, sir\nhello\nbottom'), greeted('top\nhello\nbottom, sir'))
  const { home, moose, ids, calls } = given
  for (const id of ids) await completed(given, id)
  assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'top, sir\nhello\nbottom, sir')
  const [first, second] = [await detailOf(moose, ids[0]), await detailOf(moose, ids[1])]
  assert.deepEqual([first.attempts, second.attempts, calls.length], [1, 2, 2])
  assert.equal(second.pull_request?.base_sha, first.pull_request?.merge_sha)
  const [one, two] = [first, second].map(({ attempt_history: [attempt] }) => attempt)
  assert.ok(String(one?.ended_at) <= String(two?.claimed_at), 'not side by side')
})

test('a real conflict is resolved by the model that made the change, verified and merged', { timeout }, async () => {
  await using given = await twoInReview(
    greeted('top\nhello, sir\nbottom'),
    greeted('top\nhello, madam\nbottom'),
    greeted('top\nhello, sir and madam\nbottom'),
  )
  for (const id of given.ids) await completed(given, id)
  assert.equal(await given.home.remote.git('show', 'main:greeting.txt'), 'top\nhello, sir and madam\nbottom')
  assert.equal(given.calls.length, 3)
})

test('a conflict that no model resolves is not merged, and waits for a human with the rule that says so', {
  timeout,
}, async () => {
  const cannot: Scripted = { kind: 'text', text: 'I cannot.' }
  await using given = await twoInReview(
    greeted('top\nhello, sir\nbottom'),
    greeted('top\nhello, madam\nbottom'),
    cannot,
    cannot,
  )
  const { moose, ids } = given
  await completed(given, ids[0])
  const refusals = async () => (await whyOf(moose, ids[1])).evidence.map(({ text }) => text)
  await until(
    'it says so',
    async () => (await refusals()).some((text) => /conflicts with main in greeting\.txt.*\(follow_up\)/.test(text)),
    { ...PATIENCE, say: async () => JSON.stringify(await refusals()) },
  )
  assert.equal((await detailOf(moose, ids[1])).phase, 'in_review')
  assert.equal(await given.home.remote.git('show', 'main:greeting.txt'), 'top\nhello, sir\nbottom')
})
