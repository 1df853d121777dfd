import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const NO_EDITS = { kind: 'text', text: 'no edits at all' } as const
const EDITS = { kind: 'text', text: '### write a.txt\n```\nb\n```\n' } as const

test('kill -9 in the second try of a proposal: the first is not made again, and the second goes on', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], { OPENAI_COMPATIBLE_API_KEY: 'sk-real' })
  await using server = await startModelServer(NO_EDITS, NO_EDITS, NO_EDITS, NO_EDITS, { kind: 'silent' })
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const first = await mooseUp(home.environment, '--start')
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] })
  while (server.calls.length < 5) await delay(10)
  await first.kill()
  server.script.splice(0, Infinity, EDITS)

  await using _second = await mooseUp(home.environment)
  await using looker = await home.open('client')
  const order = await settled(looker, id)
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1], JSON.stringify(order.status_reason))
  assert.equal(server.calls.length, 6)
  const proposals = order.attempt_history
    .flatMap(({ steps }) => steps)
    .filter(({ name }) => name === 'propose')
    .map((step) => [step.try, step.status, step.runs])
  assert.deepEqual(proposals, [
    [1, 'failed', 1],
    [2, 'succeeded', 2],
  ])
})
