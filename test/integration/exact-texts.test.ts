import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { Fault } from '../../src/faults/fault.ts'
import { block, says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { startJsonServer } from '../support/json-server.ts'
import { startModelServer } from '../support/model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { openBench } from '../support/orchestrator-bench.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'
import { databaseWithPassword } from '../support/with-password.ts'

const write = (file: string, text: string) => `### write ${file}\n\`\`\`\`\n${text}\n\`\`\`\`\n`
const DEAR = { input_per_million: 30, output_per_million: 150 }
const KEY = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }

/** All rows of the tables that are there to be shown, as text. */
async function shownIn({ database: { db } }: MooseHome): Promise<string> {
  const rows = [
    await db.selectFrom('attempt_steps').selectAll().execute(),
    await db.selectFrom('work_order_events').selectAll().execute(),
    await db.selectFrom('attempts').select(['error']).execute(),
    await db.selectFrom('work_orders').select(['status_reason', 'metadata']).execute(),
    await db.selectFrom('outcome_vectors').selectAll().execute(),
  ]
  return JSON.stringify(rows)
}

/** What the engine keeps of the steps of every attempt. */
async function journalOf({ database: { db } }: MooseHome): Promise<string> {
  const { rows } = await sql<{
    output: string
  }>`select output from dbos.operation_outputs order by function_id`.execute(db)
  return rows.map(({ output }) => output).join('\n')
}

test('what holds a secret is proposed, checked, committed, journaled and remembered to the byte; what is shown is without it', async () => {
  const code = 'import postgres from "postgres"\n\nexport const sql = postgres("postgres://postgres@db/postgres")'
  const files = {
    'postgres.ts': 'export {}\n',
    'moose.yaml':
      'checks:\n  - { name: imports postgres, run: \'cat postgres.ts; grep -q "^import postgres from .postgres." postgres.ts\', proves: [1] }\n',
  }
  await using home = await createMooseHome(files, [], KEY, databaseWithPassword('postgres'))
  await using server = await startModelServer({ kind: 'text', text: write('postgres.ts', code) })
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const criteria = ['It talks to postgres']
  const id = await fileOrder(home.database, { title: 'Use postgres', files: ['postgres.ts'], criteria })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))

  const branch = String(order.github_branch)
  assert.equal(await home.remote.git('show', `${branch}:postgres.ts`), code)
  assert.equal(await home.remote.git('log', '-1', '--format=%s', branch), `WO-${id.slice(0, 8)}: Use postgres`)
  assert.match(JSON.stringify(server.calls[0]?.body), /Use postgres/)
  assert.match(await journalOf(home), /import postgres from \\+"postgres/)
  const { answer } = await home.database.db.selectFrom('model_calls').select('answer').executeTakeFirstOrThrow()
  assert.equal(String(answer), write('postgres.ts', code))

  const shown = await shownIn(home)
  assert.match(shown, /import \[redacted\] from/)
  // The address of the change is no text about it.
  assert.deepEqual(shown.replaceAll(branch, '').match(/.{0,80}postgres.{0,80}/g), null)
  // Beside the branch and the commit, a gap in the pull request would tell what stands there.
  const { title, body } = await home.database.db.selectFrom('pull_requests').selectAll().executeTakeFirstOrThrow()
  assert.equal(title, `WO-${id.slice(0, 8)}: Use postgres`)
  assert.match(body, /It talks to postgres.*`postgres\.ts`/s)
  assert.doesNotMatch(title + body, /redacted/)
  assert.match(body, new RegExp(`<!-- moose:wo=${id} attempt=1 -->`))

  await moose.orchestrator.merge(id)
  const merged = await home.remote.git('log', '-1', '--format=%s', 'main')
  assert.equal(merged, `Merge pull request #1: WO-${id.slice(0, 8)}: Use postgres`)
})

