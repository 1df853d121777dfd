import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { block, says } from '../support/aider-bench.ts'
import { type ContainerEngine, createContainerEngine } from '../support/container-engine.ts'
import { createMooseHome, fileOrder, type MooseHome, type RecordedAnswer, settled } from '../support/moose-home.ts'
import { fileBySql, lackingRealTools, settledOverHttp, startRealTools } from '../support/real-tools.ts'
import { lacking } from '../support/tool-or-skip.ts'

const skip = lacking('podman', 'runc')
let engine: ContainerEngine

before(async () => {
  if (skip === false) engine = await createContainerEngine()
})
after(async () => {
  if (skip === false) await engine[Symbol.asyncDispose]()
})

const IMAGE = 'sh bash cat mkdir grep env id'.split(' ')
const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': `setup:
  run: mkdir -p deps && cat /etc/image > deps/made-in
cache: [deps/]
checks:
  - { name: greets, run: "grep -q . greeting.txt && cat deps/made-in && test -e /run/.containerenv && ! test -e /usr/bin/git" }
`,
  '.gitignore': 'deps/\n',
}
const ANSWERS: RecordedAnswer[] = ['Greet', 'Greet again'].map((task, index) => ({
  task,
  turn: 1,
  text: `### write greeting.txt\n\`\`\`\nhello, ${index}\n\`\`\`\n`,
}))

const settings = () => ({ ...engine.environment, ORCHESTRATOR_EXECUTOR: 'patch' })
const rows = async (home: MooseHome, table: 'model_calls' | 'base_checks') =>
  (await home.database.db.selectFrom(table).selectAll().execute()).length

async function call(moose: Moose, method: 'PATCH' | 'POST', path: string, body: object = {}): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await moose.http.fetch(
    new Request(`http://127.0.0.1${path}`, { method, headers, body: JSON.stringify(body) }),
  )
  assert.ok(response.ok, await response.text())
}

const useImage = (moose: Moose, sandbox_image: string) =>
  call(moose, 'PATCH', '/api/projects/sample', { sandbox_image })
const imageFinding = async (moose: Moose) => (await moose.doctor(null)).find(({ name }) => name === 'image of sample')

test('an order goes through containers to its pull request, and without an image is blocked before it costs anything', {
  skip,
}, async () => {
  await using home = await createMooseHome(FILES, ANSWERS, settings())
  const first = await engine.importImage('first', { programs: IMAGE, files: { 'etc/image': 'first\n' } })
  const second = await engine.importImage('second', { programs: IMAGE, files: { 'etc/image': 'second\n' } })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet', files: ['greeting.txt'] })
  const blocked = await settled(moose, id, 200_000)
  assert.deepEqual([blocked.status, blocked.status_reason?.code], ['blocked', 'sandbox_unavailable'])
  assert.match(String(blocked.status_reason?.message), /moose project edit PROJECT --image IMAGE/)
  assert.equal(await rows(home, 'model_calls'), 0)
  assert.equal((await imageFinding(moose))?.remedy, 'moose project edit sample --image IMAGE')

  await useImage(moose, first)
  assert.deepEqual((await imageFinding(moose))?.state, 'ok')
  await call(moose, 'POST', `/api/work-orders/${id}/retry`)
  const ended = await settled(moose, id, 200_000)
  assert.equal(ended.phase, 'in_review', JSON.stringify(ended.status_reason))
  assert.equal(await rows(home, 'base_checks'), 1)
  assert.match(JSON.stringify(ended.attempt_history), /first/)

  // What is known of the base, and what set-up left, was found in another image.
  await useImage(moose, second)
  const again = await settled(
    moose,
    await fileOrder(home.database, { title: 'Greet again', files: ['greeting.txt'] }),
    200_000,
  )
  assert.equal(again.phase, 'in_review', JSON.stringify(again.status_reason))
  assert.match(JSON.stringify(again.attempt_history), /second/)
  assert.equal(await rows(home, 'base_checks'), 2)
  const [project = ''] = await readdir(path.join(home.config.home, 'caches'))
  assert.equal((await readdir(path.join(home.config.home, 'caches', project))).length, 2)
  assert.deepEqual(await engine.containers(), [])
})

test('Aider works in a container of the project’s image, with the programs of this machine', {
  skip: skip === false ? lackingRealTools() : skip,
}, async () => {
  const files = {
    'greeting.txt': 'hello\n',
    'moose.yaml': 'checks:\n  - { name: greets, run: grep -q world greeting.txt }\n',
  }
  const answers = [says('Put "hello, world" into greeting.txt.'), says(block('greeting.txt', 'hello', 'hello, world'))]
  await using tools = await startRealTools({
    files,
    settings: { ...engine.environment, ORCHESTRATOR_EXECUTOR: 'auto' },
  })
  await tools.home.database.db.updateTable('projects').set({ sandbox_image: engine.image }).execute()
  tools.model.script.push(...answers)
  const id = await fileBySql(tools, {
    title: 'Greet',
    description: 'It should greet the world.',
    files: ['greeting.txt'],
  })
  const order = await settledOverHttp(tools, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.equal(
    await tools.home.remote.git('show', `${tools.github.state.pulls.at(-1)?.sha}:greeting.txt`),
    'hello, world',
  )
  assert.deepEqual(await engine.containers(), [])
})
