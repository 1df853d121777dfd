import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeHome } from '../support/embedded-home.ts'
import { createGitRemote } from '../support/git-remote.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const FILES = { 'a.txt': 'a\n', 'moose.yaml': 'checks:\n  - { name: slow look, run: sleep 0.4 && test -s a.txt }\n' }
const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`
const answers = ['one', 'two', 'three'].map((name) => ({
  task: `Write ${name}`,
  turn: 1,
  text: write(`${name}.txt`, name),
  delay_ms: 300,
}))

/** The order by plain SQL, as the specification's Director writes it: first the row, then the approval. */
const DIRECTOR = `
  insert into work_orders (title, description, acceptance_criteria, files_in_scope, risk_level)
  values ('Write one', 'By psql.', '["There is a file"]', '["one.txt"]', 'low');
  update work_orders set metadata = metadata || '{"approved_by_director": true}' where title = 'Write one';
`

test('an order written and approved by psql is carried out without another command', {
  skip: lacking('psql'),
}, async () => {
  await using folder = await makeHome()
  await using remote = await createGitRemote(FILES)
  const recordings = await createMooseHome(FILES, answers)
  await using _recordings = recordings
  const { DATABASE_URL: _server, ...settings } = recordings.environment
  const environment = { ...settings, MOOSE_HOME: `${folder.path}/moose`, ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000' }
  const added = await moose(environment, 'init', remote.path, '--name', 'sample')
  assert.equal(added.exitCode, 0, added.stderr)
  await using service = await mooseUp(environment, '--start')
  const sql = async (text: string) => {
    const { stdout } = await promisify(execFile)('psql', [
      '-X',
      '-q',
      '-t',
      '-A',
      '-v',
      'ON_ERROR_STOP=1',
      '-c',
      text,
      service.status.database_url,
    ])
    return stdout.trim()
  }
  await sql(`update proposer_configs set active = false;
    insert into proposer_configs (name, provider, model) values ('scripted', 'replay', 'scripted')`)
  await sql(DIRECTOR)
  const phase = () =>
    sql(`select status || '/' || coalesce(phase, '') || coalesce(status_reason->>'message', '') from work_orders`)
  await until('it is in review', async () => (await phase()) === 'in_progress/in_review', { everyMs: 100, say: phase })
  assert.equal((await remote.branches()).length, 2)
})

test('kill -9 in the middle of three orders: the next start finishes all, nothing twice', async () => {
  await using home = await createMooseHome(FILES, answers)
  const first = await mooseUp(home.environment, '--start')
  const ids: string[] = []
  for (const { task } of answers) {
    ids.push(await fileOrder(home.database, { title: task, files: [`${task.slice(6)}.txt`] }))
  }
  await untilSteps(home, 'propose', 3)
  await first.kill()
  const paidBefore = await callsOf(home)
  assert.deepEqual(
    paidBefore.map((call) => call.calls),
    [1, 1, 1],
  )

  await using _second = await mooseUp(home.environment)
  await using looker = await home.open('client')
  const orders = await Promise.all(ids.map((id) => settled(looker, id)))
  assert.deepEqual(
    orders.map((order) => [order.phase, order.attempts, order.attempt_history.length]),
    ids.map(() => ['in_review', 1, 1]),
  )
  assert.deepEqual(await callsOf(home), paidBefore)
  assert.equal((await home.remote.branches()).length, 4)
  const pullRequests = await home.database.db.selectFrom('pull_requests').select('number').execute()
  assert.equal(pullRequests.length, 3)
  for (const order of orders) {
    assert.equal(await home.remote.git('rev-list', '--count', `main..${order.github_branch}`), '1')
    const proposed = order.attempt_history[0]?.steps.find(({ name }) => name === 'propose')
    assert.equal(proposed?.runs, 1)
  }
})

test('SIGTERM lets the step at hand finish and leaves the rest to the next start', async () => {
  await using home = await createMooseHome(FILES, answers)
  const first = await mooseUp(home.environment, '--start')
  const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'] })
  await untilSteps(home, 'route', 1)
  await first[Symbol.asyncDispose]()
  assert.equal(first.child.exitCode, 0)
  const attempt = await home.database.db.selectFrom('attempts').select('status').executeTakeFirstOrThrow()
  assert.equal(attempt.status, 'running')
  await using _second = await mooseUp(home.environment)
  await using looker = await home.open('client')
  const order = await settled(looker, id)
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
  assert.deepEqual(
    (await callsOf(home)).map((call) => call.calls),
    [1],
  )
})

test('the second moose up on a home says who owns it', async () => {
  await using home = await createMooseHome(FILES, answers)
  await using service = await mooseUp(home.environment)
  const second = await moose(home.environment, 'up', '--port', '0')
  assert.equal(second.exitCode, 1)
  assert.match(second.stderr, new RegExp(`process ${service.child.pid} at ${service.url}`))
})

/** Waits until so many steps of this name have ended well. */
function untilSteps({ database: { db } }: MooseHome, name: string, count: number): Promise<void> {
  const done = db.selectFrom('attempt_steps').select('name').where('name', '=', name).where('status', '=', 'succeeded')
  return until(`${count} × ${name}`, async () => (await done.execute()).length >= count, { everyMs: 5 })
}

function callsOf({ database }: MooseHome) {
  return database.db
    .selectFrom('model_calls')
    .select((eb) => ['work_order_id', eb.fn.countAll<string>().as('counted')])
    .groupBy('work_order_id')
    .orderBy('work_order_id')
    .execute()
    .then((rows) => rows.map((row) => ({ id: row.work_order_id, calls: Number(row.counted) })))
}
