import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { block, says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

/** An answer of any length costs what the longest one may: ten cents, which is what is reserved for it. */
const TEN_CENTS = { input_per_million: 0, output_per_million: 6.25 }
const LONGEST_ANSWER = 16_000
const costing = (scripted: Scripted): Scripted => ({ ...scripted, input: 10, output: LONGEST_ANSWER })

/** Aider asks again and again for a block it can find in the file. */
const LOOPING = costing(says(block('greeting.txt', 'not in there', 'hello, world')))

test('an order with a cap of $0.20 whose Aider asks again: two calls of $0.10, then it waits; with $1 it goes on', {
  timeout: 180_000,
  skip: lacking('aider'),
}, async () => {
  const settings = {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_EXECUTOR: 'aider',
    ORCHESTRATOR_AIDER_BIN: AIDER,
  }
  await using home = await createMooseHome({ 'greeting.txt': 'hello\n' }, [], settings)
  await using server = await startModelServer(costing(says('Put "hello, world" into greeting.txt.')), LOOPING)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1, price: TEN_CENTS })
  const id = await fileOrder(home.database, { title: 'Greet', files: ['greeting.txt'], approved: false })
  for (const command of [
    ['budget', 'cap', `order:${id.slice(0, 8)}`, '0.20'],
    ['approve', id],
  ]) {
    assert.equal((await moose(home.environment, ...command)).exitCode, 0)
  }
  await using _service = await mooseUp(home.environment, '--start')
  await using looker = await home.open('client')
  const waiting = await settled(looker, id, 90_000)
  assert.deepEqual([waiting.status, waiting.status_reason?.code], ['blocked', 'budget_exceeded'])
  assert.match(
    String(waiting.status_reason?.message),
    /the cap of this order, \$0\.20, has \$0\.00 left \(\$0\.20 spent, \$0\.00 reserved\)\. Raise it with: moose budget cap order:\w+ 0\.30$/,
  )
  assert.deepEqual([server.bill.length, waiting.actual_cost], [2, 0.2], 'the provider bills what the cap allows')

  server.script.splice(0, Infinity, costing(says(block('greeting.txt', 'hello', 'hello, world'))))
  assert.equal((await moose(home.environment, 'budget', 'cap', `order:${id.slice(0, 8)}`, '1')).exitCode, 0)
  await until('it goes on', async () => (await findWorkOrder(home.database.db, id)).status !== 'blocked')
  const done = await settled(looker, id, 90_000)
  assert.deepEqual([done.phase, done.attempts, server.bill.length, done.actual_cost], ['in_review', 1, 3, 0.3])
  const steps = done.attempt_history.flatMap((attempt) => attempt.steps.map(({ name, runs }) => [name, runs]))
  assert.deepEqual(steps.slice(0, 3), [
    ['route', 1],
    ['prepare', 1],
    ['propose', 1],
  ])
})
