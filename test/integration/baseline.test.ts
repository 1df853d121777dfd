import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { lastFailureBefore } from '../../src/db/attempts/attempts.ts'
import { migrate } from '../../src/db/migrate.ts'
import { readRoutingOutcomes } from '../../src/db/outcome-vectors.ts'
import { moose as command } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { olderDatabase } from '../support/older-database.ts'
import { isRunningWith } from '../support/running-process.ts'
import { mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`
const answer = (task: string, path: string, text: string) => ({ task, turn: 1, text: write(path, text) })
const code = (order: WorkOrderDetail) => order.status_reason?.code
const count = async ({ database: { db } }: MooseHome, table: 'model_calls' | 'outcome_vectors' | 'base_checks') =>
  (await db.selectFrom(table).selectAll().execute()).length

const GREET = answer('Greet', 'greeting.txt', 'hello, world')
const FILES = { 'greeting.txt': 'hello\n', '.gitignore': 'ran\n' }
const checked = (...checks: string[]) => ({
  ...FILES,
  'moose.yaml': `checks:\n${checks.map((run) => `  - ${run}\n`).join('')}`,
})

/** Every line of a file is a test; those that begin with "bad" fail, in the form of TAP. */
const TAP = `#!/bin/sh
n=0; ended=0
while read -r line; do
  n=$((n+1))
  case "$line" in bad*) echo "not ok $n - $line"; ended=1;; *) echo "ok $n - $line";; esac
done < tests.txt
echo "1..$n"
exit $ended
`
const SUITE = { ...FILES, 'tests.txt': 'good\nbad one\nbad two\nbad three\n', 'run.sh': TAP }

const FAULTS: [name: string, check: string, says: RegExp][] = [
  ['whose program is missing', '{ name: lint, run: no-such-tool src }', /no-such-tool is missing \(exit code 127\)/],
  ['that cannot be executed', '{ name: lint, run: ./greeting.txt }', /cannot be executed \(exit code 126\)/],
  [
    'whose script calls what is missing',
    '{ name: lint, run: "sh -c \'no-such-tool; exit 127\'" }',
    /no-such-tool is missing/,
  ],
  ['that does not end', '{ name: lint, run: sleep 60, timeout: 1 }', /did not end within 1 s/],
]

for (const [name, check, says] of FAULTS) {
  test(`a check ${name} blocks the order before a model is asked, and nothing is learnt of it`, async () => {
    await using home = await createMooseHome(checked(check), [GREET])
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    const order = await settled(moose, await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] }))
    assert.deepEqual([order.status, code(order)], ['blocked', 'setup_failed'])
    assert.match(String(order.status_reason?.message), says)
    assert.match(String(order.status_reason?.message), /moose check sample, then retry\.\nNothing was paid for\.$/)
    assert.equal(order.attempt_history[0]?.steps.at(-2)?.name, 'prepare')
    assert.deepEqual([await count(home, 'model_calls'), await count(home, 'outcome_vectors')], [0, 0])
  })
}

test('what was missing and is there now is found at the retry', async () => {
  await using home = await createMooseHome(checked('{ name: tool, run: ./tool.sh }'), [GREET])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] })
  assert.equal(code(await settled(moose, id)), 'setup_failed')
  await home.remote.commit('main', { 'tool.sh': { content: '#!/bin/sh\n', mode: 0o755 } })
  await moose.orchestrator.retry(id)
  assert.equal((await settled(moose, id)).phase, 'in_review')
})

test('an invalid moose.yaml blocks the order before a model is asked', async () => {
  await using home = await createMooseHome({ ...FILES, 'moose.yaml': 'checks:\n  - { name: 7 }\n' }, [GREET])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] }))
  assert.deepEqual([order.status, code(order)], ['blocked', 'checks_invalid'])
  assert.deepEqual([await count(home, 'model_calls'), await count(home, 'outcome_vectors')], [0, 0])
})

test('set-up that fails on the base blocks the order before a model is asked', async () => {
  const files = { ...FILES, 'moose.yaml': 'setup: echo no network; exit 7\nchecks:\n  - { name: t, run: "true" }\n' }
  await using home = await createMooseHome(files, [GREET])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] }))
  assert.deepEqual([order.status, code(order)], ['blocked', 'setup_failed'])
  assert.match(String(order.status_reason?.message), /exit code 7[^]*no network/)
  assert.deepEqual([await count(home, 'model_calls'), await count(home, 'outcome_vectors')], [0, 0])
})

test('set-up that only the change fails is a failed check named setup', async () => {
  const files = {
    ...FILES,
    'moose.yaml': 'setup: grep -qx hello greeting.txt\nchecks:\n  - { name: t, run: "true" }\n',
  }
  await using home = await createMooseHome(files, [GREET])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] }))
  assert.deepEqual([order.status, code(order)], ['failed', 'check_failed'])
  assert.match(String(order.status_reason?.message), /^Check "setup"/)
})

test('a base with three failing tests: what adds none passes and says which failed before, and proves nothing', async () => {
  const files = { ...SUITE, 'moose.yaml': 'checks:\n  - { name: suite, run: sh run.sh, proves: [1] }\n' }
  await using home = await createMooseHome(files, [GREET])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const filed = { title: GREET.task, files: ['greeting.txt'], criteria: ['It greets'] }
  const order = await settled(moose, await fileOrder(home.database, filed))
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const body = String(order.pull_request?.body)
  assert.match(body, /- \[ \] It greets\n[^]*- No check proves criterion 1\./)
  assert.match(body, /\| suite \| failed before this change as well \|/)
  assert.match(body, /3 failures, none of them new: `tap: bad one`, `tap: bad two`, `tap: bad three`/)
})

test('a fourth failing test is caught, and is named first', async () => {
  const files = { ...SUITE, 'moose.yaml': 'checks:\n  - { name: suite, run: sh run.sh }\n' }
  const breaks = answer('Break', 'tests.txt', 'good\nbad four\nbad one\nbad two\nbad three')
  const mends = answer('Mend', 'tests.txt', 'good\nbad one\nfine\nfine')
  await using home = await createMooseHome(files, [breaks, mends])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const broken = await settled(moose, await fileOrder(home.database, { title: 'Break', files: ['tests.txt'] }))
  assert.deepEqual([broken.status, code(broken)], ['failed', 'check_failed'])
  assert.match(
    String(broken.status_reason?.message),
    /New with this change: tap: bad four\. Before it 3 of the others failed/,
  )
  const mended = await settled(moose, await fileOrder(home.database, { title: 'Mend', files: ['tests.txt'] }))
  assert.equal(mended.phase, 'in_review', JSON.stringify(mended.status_reason))
})

test('failures that a report names are compared too: what adds none passes, and a new one is caught', async () => {
  const run = `#!/bin/sh
