import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFailedAttempts, readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { openBench } from '../support/orchestrator-bench.ts'
import { moose as command } from '../support/service-process.ts'

const KEY = 'sk-canary-0123456789'
const SETTINGS = { OPENAI_API_KEY: KEY }
const FILES = {
  'a.txt': 'a\n',
  'held.txt': `key = ${KEY}\n`,
  'moose.yaml': 'checks:\n  - { name: runs, run: "false" }\n',
}
const write = (file: string, text: string) => `### write ${file}\n\`\`\`\`\n${text}\n\`\`\`\`\n`
const leak = { task: 'Configure it', turn: 1, text: write('src/config.ts', `// a\nexport const key = '${KEY}'`) }

/** Everything that is shown of orders, and everything that was pushed. */
async function shownIn({ database: { db }, remote }: MooseHome): Promise<string> {
  const rows = [
    await db.selectFrom('attempt_steps').selectAll().execute(),
    await db.selectFrom('work_order_events').selectAll().execute(),
    await db.selectFrom('attempts').select('error').execute(),
    await db.selectFrom('work_orders').select(['status_reason', 'metadata']).execute(),
    await db.selectFrom('outcome_vectors').selectAll().execute(),
    await db.selectFrom('pull_requests').selectAll().execute(),
  ]
  return JSON.stringify([rows, await remote.branches()])
}

test('a secret of Moose in a change stops it before its checks and its push, by name, and no model is told', async () => {
  await using home = await createMooseHome(FILES, [leak], SETTINGS)
  await using bench = await openBench(home, { repair: async () => assert.fail('nothing is to be repaired') })
  await bench.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Configure it', files: ['src/config.ts'] })
  await using looker = await home.open('client')
  const order = await settled(looker, id)
  assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'secret_in_change'])
  const told = String(order.status_reason?.message)
  assert.match(told, /OPENAI_API_KEY.*src\/config\.ts, line 2/)
  assert.match(told, new RegExp(`moose edit ${id.slice(0, 8)}.*moose retry ${id.slice(0, 8)}`))
  const place = { path: 'src/config.ts', line: 2, place: 'src/config.ts, line 2' }
  assert.deepEqual(order.status_reason?.details, { secret: 'OPENAI_API_KEY', ...place })
  assert.deepEqual([bench.calls.check, bench.calls.aider, bench.calls.propose], [0, 0, 1])
  assert.deepEqual(await home.remote.branches(), ['main'])
  const shown = await shownIn(home)
  assert.ok(shown.includes('[redacted]') && !shown.includes(KEY))

  assert.deepEqual(await readRoutingOutcomes(home.database.db, 10), [])
  assert.deepEqual(await readFailedAttempts(home.database.db, id), [])
})

test('the command line says so, with its exit code and without the secret', async () => {
  await using home = await createMooseHome(FILES, [leak], SETTINGS)
  const id = await fileOrder(home.database, { title: 'Configure it', files: ['src/config.ts'] })
  const ran = await command(home.environment, 'run', id)
  assert.equal(ran.exitCode, 1, ran.stderr)
  assert.match(ran.stdout + ran.stderr, /OPENAI_API_KEY/)
  const show = await command(home.environment, 'show', id, '--json')
  assert.ok(![ran.stdout, ran.stderr, show.stdout].join('').includes(KEY))
})

const PLACES: readonly (readonly [what: string, title: string, file: string, text: string, place: RegExp | null])[] = [
  ['the title of the order', `Use ${KEY}`, 'a.txt', 'b', /the commit's message/],
  ['the name of a file', 'Name it', `${KEY}.txt`, 'b', /the name of the file \[redacted\]\.txt/],
  ['a file that held it before', 'Keep it', 'held.txt', `// kept\nkey = ${KEY}`, null],
]
for (const [what, title, file, text, place] of PLACES) {
  test(`a secret in ${what} ${place === null ? 'stops nothing' : 'stops the change'}`, async () => {
    const files = { ...FILES, 'moose.yaml': 'checks: []\n' }
    await using home = await createMooseHome(files, [{ task: title, turn: 1, text: write(file, text) }], SETTINGS)
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title, files: [file] })
    const order = await settled(moose, id)
    if (place === null) return assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
    assert.equal(order.status_reason?.code, 'secret_in_change')
    assert.match(order.status_reason.message, place)
    assert.deepEqual(await home.remote.branches(), ['main'])
    assert.ok(!(await shownIn(home)).includes(KEY))
  })
}
