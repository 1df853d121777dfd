import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { launchWorker, mooseUp } from '../support/service-process.ts'
import { databaseWithPassword } from '../support/with-password.ts'

const CODE = 'import postgres from "postgres"\n\nexport default postgres({ user: "postgres" })'
const FILES = {
  'db.ts': 'export {}\n',
  'moose.yaml': 'checks:\n  - { name: imports, run: \'grep -q "^import postgres from .postgres.$" db.ts\' }\n',
}
const answers = [{ task: 'Use postgres', turn: 1, text: `### write db.ts\n\`\`\`\`\n${CODE}\n\`\`\`\`\n` }]

/** Between what a step gave and its display, in the step after it, and while it is published. */
const KILLS = ['end_step:before:kill@2', 'commit:before:kill', 'check:before:kill', 'open_pull_request:before:kill']

for (const kill of KILLS) {
  test(`killed at ${kill}: what holds a secret goes on as it was`, async () => {
    await using home = await createMooseHome(FILES, answers, {}, databaseWithPassword('postgres'))
    const id = await fileOrder(home.database, { title: 'Use postgres', files: ['db.ts'] })
    await using worker = launchWorker({ ...home.environment, MOOSE_FAULT: kill })
    if (worker.child.signalCode === null) await once(worker.child, 'exit')
    assert.equal(worker.child.signalCode, 'SIGKILL', worker.printed())

    await using _next = await mooseUp(home.environment)
    await using looker = await home.open('client')
    const order = await settled(looker, id)
    assert.deepEqual([order.phase, order.attempts], ['in_review', 1], JSON.stringify(order.status_reason))
    assert.equal(await home.remote.git('show', `${order.github_branch}:db.ts`), CODE)
    const shown = JSON.stringify(order.attempt_history)
    assert.match(shown, /import \[redacted\] from/)
    assert.doesNotMatch(shown, /import postgres/)
  })
}
