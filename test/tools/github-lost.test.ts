import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { openPullRequests } from '../../src/db/work-orders/next-orders.ts'
import { becomes, escalations, type InReview, inReview, type OnGitHub } from '../support/github/order-on-github.ts'
import { detailOf } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const timeout = 300_000
const PATIENCE = { withinMs: 60_000 }

async function call(moose: Moose, path: string, method: 'GET' | 'POST' = 'GET', body: object = {}) {
  const headers = { 'content-type': 'application/json' }
  const sent = method === 'GET' ? {} : { headers, body: JSON.stringify(body) }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/${path}`, { method, ...sent }))
  return { status: response.status, text: await response.text() }
}

type Given = OnGitHub & InReview
type Way = { name: string; state: 'gone' | 'unproven'; lose: (given: Given) => Promise<void>; said: RegExp }

const WAYS: readonly Way[] = [
  {
    name: 'is not there any more',
    state: 'gone',
    async lose({ github }) {
      github.state.pulls.splice(0)
    },
    said: /^GitHub \(github\.com\) does not show it any more: it or its repository was removed or moved, or the account/,
  },
  {
    name: 'was merged, and its base was rewritten since',
    state: 'unproven',
    async lose({ github, home, pull }) {
      const before = await home.remote.git('rev-parse', 'main')
      await github.state.merge(pull.number, 'squash')
      await home.remote.git('update-ref', 'refs/heads/main', before)
    },
    said: /^GitHub says that it was merged into main, and main, which its order is for, does not hold its change \(it may/,
  },
  {
    name: 'was merged into another base',
    state: 'unproven',
    async lose({ github, home, pull }) {
      await home.remote.git('update-ref', 'refs/heads/release', 'main')
      pull.base = 'release'
      await github.state.merge(pull.number, 'squash')
    },
    said: /^GitHub says that it was merged into release, and main, which its order is for, does not hold its change$/,
  },
]

async function lost(t: TestContext, way: Way): Promise<Given | null> {
  const given = await inReview(t)
  if (given === null) return null
  await given.home.database.db.updateTable('projects').set({ max_open_pull_requests: 1 }).execute()
  await way.lose(given)
  assert.match(await becomes(given, { state: way.state, code: 'pull_request_lost' }), way.said)
  return given
}

const openNow = async ({ home }: Given) =>
  [...(await openPullRequests(home.database.db)).values()].map(({ open }) => open)

for (const way of WAYS) {
  test(`a pull request that ${way.name} is an escalation, whose order moose cancel ends, and nothing closes`, {
    timeout,
  }, async (t) => {
    await using given = await lost(t, way)
    if (given === null) return
    const { moose, id } = given
    const short = id.slice(0, 8)
    assert.deepEqual(await escalations(given), ['pull_request_lost open'])
    assert.deepEqual(await openNow(given), [0], 'it counts no more')
    const { text: inbox } = await call(moose, 'inbox')
    const { text: why } = await call(moose, `work-orders/${id}/why`)
    for (const text of [inbox, why]) {
      assert.ok(text.includes(`"next":["moose decide ${short}","moose cancel ${short}"]`), text)
      assert.ok(!text.includes('ready to be merged'), text)
    }
    for (const path of ['merge', 'close']) {
      const refused = await call(moose, `work-orders/${id}/${path}`, 'POST')
      assert.notEqual(refused.status, 200, path)
      if (path === 'close') assert.match(refused.text, new RegExp(`pull_request_lost.*moose cancel ${short}`))
    }
    const { text: told } = await call(moose, `work-orders/${id}/escalation`)
    assert.match(
      told,
      /"options":\[\{"option":"abort","expected_cost_usd":0,[^[{]*nothing is closed on its forge\.[^[{]*\}\]/,
    )
    assert.equal((await detailOf(moose, id)).status, 'in_progress', 'nothing but a human ends it')

    assert.equal((await call(moose, `work-orders/${id}/cancel`, 'POST')).status, 200)
    const { status, status_reason: reason } = await detailOf(moose, id)
    assert.deepEqual([status, reason?.code], ['cancelled', 'pull_request_lost'])
    assert.match(String(reason?.message), /^Nothing was closed of pull request #1: GitHub /)
    assert.deepEqual(await escalations(given), ['pull_request_lost abort'])
    const closed = given.github.state.pulls.filter(({ state, mergedAt }) => state === 'closed' && mergedAt === null)
    assert.deepEqual(closed, [])
  })
}

test('one that cannot be seen for a while is followed again, and what was to be decided is closed', {
  timeout,
}, async (t) => {
  await using given = await lost(t, WAYS[0] ?? assert.fail())
  if (given === null) return
  given.github.state.pulls.push(given.pull)
  await becomes(given, { state: 'quiet' })
  assert.deepEqual(await escalations(given), ['pull_request_lost went_on'])
  assert.deepEqual(await openNow(given), [1])
})

test('an order that was given up with a pull request that is there after all is in review with it, and left alone until it is adopted', {
  timeout,
}, async (t) => {
  await using given = await lost(t, WAYS[0] ?? assert.fail())
  if (given === null) return
  const { moose, id, github, pull } = given
  const decided = await call(moose, `work-orders/${id}/decide`, 'POST', { option: 'abort' })
  assert.match(decided.text, /The order is cancelled, and nothing is closed on its forge\./)
  assert.equal((await detailOf(moose, id)).status, 'cancelled')
  github.state.pulls.push(pull)
  await until('it is in review', async () => (await detailOf(moose, id)).phase === 'in_review', PATIENCE)
  await becomes(given, { state: 'given_up', code: 'hands_off' })
})
