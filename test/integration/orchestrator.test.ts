import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: has greeting, run: test -s greeting.txt, proves: [1] }\n',
}
const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`

test('an approved order becomes a branch, a pull request and the three records', async () => {
  const answers = [{ task: 'Greet the world', turn: 1, text: write('greeting.txt', 'hello, world') }]
  await using home = await createMooseHome(FILES, answers)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, {
    title: 'Greet the world',
    files: ['greeting.txt'],
    criteria: ['There is a greeting', 'It is polite'],
  })
  const order = await settled(moose, id)
  assert.equal(order.status, 'in_progress', JSON.stringify(order.status_reason))
  assert.equal(order.phase, 'in_review')
  assert.equal(order.attempt_history.length, 1)
  const steps = order.attempt_history[0]?.steps.map(({ name, status }) => `${name} ${status}`)
  assert.deepEqual(steps, ['route', 'propose', 'apply', 'verify', 'publish', 'record'].map((name) => `${name} succeeded`))
  assert.match(String(order.pull_request?.body), /- \[x\] There is a greeting/)
  assert.match(String(order.pull_request?.body), /- \[ \] It is polite/)
})