test('a model is told a failure of the same attempt as it was, and one of an earlier attempt as it is recorded', async () => {
  const files = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: never, run: "echo no postgres here; false" }\n' }
  const settings = { ...KEY, ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }
  await using home = await createMooseHome(files, [], settings, databaseWithPassword('postgres'))
  const missing = { kind: 'text', text: '### delete postgres.ts\n' } as const
  const edits = { kind: 'text', text: write('a.txt', 'b') } as const
  await using server = await startModelServer(missing, missing, edits)
  await useStandIn(home, 'postgres', { url: server.url, threshold: 0.9 })
  await useStandIn(home, 'stronger', { url: server.url, threshold: 1, price: DEAR })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a.txt', 'postgres.ts'] })
  const asked = () => JSON.stringify(server.calls.at(-1)?.body)

  assert.equal((await settled(moose, id)).status_reason?.code, 'check_failed')
  assert.equal(server.calls.length, 3, 'the proposer was known by its name, and another had a try')
  assert.match(asked(), /An earlier try.*None of the 2 answers of postgres can be applied.*postgres.ts/)

  await moose.orchestrator.retry(id)
  assert.equal((await settled(moose, id)).attempts, 2)
  assert.match(asked(), /An earlier try.*no \[redacted\] here/)
})

test('Aider is told of a failed check as it was, and what it makes of it is committed to the byte', {
  skip: lacking('aider'),
}, async () => {
  const check = 'grep -q "^import postgres from .postgres.$" db.ts || { echo no import of postgres; false; }'
  const files = { 'db.ts': 'export {}\n', 'moose.yaml': `checks:\n  - { name: imports, run: '${check}' }\n` }
  const settings = { ...KEY, ORCHESTRATOR_AIDER_BIN: AIDER }
  await using home = await createMooseHome(files, [], settings, databaseWithPassword('postgres'))
  await using server = await startModelServer(
    says('Import a driver in db.ts.'),
    says(block('db.ts', 'export {}', 'import pg from "pg"')),
    says(block('db.ts', 'import pg from "pg"', 'import postgres from "postgres"')),
  )
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Use postgres', files: ['db.ts'] })
  const order = await settled(moose, id, 90_000)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.match(JSON.stringify(server.calls.at(-1)?.body), /no import of postgres/)
  assert.equal(await home.remote.git('show', `${order.github_branch}:db.ts`), 'import postgres from "postgres"')
})

test('what an outcome is learned from is exact, and the words beside it are not', async () => {
  await using home = await createMooseHome(
    { 'a.txt': 'a\n' },
    [{ task: 'Write scripted', turn: 1, text: write('a.txt', 'b') }],
    {},
    databaseWithPassword('scripted'),
  )
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Write scripted', files: ['a.txt'] })
  const order = await settled(moose, id)
  assert.deepEqual([order.phase, order.proposer], ['in_review', 'scripted'])
  const outcome = await home.database.db.selectFrom('outcome_vectors').selectAll().executeTakeFirstOrThrow()
  assert.equal(outcome.model_used, 'scripted')
  assert.doesNotMatch(String(outcome.route_reason), /scripted/)
})

