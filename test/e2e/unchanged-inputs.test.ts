import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const EDITS = { kind: 'text', text: '### write a.txt\n```\nb\n```\n' } as const
const CHECKS = 'checks:\n  - name: never\n    run: "false"\n'

test('an order that failed is asked anew by each retry, although nothing has changed: no answer that failed is given again', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n', 'moose.yaml': CHECKS }, [], {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_EXECUTOR: 'patch',
    MOOSE_REPAIR_MAX: '0',
  })
  await using server = await startModelServer(EDITS)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await using moose = await home.open()
  const failAgain = async () => {
    const order = await settled(moose, id)
    assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'check_failed'])
    return server.bill.length
  }
  await moose.orchestrator.start(null)
  assert.equal(await failAgain(), 1)
  await moose.orchestrator.retry(id)
  assert.equal(await failAgain(), 2, 'told of the failure, the model may do better')
  for (const calls of [3, 4, 5]) {
    await moose.orchestrator.retry(id)
    assert.equal(await failAgain(), calls)
  }
  const { attempts, actual_cost: cost } = await settled(moose, id)
  assert.equal(attempts, 5)
  const paid = await home.database.db.selectFrom('budget_entries').select('id').where('kind', '=', 'settled').execute()
  assert.equal(paid.length, 5, `$${cost}`)
})

test('retried after failed checks: the same model told of the failure, then a stronger one, and never a weaker one after it', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n', 'moose.yaml': CHECKS }, [], {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_EXECUTOR: 'patch',
    MOOSE_REPAIR_MAX: '0',
  })
  await using server = await startModelServer(EDITS)
  await useStandIn(home, 'weak', { url: server.url, threshold: 0.5 })
  const dearer = { input_per_million: 30, output_per_million: 90 }
  await useStandIn(home, 'strong', { url: server.url, threshold: 1, price: dearer })
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const asked: unknown[] = []
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    if (attempt > 1) await moose.orchestrator.retry(id)
    const order = await settled(moose, id)
    assert.equal(order.status_reason?.code, 'check_failed')
    asked.push(order.proposer)
  }
  assert.deepEqual(asked, ['weak', 'weak', 'strong', 'strong'])
  assert.equal(server.bill.length, 4)
})
