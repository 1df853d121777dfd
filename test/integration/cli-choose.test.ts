import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { Fault } from '../../src/faults/fault.ts'
import { withWaysOut } from '../../src/work-order/ways-out.ts'
import { type ApiDeps, type ApiHome, openApiHome } from '../support/api-home.ts'
import { moose } from '../support/moose-command.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')
const id = (first: string) => `${first.repeat(8)}-0000-4000-8000-000000000000`
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(id).map(String)
const HOUR_MS = 3_600_000
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS)

let api: ApiHome
let deps: ApiDeps
let environment: Record<string, string>

before(async () => {
  api = await openApiHome()
  environment = { MOOSE_HOME: api.home.config.home }
})
after(() => api[Symbol.asyncDispose]())

beforeEach(async (context) => {
  await api.clear()
  deps = api.deps()
  const served = await api.serve(deps)
  assert.ok('after' in context)
  context.after(() => served[Symbol.asyncDispose]())
})

const run = (words: string) => moose(words.split(' '), { environment })
const statuses = async () => (await api.orders()).map(({ id: of, status, approved }) => [of[0], status, approved])
const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('a choice without a terminal is listed and refused with what to type; with --yes it is carried out', async () => {
  await api.place({ id: A, created_at: ago(5), title: 'First \u001b[2J' })
  await api.place({ id: B, created_at: ago(3), approved: true })
  await api.place({ id: C, created_at: ago(2), status: 'failed' })
  await api.place({ id: D, created_at: ago(1) })
  const asked = await run('approve --all')
  assert.equal(asked.exitCode, 2)
  assert.match(
    asked.stdout,
    /^2 orders to approve:\naaaaaaaa {2}pending, not approved {2}.*First \\u001b\[2J\ndddddddd {2}/,
  )
  assert.match(asked.stderr, /Nothing was changed: .* To approve what is listed, type the same with --yes\.\n$/)
  const rehearsed = await run('approve --all --json')
  assert.equal(rehearsed.exitCode, 2)
  assert.deepEqual(
    lines(rehearsed.stdout).map(({ success, rehearsal, work_order_id, work_order, error }) => {
      return [success, rehearsal, work_order_id, work_order?.worst_case_usd !== undefined, error?.code]
    }),
    [
      [true, true, A, true, undefined],
      [true, true, D, true, undefined],
      [false, undefined, undefined, false, 'request_invalid'],
    ],
  )
  const old = await run('approve --older-than 2h --yes')
  assert.equal(old.exitCode, 0, old.stderr)
  assert.match(old.stdout, /\naaaaaaaa {2}approved {2}.*\napproved 1 of 1\n$/)
  const all = lines((await run('approve --project sample --yes --json')).stdout)
  assert.deepEqual(
    all.map(({ success, work_order_id, summary }) => [success, work_order_id, summary]),
    [
      [true, D, undefined],
      [true, undefined, { chosen: 1, done: 1, refused: {} }],
    ],
  )
  assert.deepEqual(await statuses(), [
    ['a', 'pending', true],
    ['b', 'pending', true],
    ['c', 'failed', false],
    ['d', 'pending', true],
  ])
  const none = await run('approve --all')
  assert.deepEqual([none.exitCode, none.stdout], [0, ''])
  assert.match(none.stderr, /^There are no such pending orders that are not approved\./)
})

test('orders are named or chosen, not both and not neither', async () => {
  for (const words of [
    'approve',
    'merge --yes',
    `retry ${A} --all`,
    'retry --failed-with nothing',
    'approve --older-than 3',
  ])
    assert.equal((await run(words)).exitCode, 2, words)
  assert.match((await run('retry')).stderr, /or choose them: moose retry --all/)
})

test('retry chooses by the reason and the state; a refusal of one does not stop the others', async () => {
  const reason = (code: string) => ({ status_reason: JSON.stringify({ code, message: code }) })
  await api.place({ id: A, status: 'failed', ...reason('check_failed') })
  await api.place({ id: B, status: 'blocked', ...reason('check_failed') })
  await api.place({ id: C, status: 'failed', ...reason('push_rejected') })
  await api.place({ id: D, status: 'cancelled' })
  const { retry } = deps.orchestrator
  Object.assign(deps.orchestrator, {
    retry: (of: string) =>
      of === A ? Promise.reject(new Fault('work_order_conflict', 'It is pending.\nNow.')) : retry(of),
  })
  const some = await run('retry --failed-with check_failed --yes')
  assert.equal(some.exitCode, 1)
  assert.match(some.stdout, /\naaaaaaaa {2}refused: It is pending\.\\nNow\.\nbbbbbbbb {2}pending, not approved/)
  assert.match(some.stdout, /\nretried 1 of 2: 1 refused \(changed meanwhile\)\n$/)
  assert.equal((await run('retry --state cancelled --yes')).exitCode, 0)
  const rest = lines((await run('retry --all --yes --json')).stdout)
  assert.deepEqual(
    rest.map(({ success, work_order_id, error, summary }) => [success, work_order_id, error?.code ?? summary]),
    [
      [false, A, 'work_order_conflict'],
      [true, C, undefined],
      [false, undefined, { chosen: 2, done: 1, refused: { work_order_conflict: 1 } }],
    ],
  )
})

test('merge chooses what is in review, and needs a human where every refusal does', async () => {
  await api.place({ id: A, status: 'in_progress', phase: 'in_review' })
  await api.place({ id: B, status: 'in_progress', phase: 'verifying' })
  await api.place({ id: C, status: 'in_progress', phase: 'in_review' })
  const { message, details } = withWaysOut('No.', ['Do this: moose verify aaaa', 'Or that: moose close aaaa'])
  Object.assign(deps.orchestrator, {
    merge: (of: string) =>
      Promise.reject(of === A ? new Fault('merge_conflict', message, details) : new Fault('github_forbidden', 'No.')),
  })
  const { exitCode, stdout } = await run('merge --all --yes')
  const ways =
    / {2}refused: No\.\n {2}Do this: \S*moose verify aaaa\n {2}Or that: \S*moose close aaaa\ncccccccc {2}refused: No\.\n/
  assert.match(stdout, ways, 'each way out stands on a line of its own')
  assert.equal(exitCode, 3)
  assert.match(stdout, /\nmerged 0 of 2: 2 refused \(1 merge_conflict, 1 github_forbidden\)\n$/)
})

test('on a terminal it is asked, and what was edited while the question stood is not approved', async (context) => {
  // That of other systems takes other arguments.
  if (process.platform !== 'linux' || toolOrSkip(context, 'script') === null) return
  await api.place({ id: A, created_at: ago(2) })
  await api.place({ id: B, created_at: ago(1) })
  const answered = async (answer: string, meanwhile: () => Promise<unknown>) => {
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent', TERM: 'dumb', NO_COLOR: '1', ...environment }
    const child = spawn('script', ['-qefc', `'${process.execPath}' '${MAIN}' approve --all`, '/dev/null'], { env })
    let said = ''
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
    const closed = once(child, 'close')
    await until('it asks', async () => said.includes('Approve these 2? [y/N]'), { say: async () => said })
    await meanwhile()
    child.stdin.end(`${answer}\n`)
    await closed
    return { exitCode: child.exitCode, said: said.replaceAll('\r', '') }
  }
  const no = await answered('n', async () => undefined)
  assert.deepEqual(
    [no.exitCode, await statuses()],
    [
      1,
      [
        ['a', 'pending', false],
        ['b', 'pending', false],
      ],
    ],
  )
  const yes = await answered('y', () => api.place({ id: B, title: 'Something else' }))
  assert.equal(yes.exitCode, 1, yes.said)
  assert.match(yes.said, /\nbbbbbbbb {2}refused: What work order .* was changed since it was looked at/)
  assert.match(yes.said, /\napproved 1 of 2: 1 refused \(changed meanwhile\)\n/)
  assert.deepEqual(await statuses(), [
    ['a', 'pending', true],
    ['b', 'pending', false],
  ])
})
