import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Moose } from '../../src/app.ts'
import { block, PRICE, says } from '../support/aider-bench.ts'
import { aiderOrSkip } from '../support/aider-program.ts'
import { gitIn } from '../support/git-remote.ts'
import { type ModelServer, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: greets, run: grep -q world greeting.txt }\n',
}
const GOOD = block('greeting.txt', 'hello', 'hello, world')
const BAD = block('greeting.txt', 'no such line', 'hello, world')
const IDEA = 'Put "hello, world" into greeting.txt.'
const write = (text: string) => `### write greeting.txt\n\`\`\`\n${text}\n\`\`\`\n`
const DEAR = { input_per_million: 30, output_per_million: 150 }
const TITLE = 'Greet the world'

type Setting = AsyncDisposable & { home: MooseHome; moose: Moose; server: ModelServer }

/** A running Moose whose proposers are stand-ins, and real Aider. */
async function setUp(script: Scripted[], settings: Record<string, string>): Promise<Setting> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startModelServer(...script))
  const home = stack.use(
    await createMooseHome(FILES, [], {
      OPENAI_COMPATIBLE_API_KEY: 'sk-real',
      ORCHESTRATOR_EXECUTOR: 'aider',
      ...settings,
    }),
  )
  await useStandIn(home, 'small', { url: server.url, threshold: 0.9 })
  const moose = stack.use(await home.open())
  const owned = stack.move()
  return { home, moose, server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const charge = ({ charged }: ModelServer) =>
  (charged.input * PRICE.input_per_million + charged.output * PRICE.output_per_million) / 1e6

async function run({ home, moose }: Setting, files = ['greeting.txt']) {
  const id = await fileOrder(home.database, { title: TITLE, files })
  await moose.orchestrator.start(null)
  await settled(moose, id, 90_000)
  // An attempt is still being recorded and cleared away when its order shows its end.
  while ((await moose.orchestrator.status()).executing_count > 0) await delay(20)
  return await detailOf(moose, id)
}

async function notes({ home }: Setting, id: string): Promise<string> {
  const rows = await home.database.db
    .selectFrom('work_order_events')
    .select(['type', 'message'])
    .where('work_order_id', '=', id)
    .orderBy('id')
    .execute()
  return rows.map(({ type, message }) => `${type}: ${message}`).join('\n')
}

function stepsOf({ attempt_history }: Awaited<ReturnType<typeof run>>) {
  return attempt_history.flatMap(({ steps }) => steps)
}

async function mirrorRefs({ home }: Setting): Promise<string> {
  const folder = path.join(home.config.home, 'mirrors')
  const [name] = await readdir(folder)
  return gitIn(path.join(folder, String(name)), 'for-each-ref', '--format=%(refname)', 'refs/moose')
}

describe('orders carried out with Aider', () => {
  test("the seed's flow: free text, real Aider's edits, one commit, a pull request, and every call in the cost", async (t) => {
    const bin = aiderOrSkip(t)
    if (bin === null) return
    const script = [says(IDEA), says(BAD), { kind: 'text', text: GOOD, input: 777, output: 55 } as const]
    await using setting = await setUp(script, { ORCHESTRATOR_AIDER_BIN: bin })
    const order = await run(setting)
    assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
    const branch = `feature/wo-${order.id.slice(0, 8)}-greet-the-world`
    assert.equal(await setting.home.remote.git('show', `${branch}:greeting.txt`), 'hello, world')
    assert.equal(await setting.home.remote.git('rev-list', '--count', `main..${branch}`), '1')
    const log = await setting.home.remote.git('log', '-1', '--format=%an %B', branch)
    assert.match(log, /^Moose WO-.*Work-Order: .*\/1/s)
    assert.doesNotMatch(log, /aider/i)
    const [attempt] = order.attempt_history
    assert.ok(Math.abs(Number(attempt?.cost_usd) - charge(setting.server)) < 1e-12)
    assert.equal(setting.server.calls.length, 3)
    const body = String(order.pull_request?.body)
    assert.match(body, /\*\*Executor:\*\* aider \(ORCHESTRATOR_EXECUTOR=aider\)/)
    assert.ok(body.includes(`**Cost:** $${charge(setting.server).toFixed(4)}`), body)
    const applied = attempt?.steps.find(({ name }) => name === 'apply')
    assert.equal(JSON.parse(JSON.stringify(applied?.output)).reason, 'ORCHESTRATOR_EXECUTOR=aider')
    assert.match(await notes(setting, order.id), /output: .*Applied edit to greeting\.txt/s)
  })

  test('a failed run is repeated once, told what went wrong, and the second one counts', async (t) => {
    const bin = aiderOrSkip(t)
    if (bin === null) return
    await using setting = await setUp([says(IDEA), says('Which world?'), says(GOOD)], { ORCHESTRATOR_AIDER_BIN: bin })
    const order = await run(setting)
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
    assert.ok(Math.abs(Number(order.attempt_history[0]?.cost_usd) - charge(setting.server)) < 1e-12)
  })

  test('two failed runs fail the order and leave no branch, no commit and no workspace', async (t) => {
    const bin = aiderOrSkip(t)
    if (bin === null) return
    const partial = GOOD + block('greeting.txt', 'nowhere', 'x')
    await using setting = await setUp([says(IDEA), says(partial), says('Sorry.'), says(partial), says('Sorry.')], {
      ORCHESTRATOR_AIDER_BIN: bin,
    })
    const order = await run(setting)
    assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'aider_partial'])
    assert.equal(setting.server.calls.length, 5)
    assert.deepEqual(await setting.home.remote.branches(), ['main'])
    assert.equal(await mirrorRefs(setting), '')
  })

  test('a commit whose check fails is rolled back: the mirror holds nothing of the attempt', async (t) => {
    const bin = aiderOrSkip(t)
    if (bin === null) return
    const script = [says(IDEA), says(block('greeting.txt', 'hello', 'good day'))]
    await using setting = await setUp(script, { ORCHESTRATOR_AIDER_BIN: bin })
    const order = await run(setting)
    assert.equal(order.status_reason?.code, 'check_failed')
    assert.match(String(order.attempt_history[0]?.head_sha), /^[0-9a-f]{40}$/)
    assert.equal(setting.server.calls.length, 2)
    assert.equal(await mirrorRefs(setting), '')
  })

  test('in auto, a repair that comes to nothing leaves the failed check as the reason', async (t) => {
    const bin = aiderOrSkip(t)
    if (bin === null) return
    const script = [says(write('good day')), says('I see nothing wrong.')]
    await using setting = await setUp(script, { ORCHESTRATOR_EXECUTOR: 'auto', ORCHESTRATOR_AIDER_BIN: bin })
    const order = await run(setting)
    assert.equal(order.status_reason?.code, 'check_failed')
    assert.match(order.status_reason.message, /Check "greets".*failed.*Aider was asked to repair it/s)
    assert.deepEqual(
      stepsOf(order).map((step) => [step.name, step.try, step.status]),
      [
        ['route', 1, 'succeeded'],
        ['propose', 1, 'succeeded'],
        ['apply', 1, 'succeeded'],
        ['verify', 1, 'failed'],
        ['apply', 2, 'failed'],
        ['apply', 3, 'failed'],
        ['record', 1, 'succeeded'],
      ],
    )
    assert.equal(await mirrorRefs(setting), '')
  })
})

test('without Aider nothing is started and nothing is spent, and the message says how to get it', async () => {
  await using setting = await setUp([says(IDEA)], {})
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
  await using setting = await setUp([says(IDEA)], { ORCHESTRATOR_AIDER_BIN: process.execPath })
  await assert.rejects(setting.moose.orchestrator.start(null), {
    code: 'command_missing',
    message: /Moose drives Aider 0\.86/,
  })
})

test('a failing proposer tries once more, then the next more able one does, and the order says who did', async () => {
  await using stronger = await startModelServer(says('### write greeting.txt\n```\nhello, world\n```\n'))
  const settings = { ORCHESTRATOR_EXECUTOR: 'patch' }
  await using setting = await setUp([says('no edits at all')], settings)
  await useStandIn(setting.home, 'large', { url: stronger.url, threshold: 1, price: DEAR })
  const order = await run(setting)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.match(String(order.pull_request?.body), /\*\*Proposer Used:\*\* large/)
  assert.deepEqual([setting.server.calls.length, stronger.calls.length], [8, 1])
  assert.match(
    await notes(setting, order.id),
    /same_model: .*small tries once more.*switch_model: .*large is the next/s,
  )
})
