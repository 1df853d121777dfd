import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import type { Moose } from '../../src/app.ts'
import { errorCode } from '../../src/faults/error-code.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: has greeting, run: test -s greeting.txt, proves: [1] }\n',
}
const write = (path: string, text: string) => `### write ${path}\n\`\`\`\n${text}\n\`\`\`\n`
const greet = { task: 'Greet the world', turn: 1, text: write('greeting.txt', 'hello, world') }
/** So long that only a notification can have woken the dispatcher. */
const NEVER_POLLS = { ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000' }

const APPROVED = JSON.stringify({ approved_by_director: true })
const code = (order: { status_reason: { code: string } | null }) => order.status_reason?.code
const table = (home: MooseHome, name: 'github_events' | 'outcome_vectors' | 'attempts') =>
  home.database.db.selectFrom(name).selectAll().execute()

test('an approved order becomes a branch, a pull request and the three records', async () => {
  await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const criteria = ['There is a greeting', 'It is polite']
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'], criteria })
  const order = await settled(moose, id)
  assert.equal(`${order.status}/${order.phase}`, 'in_progress/in_review', JSON.stringify(order.status_reason))

  const steps = order.attempt_history[0]?.steps.map(({ name, status }) => `${name} ${status}`)
  const names = ['route', 'prepare', 'propose', 'apply', 'verify', 'publish', 'record']
  assert.deepEqual(
    steps,
    names.map((name) => `${name} succeeded`),
  )

  assert.match(String(order.pull_request?.body), /- \[x\] There is a greeting — proved by check has greeting/)
  assert.match(String(order.pull_request?.body), /- \[ \] It is polite/)
  assert.match(String(order.pull_request?.body), /replay: recorded answers, no model was called/)
  const branch = `feature/wo-${id.slice(0, 8)}-greet-the-world`
  assert.deepEqual(await home.remote.branches(), [branch, 'main'])
  assert.equal(await home.remote.git('rev-list', '--count', `main..${branch}`), '1')
  assert.equal(await home.remote.git('show', `${branch}:greeting.txt`), 'hello, world')
  assert.match(await home.remote.git('log', '-1', '--format=%B', branch), new RegExp(`Work-Order: ${id}/1`))

  const [event] = await table(home, 'github_events')
  assert.deepEqual([event?.event_type, event?.action, event?.pr_number], ['pull_request', 'opened', 1])
  const [outcome] = await table(home, 'outcome_vectors')
  assert.deepEqual([outcome?.success, outcome?.outcome, outcome?.model_used], [true, 'pull_request_opened', 'scripted'])
  assert.ok(Number(outcome?.execution_time_ms) > 0)
})

test('life A3: files the repository ignores are in the pull request as they were judged; what a check builds is not', async () => {
  const rules = { ...FILES, '.gitignore': 'build/\n*.log\n' }
  const build = 'checks:\n  - { name: build, run: "cat build/config.js && cp build/config.js build/built.js" }\n'
  const text = `${write('build/config.js', 'one()')}### rename other.txt -> other.log\n`
  await using home = await createMooseHome({ ...rules, 'moose.yaml': build }, [{ ...greet, text }], NEVER_POLLS)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const files = ['build/', 'other.txt', 'other.log']
  const order = await settled(moose, await fileOrder(home.database, { title: greet.task, files }))
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = (await home.remote.branches()).find((name) => name !== 'main')
  assert.equal(
    await home.remote.git('diff', '--name-status', '--no-renames', 'main', String(branch)),
    'A\tbuild/config.js\nA\tother.log\nD\tother.txt',
  )
})

test('life A6: a scope that names what is there wrongly is refused before a model is asked, with the right name', async () => {
  const files = { ...FILES, 'src/a.js': 'a\n', 'lib/Deep/b.js': 'b\n' }
  await using home = await createMooseHome(files, [{ ...greet, text: write('src/a.js', 'b') }], NEVER_POLLS)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const wrong: [scope: string[], says: RegExp][] = [
    [['src'], /"src" is a folder; name it "src\/"/],
    [['greeting.txt/', 'src/'], /"greeting\.txt\/" is a file; name it "greeting\.txt"/],
    [['other.txt', 'lib/deep/b.js'], /"lib\/deep\/b\.js".*name it "lib\/Deep\/b\.js"/],
  ]
  for (const [scope, says] of wrong) {
    const order = await settled(moose, await fileOrder(home.database, { title: greet.task, files: scope }))
    assert.deepEqual([order.status, code(order)], ['failed', 'work_order_invalid'])
    assert.match(String(order.status_reason?.message), says)
  }
  assert.deepEqual(await home.database.db.selectFrom('model_calls').selectAll().execute(), [])
})

test('twenty orders at once: one attempt, branch and pull request each, never more than the limit at a time', async () => {
  const answers = Array.from({ length: 20 }, (_, n) => ({
    task: `Write file ${n}`,
    turn: 1,
    text: write(`file-${n}.txt`, `${n}`),
    delay_ms: 100,
  }))
  await using home = await createMooseHome(FILES, answers, { ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '4' })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const ids = await Promise.all(
    answers.map(({ task }, n) => fileOrder(home.database, { title: task, files: [`file-${n}.txt`] })),
  )
  const done = new AbortController()
  const sampled = mostAtOnce(home, done.signal)
  const orders = await Promise.all(ids.map((id) => settled(moose, id, 90_000)))
  done.abort()
  const most = await sampled
  assert.deepEqual(
    orders.map((order) => `${order.phase} ${order.attempts}`),
    ids.map(() => 'in_review 1'),
  )
  assert.equal((await home.remote.branches()).length, 21)
  assert.equal(new Set(orders.map((order) => order.github_pr_number)).size, 20)
  assert.ok(most >= 2 && most <= 4, `at most ${most} ran at once`)
})

describe('one service for orders that differ', () => {
  const SLOW = { ...greet, task: 'Greet slowly', delay_ms: 600 }
  const IN_TURN = ['First', 'Second', 'Third'].map((task) => ({
    task,
    turn: 1,
    text: write('greeting.txt', task),
    delay_ms: 150,
  }))
  const ANSWERS = [
    SLOW,
    ...IN_TURN,
    ...[1, 2, 3, 4].map((turn) => ({ task: 'Touch another file', turn, text: write('other.txt', 'x') })),
    { task: 'Empty the greeting', turn: 1, text: '### write greeting.txt\n```\n```\n' },
    { task: 'Stop too early', turn: 1, text: write('greeting.txt', 'x'), finish_reason: 'length' },
    { task: 'Change a third', turn: 1, text: write('third.txt', 'changed') },
    { task: 'Change the other', turn: 1, text: write('other.txt', 'changed') },
  ]
  let home: MooseHome
  let moose: Moose

  before(async () => {
    home = await createMooseHome(FILES, ANSWERS)
    moose = await home.open()
    await moose.orchestrator.start(null)
  })
  after(async () => {
    await moose[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  const branchesOf = async (id: string) =>
    (await home.remote.branches()).filter((name) => name.startsWith(`feature/wo-${id.slice(0, 8)}`))
  const outcomesOf = async (id: string) =>
    (await table(home, 'outcome_vectors'))
      .filter((row) => row.work_order_id === id)
      .toSorted((one, other) => Number(one.attempt) - Number(other.attempt))

  test('orders whose scopes overlap run one after the other, oldest first', async () => {
    const ids: string[] = []
    for (const { task } of IN_TURN) ids.push(await fileOrder(home.database, { title: task, files: ['greeting.txt'] }))
    const orders = await Promise.all(ids.map((id) => settled(moose, id)))
    const spans = orders.map((order) => order.attempt_history[0])
    for (const [index, span] of spans.entries()) {
      const next = spans[index + 1]
      if (next !== undefined) assert.ok(String(span?.ended_at) <= next.claimed_at, 'they overlapped or swapped')
    }
  })

  test('what cannot be carried out fails by name and leaves no branch', async () => {
    const expectations = [
      { title: 'Touch another file', files: ['greeting.txt'], expected: 'change_out_of_scope', names: /other\.txt/ },
      { title: 'Empty the greeting', files: ['greeting.txt'], expected: 'check_failed', names: /has greeting/ },
      { title: 'Stop too early', files: ['third.txt'], expected: 'model_answer_truncated', names: /./ },
      { title: 'Name no file', files: [], expected: 'files_in_scope_required', names: /files_in_scope required/ },
      { title: 'Climb out', files: ['../secret'], expected: 'work_order_invalid', names: /files_in_scope\[0\]/ },
      { title: 'Ask the unknown', files: ['fourth.txt'], expected: 'recording_missing', names: /Ask the unknown/ },
    ]
    for (const { title, files, expected, names } of expectations) {
      const id = await fileOrder(home.database, { title, files })
      const order = await settled(moose, id)
      assert.equal(order.status, 'failed')
      assert.equal(code(order), expected)
      assert.match(String(order.status_reason?.message), names)
      assert.deepEqual(await branchesOf(id), [])
      assert.deepEqual(
        (await outcomesOf(id)).map(({ success }) => success),
        [false],
      )
    }
  })

  test('an order edited while it runs is not published', async () => {
    const id = await fileOrder(home.database, { title: SLOW.task, files: ['greeting.txt'] })
    await untilPhase(home, id, 'proposing')
    await home.database.db
      .updateTable('work_orders')
      .set({ description: 'Something else' })
      .where('id', '=', id)
      .execute()
    const order = await settled(moose, id)
    assert.deepEqual([order.status, code(order), order.approved], ['blocked', 'approval_withdrawn', false])
    assert.deepEqual(await branchesOf(id), [])
  })

  test('a cancelled attempt stops, records its end and can be retried', async () => {
    const id = await fileOrder(home.database, { title: SLOW.task, files: ['greeting.txt'] })
    await untilPhase(home, id, 'proposing')
    await moose.orchestrator.cancel(id)
    const cancelled = await settled(moose, id)
    assert.deepEqual([cancelled.status, cancelled.attempt_history[0]?.status], ['cancelled', 'cancelled'])
    await moose.orchestrator.retry(id)
    const again = await settled(moose, id)
    assert.deepEqual([again.phase, again.attempts], ['in_review', 2])
    assert.deepEqual(
      (await outcomesOf(id)).map(({ outcome }) => outcome),
      ['cancelled', 'pull_request_opened'],
    )
  })

  test('a merge completes the order, a close cancels it', async () => {
    const merged = await fileOrder(home.database, { title: 'Change a third', files: ['third.txt'] })
    const closed = await fileOrder(home.database, { title: 'Change the other', files: ['other.txt'] })
    await settled(moose, merged)
    await settled(moose, closed)
    await moose.orchestrator.merge(merged)
    await moose.orchestrator.close(closed)
    assert.equal((await detailOf(moose, merged)).status, 'completed')
    assert.equal((await detailOf(moose, closed)).status, 'cancelled')
    assert.equal(await home.remote.git('show', 'main:third.txt'), 'changed')
    assert.equal(await home.remote.git('show', 'main:other.txt'), 'other')
    for (const id of [merged, closed]) assert.deepEqual(await branchesOf(id), [])
    await assert.rejects(moose.orchestrator.merge(merged), { code: 'work_order_conflict' })
    for (const [id, end] of [
      [merged, ['merged', true]],
      [closed, ['closed', false]],
    ] as const) {
      const ends = (await outcomesOf(id)).filter((row) => row.operation_type === 'pull_request_end')
      assert.deepEqual(
        ends.map(({ outcome, success }) => [outcome, success]),
        [end],
      )
    }
  })

  test('content edited and approved anew while it runs is not published as it was', async () => {
    const id = await fileOrder(home.database, { title: SLOW.task, files: ['greeting.txt'] })
    await untilPhase(home, id, 'proposing')
    const { db } = home.database
    await db.updateTable('work_orders').set({ description: 'Something else' }).where('id', '=', id).execute()
    await db.updateTable('work_orders').set({ metadata: APPROVED }).where('id', '=', id).execute()
    const order = await settled(moose, id)
    assert.deepEqual([order.status, code(order), order.approved], ['blocked', 'approval_withdrawn', true])
  })

  test('an order deleted while it runs leaves nothing behind', async () => {
    const id = await fileOrder(home.database, { title: SLOW.task, files: ['greeting.txt'] })
    await untilPhase(home, id, 'proposing')
    // What is written of the attempt locks it before its order, and deleting locks the order first: then one of them is refused.
    await until('the order is deleted', async () => {
      const deletion = home.database.db.deleteFrom('work_orders').where('id', '=', id).execute()
      return await deletion.then(
        () => true,
        (error: unknown) => {
          assert.equal(errorCode(error), '40P01')
          return false
        },
      )
    })
    await untilNothingRuns(moose)
    assert.deepEqual(await branchesOf(id), [])
  })
})

test('a manual execution needs an approval, a known id and an order that is pending', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await using moose = await home.open('client')
  const { signal } = new AbortController()
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'], approved: false })
  await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'work_order_not_approved' })
  await assert.rejects(moose.orchestrator.execute('deadbeef', signal), { code: 'work_order_not_found' })
  await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/approve`, { method: 'POST' }))
  const result = await moose.orchestrator.execute(id, signal)
  assert.deepEqual([result.work_order_id, result.pr_number, result.phase], [id, 1, 'in_review'])
  await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'work_order_conflict' })
})

test('settings in system_config count at once, and a malformed one is named and claims nothing', async () => {
  await using home = await createMooseHome(FILES, [greet], NEVER_POLLS)
  await using moose = await home.open()
  const set = (key: string, value: string) =>
    home.database.db
      .insertInto('system_config')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute()
  await set('orchestrator_enabled', 'false')
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal((await detailOf(moose, id)).status, 'pending')
  await set('orchestrator_max_concurrent', 'many')
  await assert.rejects(moose.orchestrator.start(null), {
    code: 'config_invalid',
    message: /orchestrator_max_concurrent/,
  })
  await set('orchestrator_max_concurrent', '2')
  await set('orchestrator_enabled', 'true')
  assert.equal((await settled(moose, id)).phase, 'in_review')
})

test('a failed check leaves its evidence: what changed and how long the checks took', async () => {
  const empty = [{ task: 'Empty the greeting', turn: 1, text: '### write greeting.txt\n```\n```\n' }]
  await using home = await createMooseHome(FILES, empty)
  await using moose = await home.open('client')
  const id = await fileOrder(home.database, { title: 'Empty the greeting', files: ['greeting.txt'] })
  await assert.rejects(moose.orchestrator.execute(id, new AbortController().signal), { code: 'check_failed' })
  const [outcome] = await table(home, 'outcome_vectors')
  assert.deepEqual([outcome?.diff_size_lines, outcome?.failure_class], [1, 'test_fail'])
  assert.ok(Number(outcome?.test_duration_ms) >= 0 && outcome?.test_duration_ms !== null)
  const verify = (await detailOf(moose, id)).attempt_history[0]?.steps.find(({ name }) => name === 'verify')
  assert.equal(verify?.status, 'failed')
  assert.match(JSON.stringify(verify?.output), /"outcome":"failed"/)
})

test('a repository the forge cannot work with is said before anything is paid', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await home.database.db.updateTable('projects').set({ forge: 'github' }).execute()
  await using moose = await home.open('client')
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  await assert.rejects(moose.orchestrator.execute(id, new AbortController().signal), { code: 'repository_refused' })
  const calls = await home.database.db.selectFrom('model_calls').selectAll().execute()
  assert.equal(calls.length, 0)
})

test('an order cancelled while it is published leaves no open pull request', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await using moose = await home.open()
  // Cancelled in the same moment as its pull request is stored: after the last look, before the record.
  await sql`
    create function cancel_now() returns trigger language plpgsql as $$ begin
      update work_orders set status = 'cancelled' where id = new.work_order_id; return new;
    end $$`.execute(home.database.db)
  await sql`create trigger cancel_now after insert on pull_requests for each row execute function cancel_now()`.execute(
    home.database.db,
  )
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  await settled(moose, id)
  await untilNothingRuns(moose)
  const order = await detailOf(moose, id)
  assert.deepEqual([order.status, order.pull_request?.state], ['cancelled', 'closed'])
  assert.deepEqual(await home.remote.branches(), ['main'])
})

test('a broken ownership connection is taken again, and the home stays owned', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await using first = await home.open()
  await first.orchestrator.start(null)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'moose owner' and datname = current_database()`.execute(home.database.db)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await assert.rejects(home.open(), { code: 'home_owned' })
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  assert.equal((await settled(first, id)).phase, 'in_review')
})

test('an attempt of another pipeline revision is ended by name, and a retry runs', async () => {
  await using home = await createMooseHome(FILES, [{ ...greet, delay_ms: 700 }])
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  {
    await using first = await home.open()
    await first.orchestrator.start(null)
    await untilPhase(home, id, 'proposing')
  }
  await sql`update dbos.workflow_status set application_version = 'pipeline-0'`.execute(home.database.db)
  await using second = await home.open()
  const stranded = await settled(second, id)
  assert.deepEqual([stranded.status, code(stranded)], ['failed', 'internal'])
  await second.orchestrator.start(null)
  await second.orchestrator.retry(id)
  assert.deepEqual([(await settled(second, id)).phase], ['in_review'])
})

test('a second process is told who owns the home, and may still look', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await using first = await home.open()
  await assert.rejects(home.open(), { code: 'home_owned' })
  await using second = await home.open('client')
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  assert.equal((await detailOf(second, id)).status, 'pending')
  await assert.rejects(second.orchestrator.execute(id, new AbortController().signal), { code: 'home_owned' })
  await first.orchestrator.start(null)
  assert.equal((await settled(second, id)).phase, 'in_review')
})

