import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TriesResponse, TryResponse } from '../../src/contract/tries.ts'
import { says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { carryOut, chargeOf, GOOD, IDEA, notesOf, openAiderSetting, stepsOf, TITLE } from '../support/aider-setting.ts'
import { startModelServer } from '../support/model-server.ts'
import { detailOf, fileOrder } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { lacking } from '../support/tool-or-skip.ts'

const DEAR = { input_per_million: 30, output_per_million: 150 }

test('a failed run is repeated once, told what went wrong, and the second one counts', {
  skip: lacking('aider'),
}, async () => {
  await using setting = await openAiderSetting([says(IDEA), says('Which world?'), says(GOOD)], {
    ORCHESTRATOR_AIDER_BIN: AIDER,
  })
  const order = await carryOut(setting)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const [, first, second] = setting.server.calls.map(({ body }) => JSON.stringify(body))
  assert.doesNotMatch(String(first), /An earlier try failed/)
  assert.match(String(second), /An earlier try failed and was undone:.*Aider ended without changing a file/)
  const applied = stepsOf(order).filter(({ name }) => name === 'apply')
  assert.deepEqual(
    applied.map((step) => [step.try, step.status, step.error === null ? null : step.error.code]),
    [
      [1, 'failed', 'aider_no_change'],
      [2, 'succeeded', null],
    ],
  )
  assert.ok(Math.abs(Number(order.attempt_history[0]?.cost_usd) - chargeOf(setting.server)) < 1e-12)
  const get = async (path: string): Promise<unknown> => {
    const url = `http://127.0.0.1/api/work-orders/${order.id}/${path}`
    return (await setting.moose.http.fetch(new Request(url))).json()
  }
  const { tries } = TriesResponse.parse(await get('tries'))
  assert.deepEqual(
    tries.map(({ step }) => step),
    ['propose', 'apply', 'apply'],
  )
  const { prompt, answer } = TryResponse.parse(await get('attempts/1/tries/2')).try
  assert.match(String(prompt.reason), /^Aider asked this and composed it by itself/)
  assert.equal(answer.text, 'Which world?')
})

test('without Aider nothing is started and nothing is spent, and the message says how to get it', async () => {
  await using setting = await openAiderSetting([says(IDEA)], {})
  await assert.rejects(setting.moose.orchestrator.start(null), {
    code: 'command_missing',
    message: /moose doctor --fix/,
  })
  const id = await fileOrder(setting.home.database, { title: TITLE, files: ['greeting.txt'] })
  await assert.rejects(setting.moose.orchestrator.execute(id, new AbortController().signal), {
    code: 'command_missing',
  })
  assert.equal((await detailOf(setting.moose, id)).status, 'blocked')
  assert.equal(setting.server.calls.length, 0)
  const findings = await setting.moose.doctor(null)
  assert.equal(findings.find(({ name }) => name === 'aider')?.state, 'missing')
})

test('an Aider of another version is refused by name', async () => {
  await using setting = await openAiderSetting([says(IDEA)], { ORCHESTRATOR_AIDER_BIN: process.execPath })
  await assert.rejects(setting.moose.orchestrator.start(null), {
    code: 'command_missing',
    message: /Moose drives Aider 0\.86/,
  })
})

test('a failing proposer is asked once more, then the next more able one is, and the order says who did it', async () => {
  await using stronger = await startModelServer(says('### write greeting.txt\n```\nhello, world\n```\n'))
  const settings = { ORCHESTRATOR_EXECUTOR: 'patch' }
  await using setting = await openAiderSetting([says('no edits at all')], settings)
  await useStandIn(setting.home, 'large', { url: stronger.url, threshold: 1, price: DEAR })
  const order = await carryOut(setting)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.match(String(order.pull_request?.body), /\*\*Proposer Used:\*\* large/)
  assert.deepEqual([setting.server.calls.length, stronger.calls.length], [2, 1])
  assert.match(await notesOf(setting, order.id), /refinement 1 of 1.*switch_model: .*large is the next/s)
})