test('what a suspended order waits for is exact: its provider is known by its name', async () => {
  await using home = await createMooseHome(
    { 'a.txt': 'a\n' },
    [{ task: 'Wait', turn: 1, text: write('a.txt', 'b') }],
    { ORCHESTRATOR_POLLING_INTERVAL_MS: '100' },
    databaseWithPassword('scripted'),
  )
  await using bench = await openBench(home, { repair: async () => undefined })
  await countOutage(home.database.db, {
    provider: 'replay',
    kind: 'outage',
    keyMark: null,
    reason: 'busy',
    tested: false,
    askedMs: 60_000,
    chance: 1,
  })
  const paused = { proposer: 'scripted', provider: 'replay' }
  bench.trouble.propose.push(new Fault('provider_paused', 'scripted is away', paused), 'hangs')
  await bench.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Wait', files: ['a.txt'] })
  const stands = async () =>
    home.database.db
      .selectFrom('work_orders')
      .select(['status', 'status_reason'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  await until('it is suspended', async () => (await stands()).status === 'blocked')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const { status, status_reason: reason } = await stands()
  assert.equal(status, 'blocked')
  assert.match(String(reason?.message), /^The provider of \[redacted\] \(replay\) is paused/)
  assert.deepEqual({ ...reason?.details, ...paused }, reason?.details)
})

test('a value that is a word of JSON or a number changes no number, no flag and no name', async () => {
  for (const password of ['"status"', '12345678', 'replayed', 'succeeded', '":true,"']) {
    const usage = { input: 12_345_678, output: 123_456_789 }
    const recorded = [{ task: 'Count', turn: 1, text: `${password}:\n\n${write('a.txt', '123456789')}`, usage }]
    await using home = await createMooseHome({ 'a.txt': 'a\n' }, recorded, {}, databaseWithPassword(password))
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const id = await fileOrder(home.database, { title: 'Count', files: ['a.txt'] })
    const order = await settled(moose, id)
    assert.equal(order.phase, 'in_review', `${password}: ${JSON.stringify(order.status_reason)}`)
    const proposed = order.attempt_history[0]?.steps.find(({ name }) => name === 'propose')
    assert.match(JSON.stringify(proposed?.output), /"replayed":true.*"input":12345678,.*"output":123456789/, password)
    assert.match(JSON.stringify(proposed?.output), /"content":"\[redacted\]:/)
    assert.equal(await home.remote.git('show', `${order.github_branch}:a.txt`), '123456789')
  }
})

test('NUL and half a character, in an answer, a reason or an output, are shown as something else and are otherwise kept', async () => {
  const odd = 'odd \u0000 \ud800 end'
  const decision = {
    selected_proposer: 'stand-in',
    reason: odd,
    confidence: 1,
    routing_metadata: { complexity_score: 0.1, hard_stop_required: false, [odd]: { [odd]: [odd] } },
  }
  const manager = await startJsonServer({ status: 200, body: { success: true, routing_decision: decision } })
  await using _manager = manager
  const files = {
    'a.txt': 'a\n',
    'moose.yaml': 'checks:\n  - { name: prints, run: "printf \'\\\\000 \\\\355\\\\240\\\\200\\\\n\'; cat a.txt" }\n',
  }
  const settings = { ...KEY, MOOSE_MANAGER_URL: manager.url }
  await using home = await createMooseHome(files, [], settings)
  const half = { kind: 'text', text: write('a.txt', odd) } as const
  const whole = { kind: 'text', text: write('a.txt', 'whole') } as const
  await using server = await startModelServer(half, whole)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Write it', files: ['a.txt'] })
  const order = await settled(moose, id)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.equal(await home.remote.git('show', `${order.github_branch}:a.txt`), 'whole')
  assert.match(await journalOf(home), /odd \\u0000 \\ud800 end/)
  assert.match(await shownIn(home), /odd \ufffd \ufffd end/)
})

test('an answer that holds half a character is remembered as it was, and judged the same', async () => {
  const files = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: slow, run: "grep -q ^a a.txt || sleep 60" }\n' }
  await using home = await createMooseHome(files, [], { ...KEY, ORCHESTRATOR_EXECUTOR: 'patch' })
  const half = { kind: 'text', text: write('a.txt', 'half \ud800') } as const
  const whole = { kind: 'text', text: write('a.txt', 'whole') } as const
  await using server = await startModelServer(half, whole)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Write it', files: ['a.txt'] })
  for (const attempt of [1, 2, 3]) {
    const stands = async () => {
      const { attempts, phase } = await detailOf(moose, id)
      return attempts === attempt && phase === 'verifying'
    }
    await until('it is verified', stands)
    await moose.orchestrator.cancel(id)
    await until('nothing runs', async () => (await moose.orchestrator.status()).executing_count === 0)
    if (attempt < 3) await moose.orchestrator.retry(id)
  }
  assert.equal(server.calls.length, 2, 'the other attempts ask what the first has asked')
  const { attempt_history: history } = await detailOf(moose, id)
  const cycles = history.map(({ steps }) => JSON.stringify(steps.find(({ name }) => name === 'propose')?.output))
  for (const output of cycles) assert.match(output, /"cycles":2,"rejections":\["[^"]*half a character/)
})
