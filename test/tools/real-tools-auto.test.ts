import assert from 'node:assert/strict'
import { test } from 'node:test'
import { block, says } from '../support/aider-bench.ts'
import { startJsonServer } from '../support/json-server.ts'
import type { Scripted } from '../support/model-server.ts'
import {
  chargedBy,
  fileBySql,
  lackingRealTools,
  orderByCommand,
  type RealTools,
  settledOverHttp,
  startRealTools,
} from '../support/real-tools.ts'
import { tracesOf } from '../support/traces.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: greets, run: grep -q world greeting.txt }\n',
}
const edits = (text: string) => `### write greeting.txt\n\`\`\`\n${text}\n\`\`\`\n`
const MISSES = says('### edit greeting.txt\n<<<<<<< SEARCH\nno such line\n=======\nhello, world\n>>>>>>> REPLACE\n')
const MENDS = says(block('greeting.txt', 'good day', 'hello, world'))
const AIDERS = says(block('greeting.txt', 'hello', 'hello, world'))

type Choice = {
  name: string
  script: Scripted[]
  executor: 'patch' | 'aider'
  reason: string
  /** What mends the change; undefined: nothing has to. */
  repair?: 'proposer' | 'aider'
}

/** What becomes of a proposal in `auto`, by what it is. */
const CHOICES: readonly Choice[] = [
  {
    name: 'free text goes to Aider',
    script: [says('Put "hello, world" into greeting.txt.'), AIDERS],
    executor: 'aider',
    reason: 'the proposal is free text, not edits',
  },
  {
    name: 'edits that apply are applied as they are',
    script: [says(edits('hello, world'))],
    executor: 'patch',
    reason: 'the proposal is edits that apply to the base commit',
  },
  {
    name: 'a proposal that never applies goes to Aider',
    // Of the three answers of an attempt the last one is left to Aider.
    script: [MISSES, MISSES, AIDERS],
    executor: 'aider',
    reason: 'the proposal does not apply to the base commit, after 2 tries',
  },
  {
    name: 'edits that fail a check are mended by the model that made them',
    script: [says(edits('good day')), says(edits('hello, world'))],
    executor: 'patch',
    reason: 'the proposal is edits that apply to the base commit',
    repair: 'proposer',
  },
  {
    name: 'what Aider made of free text and fails a check is mended by Aider',
    script: [says('Put "good day" into greeting.txt.'), says(block('greeting.txt', 'hello', 'good day')), MENDS],
    executor: 'aider',
    reason: 'the proposal is free text, not edits',
    repair: 'aider',
  },
]

test('in auto', { timeout: 240_000, skip: lackingRealTools() }, async (t) => {
  await using tools = await startRealTools({ files: FILES, settings: { ORCHESTRATOR_EXECUTOR: 'auto' } })
  for (const choice of CHOICES) {
    await t.test(choice.name, async () => {
      const before = chargedBy(tools.model)
      const order = await assertChoice(tools, choice)
      const cost = chargedBy(tools.model) - before
      assert.ok(Math.abs(Number(order.attempt_history[0]?.cost_usd) - cost) < 1e-9, `${cost}`)
    })
  }
})

test("in auto, a foreign Proposer's free text goes to Aider, and its price is in the cost", {
  timeout: 120_000,
  skip: lackingRealTools(),
}, async () => {
  const data = { content: 'Put "hello, world" into greeting.txt.', cost: 0.25, proposer_used: 'theirs' }
  await using theirs = await startJsonServer({ status: 200, body: { success: true, data } })
  const settings = { ORCHESTRATOR_EXECUTOR: 'auto', MOOSE_PROPOSER_URL: theirs.url }
  await using tools = await startRealTools({ files: FILES, settings })
  const reason = 'the proposal is free text, not edits'
  const order = await assertChoice(tools, { name: 'free text', script: [AIDERS], executor: 'aider', reason })
  assert.ok(Math.abs(Number(order.actual_cost) - 0.25 - chargedBy(tools.model)) < 1e-9, String(order.actual_cost))
})

/** The choice and its reason are in the record of the step and in the pull request. */
async function assertChoice(tools: RealTools, { name, script, executor, reason, repair }: Choice) {
  const { github, home, model } = tools
  const before = model.calls.length
  model.script.splice(0, model.script.length, ...script)
  const id = await fileBySql(tools, { title: name, description: 'It should greet the world.', files: ['greeting.txt'] })
  await settledOverHttp(tools, id)
  const order = await orderByCommand(tools, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.equal(model.calls.length, before + script.length)
  const applied = order.attempt_history[0]?.steps.findLast((step) => step.name === 'apply')
  const output = JSON.parse(JSON.stringify(applied?.output))
  const why = repair === undefined ? reason : 'repair 1 of 2: check "greets" failed'
  assert.deepEqual([output.executor, output.reason], [executor, why])
  const pull = github.state.pulls.at(-1)
  assert.ok(pull !== undefined)
  assert.ok(pull.body.split('\n').includes(`**Executor:** ${executor} (${reason})`), pull.body)
  assert.ok(pull.body.includes(`**Cost:** $${Number(order.actual_cost).toFixed(4)}`))
  assert.equal(await home.remote.git('show', `${pull.sha}:greeting.txt`), 'hello, world')
  assert.equal(await home.remote.git('rev-list', '--count', `main..${pull.sha}`), repair === undefined ? '1' : '2')
  assert.deepEqual(
    order.evidence?.repairs.map(({ by, mended }) => [by, mended]),
    repair === undefined ? [] : [[repair, true]],
  )
  const { processes, workspaces, temporary } = await tracesOf(tools)
  assert.deepEqual([processes, workspaces, temporary], [[], [], []])
  return order
}
