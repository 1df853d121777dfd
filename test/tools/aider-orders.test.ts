import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { block, says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import {
  attemptRefsOf,
  carryOut,
  chargeOf,
  GOOD,
  IDEA,
  notesOf,
  openAiderSetting,
  stepsOf,
} from '../support/aider-setting.ts'
import { lacking } from '../support/tool-or-skip.ts'

const BAD = block('greeting.txt', 'no such line', 'hello, world')

describe('orders carried out with Aider', { skip: lacking('aider') }, () => {
  test("the specification's flow: free text, real Aider's edits, one commit, a pull request, and every call in the cost", async () => {
    const script = [says(IDEA), says(BAD), { kind: 'text', text: GOOD, input: 777, output: 55 } as const]
    await using setting = await openAiderSetting(script, { ORCHESTRATOR_AIDER_BIN: AIDER })
    const order = await carryOut(setting)
    assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
    const branch = `feature/wo-${order.id.slice(0, 8)}-greet-the-world`
    assert.equal(await setting.home.remote.git('show', `${branch}:greeting.txt`), 'hello, world')
    assert.equal(await setting.home.remote.git('rev-list', '--count', `main..${branch}`), '1')
    const log = await setting.home.remote.git('log', '-1', '--format=%an %B', branch)
    assert.match(log, /^Moose WO-.*Work-Order: .*\/1/s)
    assert.doesNotMatch(log, /aider/i)
    const [attempt] = order.attempt_history
    assert.ok(Math.abs(Number(attempt?.cost_usd) - chargeOf(setting.server)) < 1e-12)
    assert.equal(setting.server.calls.length, 3)
    const body = String(order.pull_request?.body)
    assert.match(body, /\*\*Executor:\*\* aider \(ORCHESTRATOR_EXECUTOR=aider\)/)
    assert.ok(body.includes(`**Cost:** $${chargeOf(setting.server).toFixed(4)}`), body)
    const applied = attempt?.steps.find(({ name }) => name === 'apply')
    assert.equal(JSON.parse(JSON.stringify(applied?.output)).reason, 'ORCHESTRATOR_EXECUTOR=aider')
    assert.match(await notesOf(setting, order.id), /output: .*Applied edit to greeting\.txt/s)
  })

  test('a failed run that has used the calls up fails the order and leaves no branch, no commit and no workspace', async () => {
    const partial = GOOD + block('greeting.txt', 'nowhere', 'x')
    await using setting = await openAiderSetting([says(IDEA), says(partial), says('Sorry.')], {
      ORCHESTRATOR_AIDER_BIN: AIDER,
    })
    const order = await carryOut(setting)
    assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'aider_partial'])
    assert.equal(setting.server.calls.length, 3)
    assert.deepEqual(await setting.home.remote.branches(), ['main'])
    assert.equal(await attemptRefsOf(setting), '')
  })

  test('a commit whose check fails is kept in the mirror, to be verified again', async () => {
    const script = [says(IDEA), says(block('greeting.txt', 'hello', 'good day'))]
    await using setting = await openAiderSetting(script, { ORCHESTRATOR_AIDER_BIN: AIDER })
    const order = await carryOut(setting)
    assert.equal(order.status_reason?.code, 'check_failed')
    assert.match(String(order.attempt_history[0]?.head_sha), /^[0-9a-f]{40}$/)
    assert.equal(setting.server.calls.length, 2)
    assert.equal(await attemptRefsOf(setting), `refs/moose/${order.id}/1`)
  })

  test('in auto, a repair that comes to nothing leaves the failed check as the reason', async () => {
    const script = [says(IDEA), says(block('greeting.txt', 'hello', 'good day')), says('I see nothing wrong.')]
    await using setting = await openAiderSetting(script, {
      ORCHESTRATOR_EXECUTOR: 'auto',
      ORCHESTRATOR_AIDER_BIN: AIDER,
    })
    const order = await carryOut(setting)
    assert.equal(order.status_reason?.code, 'check_failed')
    assert.match(order.status_reason.message, /Check "greets".*failed.*Aider was asked to repair it/s)
    assert.deepEqual(
      stepsOf(order).map((step) => [step.name, step.try, step.status]),
      [
        ['route', 1, 'succeeded'],
        ['prepare', 1, 'succeeded'],
        ['propose', 1, 'succeeded'],
        ['apply', 1, 'succeeded'],
        ['verify', 1, 'failed'],
        ['apply', 2, 'failed'],
        ['record', 1, 'succeeded'],
      ],
    )
    const told = setting.server.calls.map(({ body }) => JSON.stringify(body))
    assert.match(
      String(told[2]),
      /carried out in these files already.*-hello\\n\+good day.*A check of the project failed on it/s,
    )
    assert.deepEqual(
      order.evidence?.repairs.map(({ by, head_sha: sha, cost_usd: cost }) => [by, sha, cost > 0]),
      [['aider', null, true]],
    )
    assert.equal(await attemptRefsOf(setting), `refs/moose/${order.id}/1`)
  })

  test('in auto, the runs of a repair have the answers that the attempt has left', async () => {
    const script = [says(IDEA), says(block('greeting.txt', 'hello', 'good day')), says(BAD)]
    await using setting = await openAiderSetting(script, {
      ORCHESTRATOR_EXECUTOR: 'auto',
      ORCHESTRATOR_AIDER_BIN: AIDER,
    })
    const order = await carryOut(setting)
    assert.equal(order.status_reason?.code, 'check_failed')
    assert.equal(setting.server.calls.length, 3)
  })

  test('the answers of a first run that failed count among those of the attempt', async () => {
    const script = [says(IDEA), says('Sorry.'), says(block('greeting.txt', 'hello', 'good day')), says(BAD)]
    await using setting = await openAiderSetting(script, {
      ORCHESTRATOR_EXECUTOR: 'auto',
      ORCHESTRATOR_AIDER_BIN: AIDER,
    })
    const order = await carryOut(setting)
    assert.match(String(order.status_reason?.message), /Check "greets".*the attempt has had 3 answers of models/s)
    assert.equal(setting.server.calls.length, 3)
  })
})
