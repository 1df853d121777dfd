import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { AIDER } from '../support/aider-program.ts'
import { type ModelServer, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { lacking } from '../support/tool-or-skip.ts'

const FILES = { 'a.txt': 'a\n' }
const edit = (file: string, search: string, replace: string) =>
  `### edit ${file}\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE\n`

/** Each of them fails otherwise, and none is a change. */
const HOPELESS: Scripted[] = [
  { kind: 'text', text: 'I cannot do that.' },
  { kind: 'text', text: '### edit a.txt\n<<<<<<< SEARCH\na\n' },
  { kind: 'text', text: edit('a.txt', 'what is not there', 'b') },
  { kind: 'truncated', text: '### write a.txt\n```\nb' },
  { kind: 'refused' },
  { kind: 'text', text: edit('a.txt', 'a', 'a') },
  { kind: 'text', text: '<think>\nperhaps so' },
  { kind: 'text', text: edit('b.txt', 'b', 'c') },
  { kind: 'text', text: '### delete nothing.txt\n' },
]
/** The same, beginning with each of them in turn. */
const ROTATIONS = HOPELESS.map((_, index) => [...HOPELESS.slice(index), ...HOPELESS.slice(0, index)])

type Setting = { proposers: number; settings?: Record<string, string>; only?: number }

/** Has an order carried out by a hopeless model, once for each answer it may begin with. */
async function carryOutAll({ proposers, settings = {}, only = ROTATIONS.length }: Setting) {
  await using home = await createMooseHome(FILES, [], {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_EXECUTOR: 'patch',
    ORCHESTRATOR_PAUSE_AFTER_FAILURES: '0',
    ...settings,
  })
  await using server = await startModelServer({ kind: 'refused' })
  for (let nth = 1; nth <= proposers; nth += 1)
    await useStandIn(home, `model-${nth}`, { url: server.url, threshold: 0.5 + nth / 10 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const runs: { order: WorkOrderDetail; calls: number; again: number }[] = []
  for (const [index, rotation] of ROTATIONS.slice(0, only).entries()) {
    const before = server.calls.length
    serve(server, rotation)
    const id = await fileOrder(home.database, { title: `Change a, ${index}`, files: ['a.txt'] })
    const order = await settled(moose, id)
    const calls = server.calls.length - before
    await moose.orchestrator.retry(id)
    await settled(moose, id)
    runs.push({ order, calls, again: server.calls.length - before - calls })
  }
  const response = await moose.http.fetch(new Request('http://127.0.0.1/api/inbox'))
  const inbox = JSON.parse(await response.text())
  return { runs, inbox }
}

const CHECKED = { ...FILES, 'moose.yaml': 'checks:\n  - { name: never, run: "cat a.txt; grep -qx a a.txt" }\n' }
const wrong: Scripted = { kind: 'text', text: edit('a.txt', 'what is not there', 'b') }
const applies = (text: string): Scripted => ({ kind: 'text', text: `### write a.txt\n\`\`\`\n${text}\n\`\`\`\n` })
/** Something applies once or more, and nothing passes. */
const APPLYING: Scripted[][] = [
  [applies('b'), wrong, wrong, wrong],
  [wrong, applies('b'), wrong, wrong, wrong],
  [wrong, applies('b'), applies('c'), applies('d'), applies('e')],
  [applies('b'), wrong, applies('c'), applies('d'), wrong],
]

test('a change that applies and fails differently each time costs at most three calls too', async (t) => {
  for (const [index, script] of APPLYING.entries()) {
    await t.test(`script ${index + 1}`, async () => {
      await using home = await createMooseHome(CHECKED, [], {
        OPENAI_COMPATIBLE_API_KEY: 'sk-real',
        ORCHESTRATOR_EXECUTOR: 'patch',
      })
      await using server = await startModelServer(...script)
      await useStandIn(home, 'model', { url: server.url, threshold: 1 })
      await using moose = await home.open()
      await moose.orchestrator.start(null)
      const order = await settled(moose, await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] }))
      assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'check_failed'])
      assert.equal(server.calls.length, 3)
    })
  }
})

/** Answers differently each time, whatever is asked. */
function serve({ script, calls }: ModelServer, rotation: readonly Scripted[]): void {
  const from = calls.length
  script.splice(0, Infinity, (_, index) => rotation[(index - from) % rotation.length] ?? { kind: 'refused' })
}

async function assertBounded(setting: Setting): Promise<void> {
  const { runs, inbox } = await carryOutAll(setting)
  for (const { order, calls, again } of runs) {
    const said = JSON.stringify([order.status, order.status_reason, calls, again])
    assert.equal(order.status, 'failed', said)
    assert.ok(calls >= 1 && calls <= 3, said)
    assert.equal(order.attempts, 1, said)
    assert.ok(again >= 1 && again <= 3, `a human's retry gives a new bound: ${said}`)
  }
  const entries = inbox.inbox.filter(({ kind }: { kind: string }) => kind === 'failed')
  assert.equal(entries.length, runs.length, 'one message for each order')
  for (const { next } of entries)
    assert.ok(
      next.some((line: string) => /moose retry \w+ --fresh/.test(line)),
      next,
    )
}

test('a hopeless model that fails differently each time costs at most three calls, then a human is asked once', async () => {
  await assertBounded({ proposers: 1 })
})

test('with three proposers a hopeless order costs at most three calls too', async () => {
  await assertBounded({ proposers: 3 })
})

test('with Aider the calls that Aider makes of a text are among the three', { skip: lacking('aider') }, async () => {
  const settings = { ORCHESTRATOR_EXECUTOR: 'auto', ORCHESTRATOR_AIDER_BIN: AIDER }
  await assertBounded({ proposers: 2, settings })
})

test('an order that Aider alone carries out is bounded in the same way', { skip: lacking('aider') }, async () => {
  const settings = { ORCHESTRATOR_EXECUTOR: 'aider', ORCHESTRATOR_AIDER_BIN: AIDER }
  await assertBounded({ proposers: 1, settings, only: 4 })
})
