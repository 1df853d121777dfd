import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startJsonServer } from '../support/json-server.ts'
import { createMooseHome, detailOf, fileOrder, settled } from '../support/moose-home.ts'
import { NEVER_POLLS } from '../support/suspended-bench.ts'

const CONTENT = '### write greeting.txt\n```\nhi\n```\n'
const SETTINGS = { ...NEVER_POLLS, ORCHESTRATOR_EXECUTOR: 'patch' }

/** Carries out one order whose change a foreign Proposer states this cost for; at most $0.01 is expected. */
async function costing(cost: number) {
  const data = { content: CONTENT, cost, proposer_used: 'theirs' }
  await using theirs = await startJsonServer({ status: 200, body: { success: true, data } })
  const settings = { ...SETTINGS, MOOSE_PROPOSER_URL: theirs.url, MOOSE_PROPOSER_MAX_COST_USD: '0.01' }
  await using home = await createMooseHome({ 'greeting.txt': 'hello\n' }, [], settings)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet the world', files: ['greeting.txt'] })
  await settled(moose, id)
  const { db } = home.database
  const entries = await db.selectFrom('budget_entries').select(['kind', 'cost_usd']).orderBy('id').execute()
  const kinds = entries.map(({ kind, cost_usd }) => `${kind} ${cost_usd}`)
  return { order: await detailOf(moose, id), kinds, asked: theirs.received.length }
}

test('a foreign Proposer that costs more than it was to is paid as it says', async () => {
  const { order, kinds } = await costing(0.5)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.match(String(kinds.at(-1)), /^settled 0\.50*$/)
})

test('one that states a cost out of all proportion is not believed: its order fails, and nothing else stops', async () => {
  const { order, kinds } = await costing(999_999_999)
  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'proposer_refused'])
  assert.match(
    String(order.status_reason?.message),
    /says it cost \$999999999\.00, more than the \$1\.00 that may be true where MOOSE_PROPOSER_MAX_COST_USD is \$0\.01/,
  )
  assert.ok(
    kinds.every((kind) => /^(?:reserved|unresolved) /.test(kind)),
    kinds.join('; '),
  )
})
