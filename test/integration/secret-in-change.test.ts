import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFailedAttempts, readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { openBench } from '../support/orchestrator-bench.ts'
import { moose as command } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

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

test('a secret in the name of a file stops the change', async () => {
  const files = { ...FILES, 'moose.yaml': 'checks: []\n' }
  const named = { task: 'Name it', turn: 1, text: write(`keys/${KEY}.txt`, 'b') }
  await using home = await createMooseHome(files, [named], SETTINGS)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: named.task, files: ['keys/'] })
  const { status_reason: reason } = await settled(moose, id)
  assert.equal(reason?.code, 'secret_in_change')
  assert.match(reason.message, /the name of the file keys\/\[redacted\]\.txt/)
  assert.deepEqual(await home.remote.branches(), ['main'])
  assert.ok(!(await shownIn(home)).includes(KEY))
})

test('what one fix command puts into a file and the next takes out of it is pushed by no commit', async () => {
  const fixes = `checks:
  - { name: first, run: grep -x ready a.txt, fix: cp held.txt a.txt }
  - { name: second, run: grep -x ready a.txt, fix: echo ready > a.txt }
`
  const wrong = { task: 'Make it ready', turn: 1, text: write('a.txt', 'not yet') }
  await using home = await createMooseHome({ ...FILES, 'moose.yaml': fixes }, [wrong], SETTINGS)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: wrong.task, files: ['a.txt'] }))
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const pushed = `main..${order.pull_request?.branch}`
  assert.doesNotMatch(await home.remote.git('log', '-p', pushed), new RegExp(KEY))
  assert.equal(await home.remote.git('rev-list', '--count', pushed), '2')
  const head = order.pull_request?.head_sha
  assert.deepEqual(
    order.evidence?.repairs.map(({ check, head_sha: sha }) => [check, sha]),
    [
      ['first', head],
      ['second', head],
    ],
  )
})

const IN_BASE_64 = Buffer.from(`ada:${KEY}`).toString('base64')
const PROMPTS: readonly (readonly [what: string, title: string, file: string, place: RegExp])[] = [
  ['title of the order', `Use ${KEY}`, 'a.txt', /OPENAI_API_KEY\) stands in the order's title/],
  ['title of the order, in which something is hidden', `Use sk-\u200bcanary-0123456789`, 'a.txt', /the order's title/],
  ['scope of the order', 'Name it', `${KEY}.txt`, /the order's files_in_scope/],
  ['file in scope', 'Keep it', 'held.txt', /stands in held\.txt, line 1/],
  ['file in scope, encoded', 'Keep it', 'encoded.txt', /stands in encoded\.txt, line 2/],
]
for (const [what, title, file, place] of PROMPTS) {
  test(`a secret of Moose in a ${what} is told to no model; another text like it is`, async () => {
    const files = { ...FILES, 'encoded.txt': `\nBasic ${IN_BASE_64}\n`, 'moose.yaml': 'checks: []\n' }
    const carriedOut = async (settings: Record<string, string>) => {
      await using home = await createMooseHome(files, [], { ...settings, OPENAI_COMPATIBLE_API_KEY: 'sk-real' })
      await using server = await startModelServer({ kind: 'text', text: write(file, 'b') })
      await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
      await using moose = await home.open()
      await moose.orchestrator.start(null)
      const order = await settled(moose, await fileOrder(home.database, { title, files: [file] }))
      return { order, told: JSON.stringify(server.calls.map(({ body }) => body)), shown: await shownIn(home) }
    }
    const unknown = await carriedOut({})
    assert.equal(unknown.order.phase, 'in_review', JSON.stringify(unknown.order.status_reason))
    assert.ok(unknown.told.includes(KEY) || unknown.told.includes(IN_BASE_64))
    const { order, told, shown } = await carriedOut(SETTINGS)
    assert.deepEqual([order.status, order.status_reason?.code], ['blocked', 'secret_in_prompt'])
    assert.match(String(order.status_reason?.message), place)
    assert.equal(told, '[]')
    assert.ok(!shown.includes(KEY))
  })
}
