import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import type { Database } from '../../src/db/schema.ts'
import { listFailureRows } from '../../src/db/work-orders/failure-rows.ts'
import { createGitRemote } from '../support/git-remote.ts'
import { countBy } from '../support/many-orders.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { mooseWorker, moose as runMoose } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'

const ORDERS = 200
const PAUSE_AFTER = 5
const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': 'checks:\n  - { name: whole, run: "! grep -q broken *.txt" }\n',
}
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }

/** Does what an order called `Write NAME` asks for; one called `… broken` is asked for what fails the check. */
function written({ body }: ReceivedCall): Scripted {
  const [, name, word] = /Work Order: Write (\S+) (\S+)\\n/.exec(JSON.stringify(body)) ?? []
  return { kind: 'text', text: `### write ${name}.txt\n\`\`\`\n${word}\n\`\`\`\n` }
}

const orderOf = (home: MooseHome, name: string, word: string) =>
  fileOrder(home.database, { title: `Write ${name} ${word}`, files: [`${name}.txt`] })

const rowOf = async ({ database: { db } }: MooseHome, kind: Database['failure_rows']['kind']) =>
  (await listFailureRows(db)).find((row) => row.kind === kind)

async function get(moose: Moose, path: string) {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${path}`))
  assert.equal(response.status, 200, path)
  return JSON.parse(await response.text())
}

async function openSetting(settings: Record<string, string> = {}) {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(FILES, [], { ...SETTINGS, ...settings }))
  const server = stack.use(await startModelServer(written))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  const owned = stack.move()
  return { home, server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Waits until nothing runs and nothing more is taken on. */
const paused = (home: MooseHome) =>
  until(
    'the project is paused',
    async () => {
      const row = await rowOf(home, 'project')
      const running = await home.database.db
        .selectFrom('attempts')
        .select('number')
        .where('status', '=', 'running')
        .execute()
      return row !== undefined && row.orders.length >= PAUSE_AFTER && running.length === 0
    },
    { withinMs: 120_000 },
  )

test('of 200 orders with a broken template at most five are paid, with three services that take on twenty at once', async () => {
  await using setting = await openSetting({ ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '20' })
  const { home, server } = setting
  for (let n = 0; n < ORDERS; n += 1) await orderOf(home, `f${n}`, 'broken')
  const environment = (name: string) => ({ ...home.environment, MOOSE_HOME: path.join(home.config.home, '..', name) })
  await using _second = await mooseWorker(environment('second'))
  await using _third = await mooseWorker(environment('third'))
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  await paused(home)
  assert.equal(server.bill.length, PAUSE_AFTER)
  assert.deepEqual(await countBy(home.database.db), { check_failed: PAUSE_AFTER, pending: ORDERS - PAUSE_AFTER })
})

test('a paused project says so everywhere, also after a restart, and is taken on again when it is resumed', async () => {
  await using setting = await openSetting()
  const { home, server } = setting
  for (let n = 0; n < 8; n += 1) await orderOf(home, `f${n}`, 'broken')
  {
    await using moose = await home.open()
    await moose.orchestrator.start(null)
    await paused(home)
  }
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const { id } = await home.database.db
    .selectFrom('work_orders')
    .select('id')
    .where('status', '=', 'pending')
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirstOrThrow()
  const { why } = await get(moose, `/api/work-orders/${id}/why`)
  assert.equal(why.kind, 'paused_project')
  assert.match(why.sentence, /project sample is paused, because its last 5 orders failed with check_failed at verify/)
  assert.ok(why.next.includes('moose project resume sample'), JSON.stringify(why.next))
  const { status } = await get(moose, '/api/orchestrator')
  const [pause] = status.failure_pauses
  assert.deepEqual(
    [pause.kind, pause.name, pause.code, pause.step, pause.orders.length],
    ['project', 'sample', 'check_failed', 'verify', PAUSE_AFTER],
  )
  const { projects } = await get(moose, '/api/projects')
  const { project } = await get(moose, '/api/projects/sample')
  assert.deepEqual([projects[0].paused, project.paused], [pause, pause])
  for (const command of ['list', 'show sample']) {
    const told = await runMoose(home.environment, 'project', ...command.split(' '))
    assert.match(told.stdout, /its last 5 orders failed with check_failed at verify/, told.stderr)
    assert.match(told.stdout, /moose project resume sample/)
  }
  const examined = await runMoose(home.environment, 'doctor')
  assert.match(
    examined.stdout,
    /project sample .*it is given no order: the last 5 orders failed with check_failed at verify/s,
  )
  assert.match(examined.stdout, /moose project resume sample/)
  const { inbox } = await get(moose, '/api/inbox')
  const entries = inbox.filter(({ kind }: { kind: string }) => kind === 'paused_project')
  assert.deepEqual([entries.length, entries[0].project, entries[0].since], [1, 'sample', pause.paused_at])
  assert.ok(pause.paused_at > pause.since, 'it is paused since the last failure')
  assert.ok(entries[0].next.includes('moose project resume sample'))
  const messages = await home.database.db.selectFrom('work_order_events').select('message').execute()
  assert.ok(messages.some(({ message }) => message.startsWith('5 orders of its project in a row have failed')))

  assert.equal(server.bill.length, PAUSE_AFTER, 'nothing was taken on after the restart')
  const said = await runMoose(home.environment, 'project', 'resume', 'sample')
  assert.match(said.stdout, /sample is taken on again/, said.stderr)
  assert.equal((await get(moose, '/api/projects/sample')).project.paused, null)
  await until('the others are carried out', async () => server.bill.length === 8)
  const acts = await home.database.db
    .selectFrom('audit_entries')
    .select('act')
    .where('act', '=', 'project.resume')
    .execute()
  assert.equal(acts.length, 1)
})

test('a success in between, or another failure, begins the row anew; the same order twice counts once', async () => {
  await using setting = await openSetting({ ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '1' })
  const { home } = setting
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const carryOut = async (name: string, word: string) => (await settled(moose, await orderOf(home, name, word))).id
  const length = async () => (await rowOf(home, 'project'))?.orders.length
  for (let n = 0; n < 4; n += 1) await carryOut(`a${n}`, 'broken')
  assert.equal(await length(), 4)
  await carryOut('good', 'whole')
  assert.equal(await length(), undefined)
  const id = await carryOut('b', 'broken')
  await moose.orchestrator.retry(id)
  await settled(moose, id)
  assert.equal(await length(), 1)
  await settled(moose, await fileOrder(home.database, { title: 'Write other.txt nothing', files: ['b.txt'] }))
  const row = await rowOf(home, 'project')
  assert.deepEqual([row?.orders.length, row?.step], [1, 'propose'])
})

test('as failures come in a row fewer run at once, and one that waits for that says so', async () => {
  await using setting = await openSetting({ ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '20' })
  const { home, server } = setting
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>()
  server.script.splice(0, Infinity, async (call, index) => {
    if (index >= 3) await released
    return written(call)
  })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  for (let n = 0; n < 3; n += 1) await settled(moose, await orderOf(home, `a${n}`, 'broken'))
  const ids: string[] = []
  for (let n = 0; n < 6; n += 1) ids.push(await orderOf(home, `b${n}`, 'broken'))
  await until('two run', () => server.calls.length === 5)
  const { why } = await get(moose, `/api/work-orders/${String(ids.at(-1))}/why`)
  assert.equal(why.kind, 'probation')
  assert.match(
    why.sentence,
    /the last 3 orders of project sample failed with check_failed at verify: until one succeeds, no more than 2 run/,
  )
  release(undefined)
  await paused(home)
  assert.equal(server.bill.length, PAUSE_AFTER)
})

test('as long as orders of a project succeed, more of them run at once than would pause it', async () => {
  await using setting = await openSetting({ ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '20' })
  const { home, server } = setting
  const { promise: released, resolve: release } = Promise.withResolvers<undefined>()
  server.script.splice(0, Infinity, async (call, index) => {
    if (index > 0) await released
    return written(call)
  })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const ids: string[] = []
  for (let n = 0; n < 9; n += 1) ids.push(await orderOf(home, `a${n}`, 'whole'))
  // One has succeeded, five run beside it, and its success allows one more.
  await until('seven were asked', () => server.calls.length === PAUSE_AFTER + 2)
  const { why } = await get(moose, `/api/work-orders/${String(ids.at(-1))}/why`)
  assert.match(why.sentence, /no more than 6 of its orders run at once.*each that succeeds beside them allows one more/)
  release(undefined)
  for (const id of ids) assert.equal((await settled(moose, id)).phase, 'in_review')
})

test('a human has one order of a paused project run all the same, and its success ends the pause', async () => {
  await using setting = await openSetting()
  const { home } = setting
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  for (let n = 0; n < PAUSE_AFTER; n += 1) await orderOf(home, `f${n}`, 'broken')
  await paused(home)
  const waits = await orderOf(home, 'later', 'whole')
  const tried = await orderOf(home, 'tried', 'whole')
  await moose.orchestrator.execute(tried, new AbortController().signal)
  assert.equal((await settled(moose, waits)).phase, 'in_review')
})

test('five orders of several projects that fail with one proposer pause the proposer; what needs it waits, and goes on', async () => {
  await using setting = await openSetting({ ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: '1' })
  const { home, server } = setting
  const { db } = home.database
  await using second = await createGitRemote(FILES)
  await db
    .insertInto('projects')
    .values({ name: 'other', repository: second.path, default_branch: 'main', forge: 'local' })
    .execute()
  server.script.splice(0, Infinity, { kind: 'text', text: 'no edits at all' })
  const projects = await db.selectFrom('projects').select('id').orderBy('name').execute()
  const fileIn = async (n: number) => {
    const id = await fileOrder(home.database, { title: `Write p${n} whole`, files: [`p${n}.txt`], approved: false })
    const metadata = JSON.stringify({ approved_by_director: true })
    const project_id = String(projects[n % 2]?.id)
    await db.updateTable('work_orders').set({ project_id }).where('id', '=', id).execute()
    await db.updateTable('work_orders').set({ metadata }).where('id', '=', id).execute()
    return id
  }
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  for (let n = 0; n < PAUSE_AFTER; n += 1)
    assert.equal((await settled(moose, await fileIn(n))).status_reason?.code, 'proposal_rejected')
  const before = server.calls.length
  const waits = await fileIn(PAUSE_AFTER)
  assert.equal((await settled(moose, waits)).status_reason?.code, 'provider_paused')
  const { why } = await get(moose, `/api/work-orders/${waits}/why`)
  assert.match(why.sentence, /small is paused: the last 5 orders given to it failed with proposal_rejected at propose/)
  assert.equal(why.next[0], 'moose proposer resume small')
  const { inbox } = await get(moose, '/api/inbox')
  assert.deepEqual(
    inbox.flatMap(({ proposer }: { proposer?: string }) => (proposer === undefined ? [] : [proposer])),
    ['small'],
  )
  assert.equal(server.calls.length, before, 'nothing was asked of it')
  server.script.splice(0, Infinity, written)
  assert.match((await runMoose(home.environment, 'proposer', 'resume', 'small')).stdout, /small is given orders again/)
  await until('it goes on', async () => (await settled(moose, waits)).phase === 'in_review')
})