echo money is wrong
{ echo '<testsuite>'; sed 's,.*,<testcase classname="money" name="&"><failure>wrong</failure></testcase>,' tests.txt; echo '</testsuite>'; } > out.xml
exit 1
`
  const files = {
    ...FILES,
    'tests.txt': 'old one\n',
    'run.sh': run,
    'moose.yaml': 'checks:\n  - { name: suite, run: sh run.sh, report: out.xml }\n',
  }
  const breaks = answer('Break', 'tests.txt', 'old one\nnew one')
  await using home = await createMooseHome(files, [GREET, breaks])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] }))
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const broken = await settled(moose, await fileOrder(home.database, { title: 'Break', files: ['tests.txt'] }))
  assert.match(
    String(broken.status_reason?.message),
    /New with this change: junit: money › new one\. Before it 1 of the others failed as well\. What failed:\nmoney › new one\n/,
  )
})

test('failures that cannot be told apart are never called old', async () => {
  const files = checked('{ name: suite, run: "echo something is wrong; exit 1" }')
  await using home = await createMooseHome(files, [GREET])
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] }))
  assert.deepEqual([order.status, code(order)], ['failed', 'check_failed'])
  assert.match(
    String(order.status_reason?.message),
    /fails before this change as well, and what fails cannot be told apart/,
  )
  const { db } = home.database
  const notes = await db.selectFrom('work_order_events').select(['step', 'message']).orderBy('id').execute()
  const warned = notes.findIndex(({ message }) => message?.startsWith('what fails in suite cannot be told apart'))
  assert.equal(notes[warned]?.step, 'prepare', 'it is said before the first call')
  const doctor = await moose.http.fetch(new Request('http://127.0.0.1/api/doctor'))
  assert.match(
    await doctor.text(),
    /prove nothing: suite .*; what fails in suite cannot be told apart.*mend it on the base first/,
  )
})

test('the base is checked once for orders that start at once, and once more only when it has changed', async () => {
  await using home = await createMooseHome(
    { 'a.txt': 'a\n', 'b.txt': 'b\n', 'moose.yaml': 'checks:\n  - { name: slow, run: sleep 0.3 }\n' },
    [answer('One', 'a.txt', 'one'), answer('Two', 'b.txt', 'two')],
  )
  await using moose = await home.open()
  const ids = [
    await fileOrder(home.database, { title: 'One', files: ['a.txt'] }),
    await fileOrder(home.database, { title: 'Two', files: ['b.txt'] }),
  ]
  await moose.orchestrator.start(null)
  for (const id of ids) assert.equal((await settled(moose, id)).phase, 'in_review')
  const onBase = async () => {
    const { rows } = await sql<{ runs: string }>`
      select count(*) as runs from work_order_events where message like 'check slow on the base commit: passed%'
    `.execute(home.database.db)
    return Number(rows[0]?.runs)
  }
  assert.equal(await onBase(), 1)
  // The base and the tree of each change.
  assert.equal(await count(home, 'base_checks'), 3)
  await moose.orchestrator.merge(String(ids[0]))
  const third = await fileOrder(home.database, { title: 'One', files: ['a.txt'] })
  await settled(moose, third)
  assert.equal(await onBase(), 1, 'the tree of the merged order is known')
})

test('failures of earlier orders that their set-up had are marked, and are neither learnt from nor told to a model', async () => {
  await using database = await olderDatabase(15)
  const { db } = database
  const details = [
    { check: 'lint', outcome: 'crashed', exit_code: 127 },
    { check: 'lint', outcome: 'crashed', exit_code: 126 },
    { check: 'lint', outcome: 'failed', exit_code: 1 },
    { check: 'lint', outcome: 'timed_out', exit_code: null },
  ]
  for (const [number, detail] of details.entries()) {
    const error = JSON.stringify({ code: 'check_failed', message: 'it failed', details: detail })
    const metadata = JSON.stringify({ complexity_score: 0.3, change_kind: 'code' })
    await sql`
      with filed as (
        insert into work_orders (title, description, files_in_scope, risk_level) values (${`order ${number}`}, '', '["a"]', 'low')
        returning id
      ), attempted as (
        insert into attempts (work_order_id, number, status, content, executor_id, error, ended_at)
        select id, 1, 'failed', '{}', 'home', ${error}, now() from filed
      )
      insert into outcome_vectors
        (work_order_id, attempt, operation_type, outcome, success, model_used, error_context, metadata)
      select id, 1, 'work_order_execution', 'failed', false, 'scripted', ${error}, ${metadata} from filed
    `.execute(db)
  }
  await migrate(database.pool)
  const rows = await db
    .selectFrom('outcome_vectors')
    .innerJoin('work_orders', 'work_orders.id', 'work_order_id')
    .select(['work_orders.id', 'counts'])
    .orderBy('title')
    .execute()
  assert.deepEqual(
    rows.map(({ counts }) => counts),
    [false, false, true, true],
  )
  assert.equal((await readRoutingOutcomes(db, 10)).length, 2)
  const told = await Promise.all(
    rows.map(({ id }) => lastFailureBefore(db, { workOrderId: id, attempt: 2 }, ['check_failed'])),
  )
  assert.deepEqual(
    told.map((failure) => failure !== null),
    [false, false, true, true],
  )
})

for (const ending of ['cancelled', 'killed'] as const) {
  test(`${ending} while its base is checked, an order leaves nothing behind, and goes on where it may`, async () => {
    const seconds = `2.${process.pid}`
    const files = checked(`{ name: slow, run: "echo begun; sleep ${seconds}" }`)
    await using home = await createMooseHome(files, [GREET])
    const id = await fileOrder(home.database, { title: GREET.task, files: ['greeting.txt'] })
    const first = await mooseUp(home.environment, '--start')
    await printed(home, /^(begun)/m)
    if (ending === 'killed') await first.kill()
    else assert.equal((await command(['cancel', id], { environment: home.environment })).exitCode, 0)
    await using _second = ending === 'killed' ? await mooseUp(home.environment) : first
    await using looker = await home.open('client')
    const order = await settled(looker, id)
    assert.deepEqual([order.status, order.attempts], ending === 'killed' ? ['in_progress', 1] : ['cancelled', 1])
    assert.equal(await count(home, 'model_calls'), ending === 'killed' ? 1 : 0)
    await until('nothing of it runs', async () => !(await isRunningWith('sleep', seconds)))
    const folder = path.join(home.config.home, 'workspaces')
    await until('its workspace is gone', async () => (await readdir(folder)).length === 0)
  })
}

/** What a check of an order has printed. */
async function printed({ database: { db } }: MooseHome, what: RegExp): Promise<string> {
  const found: string[] = []
  await until('it is printed', async () => {
    const events = await db.selectFrom('work_order_events').select('message').where('type', '=', 'output').execute()
    found.push(...events.flatMap(({ message }) => what.exec(message)?.[1] ?? []))
    return found.length > 0
  })
  return String(found[0])
}
