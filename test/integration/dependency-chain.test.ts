import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { WorkOrdersResponse } from '../../src/contract/work-orders.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': 'checks:\n  - { name: whole, run: "! grep -q broken *.txt", proves: [1] }\n',
}
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }
const NAMES = ['one', 'two', 'three', 'four', 'five']
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
  let asked = 0
  const written = ({ body }: ReceivedCall): Scripted => {
    const [, name] = /Work Order: Write (\w+)\\n/.exec(JSON.stringify(body)) ?? []
    asked += name === 'three' ? 1 : 0
    const word = name === 'three' && asked === 1 ? 'broken' : name
    return { kind: 'text', text: `### write ${name}.txt\n\`\`\`\n${word}\n\`\`\`\n` }
  }
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(written))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const moose = stack.use(await home.open())
  await call(moose, 'PATCH', '/api/projects/sample', { merge_policy: 'auto', max_open_pull_requests: 1 })
  const work_orders = NAMES.map((name, index) => ({
    title: `Write ${name}`,
    files_in_scope: [`${name}.txt`],
    acceptance_criteria: ['Nothing is broken'],
    risk_level: 'low',
    approved: true,
    ...(index === 0 ? {} : { depends_on: [`Write ${NAMES[index - 1]}`] }),
  }))
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
