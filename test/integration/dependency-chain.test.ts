import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { WhyResponse } from '../../src/contract/why/inbox.ts'
import { WorkOrdersResponse } from '../../src/contract/work-orders.ts'
import { CHAINED_ORDERS, createChainHome, NAMES } from '../support/dependency-chain.ts'
import { detailOf } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const PATIENCE = { withinMs: 180_000 }

async function call(moose: Moose, method: string, path: string, body?: unknown): Promise<unknown> {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const headers = { 'content-type': 'application/json' }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${path}`, { ...init, headers }))
  const answer: unknown = await response.json()
  assert.ok(response.ok, JSON.stringify(answer))
  return answer
}

test('a chain of five orders, the third failing once and retried: in order, each on the merge before, all merged by rule', async () => {
  await using stack = new AsyncDisposableStack()
  const home = await createChainHome(stack)
  const moose = stack.use(await home.open())
  await call(moose, 'PATCH', '/api/projects/sample', { merge_policy: 'auto', max_open_pull_requests: 1 })
  const work_orders = CHAINED_ORDERS.map((order) => ({ ...order, approved: true }))
  // The last is filed first: what counts is what they depend on.
  const filed = await call(moose, 'POST', '/api/work-orders', { work_orders: work_orders.toReversed() })
  const ids = WorkOrdersResponse.parse(filed)
    .work_orders.toReversed()
    .map(({ id }) => id)
  const [, , third = '', fourth = '', fifth = ''] = ids
  await moose.orchestrator.start(null)

  const status = async (id: string) => (await detailOf(moose, id)).status
  await until('the fourth is blocked by the third', async () => (await status(fourth)) === 'blocked', PATIENCE)
  const blocked = await detailOf(moose, fourth)
  assert.equal(blocked.status_reason?.code, 'dependency_unmet')
  assert.match(blocked.status_reason.message, /"Write three", which it depends on and which failed with check_failed/)
  assert.deepEqual(blocked.depends_on, [third])
  assert.equal(await status(fifth), 'pending')
  const nextOf = async (id: string) =>
    WhyResponse.parse(await call(moose, 'GET', `/api/work-orders/${id}/why`)).why.next[0]
  assert.equal(await nextOf(fourth), `moose decide ${third.slice(0, 8)}`)
  assert.equal(await nextOf(fifth), `moose why ${fourth.slice(0, 8)}`, 'of which nothing has to be decided')
  await assert.rejects(
    moose.orchestrator.execute(fourth, AbortSignal.timeout(60_000)),
    ({ code }: { code: string }) => code === 'dependency_unmet',
  )

  await call(moose, 'POST', `/api/work-orders/${third}/retry`, {})
  await until('all are merged', async () => (await status(fifth)) === 'completed', {
    ...PATIENCE,
    say: async () => JSON.stringify(await Promise.all(ids.map(status))),
  })
  const { rows } = await home.database.pool.query(
    `select title, base_sha, head_sha, merge_sha, state from pull_requests order by created_at`,
  )
  assert.deepEqual(
    rows.map(({ state }) => state),
    NAMES.map(() => 'merged'),
  )
  assert.deepEqual(
    rows.map(({ title }) => /Write (\w+)/.exec(title)?.[1]),
    NAMES,
  )
  for (const [index, row] of rows.entries())
    if (index > 0) await home.remote.git('merge-base', '--is-ancestor', rows[index - 1].merge_sha, row.base_sha)
  for (const name of NAMES) assert.equal(await home.remote.git('show', `main:${name}.txt`), name)
  assert.deepEqual(
    (await Promise.all(ids.map((id) => detailOf(moose, id)))).map(({ attempts }) => attempts),
    [1, 1, 2, 1, 1],
  )
  const { rows: merges } = await home.database.pool.query(
    "select count(*)::int as count from work_order_events where type = 'status' and message like 'completed%'",
  )
  assert.equal(merges[0].count, NAMES.length)
})
