import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { lengthenRow } from '../../src/db/work-orders/failure-rows.ts'
import { Fault } from '../../src/faults/fault.ts'
import { type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import { type Ended, moose } from '../support/moose-command.ts'

const ID = '1a2b3c4d-0000-4000-8000-000000000000'
const OTHER = '5e6f7a8b-0000-4000-8000-000000000000'
const THIRD = '9c0d1e2f-0000-4000-8000-000000000000'

/** What `moose why`, `inbox`, `list` and `status` print of orders that wait, through the API of a real home. */
describe('what waits, and why, on the command line', () => {
  let api: ApiHome
  let served: ServedApi

  before(async () => {
    api = await openApiHome()
  })
  after(() => api[Symbol.asyncDispose]())
  beforeEach(async (context) => {
    await api.clear()
    served = await api.serve(api.deps())
    assert.ok('after' in context)
    context.after(() => served[Symbol.asyncDispose]())
  })

  const run = (words: string): Promise<Ended> =>
    moose(words.split(' '), { environment: { MOOSE_HOME: api.home.config.home } })
  const failed = {
    status: 'failed',
    status_reason: JSON.stringify({ code: 'check_failed', message: 'The check \u001b[2J"unit" failed.\nSee the log.' }),
    attempts: 1,
    attempt_history: [{ number: 1, status: 'failed', steps: [{ name: 'verify', status: 'failed' }] }],
  } as const

  test('why: a sentence, the evidence as lines, the next commands; --json the answer of the API', async () => {
    await api.place({ id: ID, approved: true, attempt_history: [{ number: 1, status: 'running' }] })
    await api.place({ id: OTHER, approved: true, files_in_scope: ['src/'] })
    const running = { status: 'in_progress', phase: 'verifying', attempts: 1 } as const
    await api.place({ id: ID, ...running })
    const { stdout, exitCode } = await run('why 5e6f')
    assert.equal(exitCode, 0)
    const lines = stdout.split('\n')
    assert.match(String(lines[0]), /^5e6f7a8b {2}pending {2}Add a greeting$/)
    assert.match(String(lines[1]), /^It may start now, and no service is up that would take it on\.$/)
    assert.ok(lines.includes('  $ ./moose up --start') || lines.includes('  $ moose up --start'), stdout)
    const { why } = JSON.parse((await run(`why ${OTHER} --json`)).stdout)
    assert.equal(why.kind, 'service')
    const ofRunning = await run('why 1a2b')
    assert.match(ofRunning.stdout, /It runs: attempt 1 begins, since .* Its process does not answer any more/)
  })

  test('why of an order that is not approved says what approving would mean', async () => {
    await api.place({ id: ID, acceptance_criteria: ['It greets'] })
    const { stdout } = await run('why 1a2b')
    assert.match(stdout, /Approving it allows \$5\.00 to be spent at most, by the cap of this order\./)
    assert.match(stdout, /\n {2}cap of this order +\$5\.00 left of \$5\.00\n/)
    assert.match(stdout, /\n {2}verified by +Nothing will be verified: the base commit has no checks\n/)
    assert.match(stdout, /\n {2}\$ (\.\/)?moose approve 1a2b3c4d\n {6}lets it run\n/)
  })

  test('a run or a verification that fails ends with the commands that why names; programs get the failure alone', async () => {
    await api.place({ id: ID, ...failed, approved: true })
    const deps = api.deps()
    const fault = new Fault('check_failed', 'Check "unit" failed.\nwith this output')
    Object.assign(deps.orchestrator, { execute: () => Promise.reject(fault), verify: () => Promise.resolve() })
    await using _serving = await api.serve(deps)
    const why = (await run('why 1a2b')).stdout.split('\n').filter((line) => /^ {2}(?:\$| {4})/.test(line))
    assert.ok(why.length > 2)
    for (const command of ['run', 'verify']) {
      const { stderr, exitCode } = await run(`${command} 1a2b`)
      assert.equal(exitCode, 1)
      const said = stderr.slice(stderr.indexOf('error:')).trimEnd().split('\n')
      assert.deepEqual(said, ['error: Check "unit" failed.', '│ with this output', ...why], `${command}: ${stderr}`)
    }
    const { error } = JSON.parse((await run('run 1a2b --json')).stdout)
    assert.deepEqual([error.code, error.message], [fault.code, fault.message])
  })

  test('list says below an order why it failed or what it waits for, and lists those of one state', async () => {
    await api.place({ id: ID, ...failed })
    await api.place({ id: OTHER })
    await api.place({ id: THIRD, approved: true })
    const { stdout } = await run('list')
    const [, first, why, second, third, waits, ...rest] = stdout.split('\n')
    assert.match(String(first), /^1a2b3c4d {2}failed /)
    assert.equal(why, '          check_failed at verify: The check \\u001b[2J"unit" failed')
    const ofFailed = await run('why 1a2b')
    assert.match(ofFailed.stdout, /^ {2}ended +(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/m)
    assert.doesNotMatch(ofFailed.stdout, /\\n/)
    assert.match(String(second), /^5e6f7a8b {2}pending, not approved /)
    assert.match(String(third), /^9c0d1e2f {2}pending /)
    assert.match(String(waits), /^ {10}waits for a service; none is up$/)
    assert.deepEqual(rest, [''])
    for (const [state, ids] of [
      ['failed', [ID]],
      ['unapproved', [OTHER]],
      ['waiting', [THIRD]],
      ['review', []],
    ] as const) {
      const { work_orders: orders } = JSON.parse((await run(`list --state ${state} --json`)).stdout)
      const found = orders.map((order: { id: string; state: string }) => [order.id, order.state])
      assert.deepEqual(
        found,
        ids.map((id) => [id, state]),
      )
    }
    const unknown = await run('list --state merged')
    assert.equal(unknown.exitCode, 2)
    assert.match(unknown.stderr, /unapproved, waiting, running, review, blocked, failed, completed, cancelled/)
  })

  test('inbox: the most urgent first, each with the command to type', async () => {
    assert.equal((await run('inbox')).stdout, 'Nothing waits for a human.\n')
    await api.place({ id: ID, ...failed })
    await api.place({ id: OTHER, title: 'Ask \u202efirst' })
    const outage = { kind: 'outage', keyMark: null, reason: 'HTTP 503', tested: false, askedMs: 0, chance: 0 } as const
    await countOutage(api.home.database.db, { provider: 'replay', ...outage })
    const { stdout } = await run('inbox')
    const entries = stdout.trimEnd().split('\n\n')
    assert.equal(entries.length, 3, stdout)
    assert.match(String(entries[0]), /^to approve {2}5e6f7a8b {2}Ask \\u202efirst {2}at most \$5\.00/)
    assert.match(String(entries[0]), /\n {4}\$ (\.\/)?moose approve 5e6f7a8b\n {8}lets it run\n/)
    assert.match(String(entries[0]), /\n {2}! Its text holds what a reader does not see/)
    assert.match(String(entries[1]), /^failed {2}1a2b3c4d .*\n {2}Attempt 1 failed at verify with check_failed/)
    assert.match(String(entries[1]), /moose retry 1a2b3c4d/)
    assert.match(
      String(entries[2]),
      /^provider paused .*\n {2}The provider replay is paused until (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\b[^Z]*\n {4}\$ .*moose proposer test scripted/,
    )
    const { inbox, left_out } = JSON.parse((await run('inbox --json')).stdout)
    assert.deepEqual([inbox.length, left_out], [3, 0])
  })

  test('inbox: a paused project and a paused proposer come before all orders, headed in words', async () => {
    await api.place({ id: ID, ...failed })
    await api.place({ id: OTHER })
    const { db } = api.home.database
    const { id: projectId } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
    const failure = { projectId, code: 'check_failed', step: 'verify', message: 'The check "unit" failed.' }
    for (let n = 0; n < 5; n += 1) {
      const workOrderId = `5e6f7a8b-0000-4000-8000-00000000000${n}`
      await lengthenRow(db, { kind: 'project', subject: projectId }, { ...failure, workOrderId })
      await lengthenRow(db, { kind: 'proposer', subject: 'scripted' }, { ...failure, projectId: null, workOrderId })
    }
    const { stdout } = await run('inbox')
    await db.deleteFrom('failure_rows').execute()
    const heads = stdout.split('\n\n').map((entry) => String(entry.split('  ')[0]))
    assert.deepEqual(heads, ['project paused', 'proposer paused', 'to approve', 'failed'], stdout)
    const sentence =
      'The project sample is paused: the last 5 orders of the project failed with check_failed at verify.'
    assert.ok(stdout.includes(`\n  ${sentence}\n`), stdout)
  })

  test('status counts what runs, waits and is in review apart, and names paused providers with until when', async () => {
    await api.place({ id: ID, status: 'in_progress', phase: 'in_review', approved: true })
    await api.place({ id: OTHER, status: 'in_progress', phase: 'applying', approved: true })
    await api.place({ id: THIRD, approved: true })
    const outage = { kind: 'outage', keyMark: null, reason: 'HTTP 503', tested: false, askedMs: 0, chance: 0 } as const
    await countOutage(api.home.database.db, { provider: 'replay', ...outage })
    const { stdout } = await run('status')
    assert.match(stdout, /\nwork orders +1 waiting, 1 running, 1 in review\n/)
    assert.match(
      stdout,
      /\npaused +replay, until \d{4}-\S+Z: HTTP 503; try it now with: (\.\/)?moose proposer test scripted\n/,
    )
    const { status } = JSON.parse((await run('status --json')).stdout)
    assert.deepEqual([status.states.running, status.states.review, status.work_orders.in_progress], [1, 1, 2])
  })

  test('a list and the inbox make as many queries for fifty orders as for five', async (context) => {
    const { query } = pg.Client.prototype
    let count = 0
    context.mock.method(pg.Client.prototype, 'query', function counted(this: pg.Client, ...given: never[]) {
      count += 1
      return Reflect.apply(query, this, given)
    })
    const suspended = { code: 'budget_exceeded', message: 'No money.', details: { needed_usd: '9' } }
    const add = async (orders: number) => {
      for (let index = 0; index < orders; index += 1) {
        await api.place({})
        await api.place({ approved: true, files_in_scope: [`f${index % 3}.txt`] })
        await api.place(failed)
        await api.place({ approved: true, status: 'blocked', status_reason: JSON.stringify(suspended) })
        await api.place({ status: 'in_progress', phase: 'in_review', approved: true })
      }
    }
    const queries = async () => {
      const counts: number[] = []
      for (const path of ['/api/work-orders', '/api/inbox']) {
        count = 0
        const response = await api.moose.http.fetch(new Request(`http://127.0.0.1${path}`))
        assert.equal(response.status, 200)
        counts.push(count)
      }
      return counts
    }
    await add(1)
    await queries()
    const few = await queries()
    await add(9)
    assert.deepEqual(await queries(), few)
    assert.ok(Math.max(...few) <= 60, String(few))
  })
})