/** The most attempts that were running at any moment looked at. */
async function mostAtOnce({ database }: MooseHome, done: AbortSignal): Promise<number> {
  let most = 0
  while (!done.aborted) {
    const running = await database.db.selectFrom('attempts').select('number').where('status', '=', 'running').execute()
    most = Math.max(most, running.length)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  return most
}

const untilNothingRuns = ({ orchestrator }: Moose) =>
  until('nothing runs', async () => (await orchestrator.status()).executing_count === 0)

function untilPhase({ database: { db } }: MooseHome, id: string, phase: string): Promise<void> {
  const row = db.selectFrom('work_orders').select('phase').where('id', '=', id)
  return until(phase, async () => (await row.executeTakeFirstOrThrow()).phase === phase, { everyMs: 10 })
}

test('rows the database or a claim cannot take do not hold up other orders', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await using moose = await home.open()
  const { db } = home.database
  const huge = Array.from({ length: 30_000 }, (_, n) => `f${n}.txt`)
  const wide = await fileOrder(home.database, { title: 'Wide one', files: huge })
  await fileOrder(home.database, { title: 'Wide two', files: huge })
  const nested = await fileOrder(home.database, { title: 'Nested', files: ['x.txt'], approved: false })
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  await db
    .updateTable('work_orders')
    .set({ acceptance_criteria: deep, metadata: APPROVED })
    .where('id', '=', nested)
    .execute()
  const odd = await fileOrder(home.database, { title: 'Odd risk', files: ['y.txt'], approved: false })
  await sql`alter table work_orders drop constraint work_orders_risk_level_check`.execute(db)
  await db
    .updateTable('work_orders')
    .set({ risk_level: 'critical', metadata: APPROVED })
    .where('id', '=', odd)
    .execute()
  await sql`alter table work_orders add constraint work_orders_risk_level_check check (risk_level in ('low', 'medium', 'high')) not valid`.execute(
    db,
  )
  const good = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  await moose.orchestrator.start(null)
  assert.equal((await settled(moose, good)).phase, 'in_review')
  assert.equal(code(await settled(moose, wide)), 'work_order_invalid')
  assert.match(String((await settled(moose, nested)).status_reason?.message), /acceptance_criteria/)
  assert.equal((await detailOf(moose, odd)).status, 'pending')
  assert.match((await moose.orchestrator.status()).errors.map(({ message }) => message).join('\n'), new RegExp(odd))
})

test('an operator who resets the count of attempts gets the next number', async () => {
  await using home = await createMooseHome(FILES, [greet])
  await using moose = await home.open('client')
  const { db } = home.database
  const id = await fileOrder(home.database, { title: greet.task, files: [] })
  const { signal } = new AbortController()
  await assert.rejects(moose.orchestrator.execute(id, signal), { code: 'files_in_scope_required' })
  const files = JSON.stringify(['greeting.txt'])
  await db
    .updateTable('work_orders')
    .set({ attempts: 0, status: 'pending', files_in_scope: files })
    .where('id', '=', id)
    .execute()
  await db.updateTable('work_orders').set({ metadata: APPROVED }).where('id', '=', id).execute()
  assert.equal((await moose.orchestrator.execute(id, signal)).attempt, 2)
})
