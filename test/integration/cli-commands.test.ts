import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { type ApiDeps, type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import { createGitRemote, gitIn } from '../support/git-remote.ts'
import { project } from '../support/ledger-rows.ts'
import { type CommandSurroundings, type Ended, moose } from '../support/moose-command.ts'
import { until } from '../support/until.ts'

const ID = '1a2b3c4d-0000-4000-8000-000000000000'
const OTHER = '5e6f7a8b-0000-4000-8000-000000000000'
const LONG_AGO = new Date('2026-01-31T12:00:00Z')
const THIRD = '9c0d1e2f-0000-4000-8000-000000000000'

/** Orders that can be carried out. */
const ORDERS = [
  { title: 'Greet in French', files_in_scope: ['french.txt'] },
  { title: 'Greet in German', files_in_scope: ['german.txt'] },
]
const writing = (file: string | undefined) => `### write ${file}\n\`\`\`\nhello\n\`\`\`\n`

const EXECUTION = {
  attempt: 2,
  status: 'in_progress',
  phase: 'in_review',
  pr_url: 'https://forge.example/pull/7',
  pr_number: 7,
  branch_name: 'feature/wo-1-add-a-greeting',
  execution_time_ms: 1200,
  cost_usd: 0.01,
} as const

/** The command line against the API of a real home, served by this process and found through `service.json`. */
describe('commands of a service', () => {
  /** A folder to run commands in. */
  let home: string
  let api: ApiHome
  let deps: ApiDeps
  let served: ServedApi
  let environment: Record<string, string>

  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'moose-cli-'))
    const answers = ORDERS.map(({ title, files_in_scope: [file] }) => ({ task: title, turn: 1, text: writing(file) }))
    api = await openApiHome({ answers })
    environment = { MOOSE_HOME: api.home.config.home }
  })
  after(async () => {
    await api[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  beforeEach(async (context) => {
    await api.clear()
    deps = api.deps()
    served = await api.serve(deps)
    assert.ok('after' in context)
    context.after(() => served[Symbol.asyncDispose]())
  })

  const run = (words: string, more: Partial<CommandSurroundings> = {}): Promise<Ended> =>
    moose(words.split(' '), { environment, ...more })
  const fails = (verb: 'execute' | 'merge', code: FaultCode, message: string) => {
    const failing = () => Promise.reject(new Fault(code, message, { id: ID }))
    Object.assign(deps.orchestrator, { [verb]: failing })
  }

  test('add files one order from options and says how to approve it', async () => {
    await project(api.home.database, 'hello')
    const words = [
      'add',
      '-t',
      'Greet in French',
      '--file',
      'a.js',
      'b/',
      '-c',
      'says Bonjour',
      '-r',
      'low',
      '-p',
      'hello',
    ]
    const { exitCode, stdout, stderr } = await moose(words, { environment })
    const [order] = await api.orders()
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(
      [
        order?.title,
        order?.files_in_scope,
        order?.acceptance_criteria,
        order?.risk_level,
        order?.project,
        order?.approved,
      ],
      ['Greet in French', ['a.js', 'b/'], ['says Bonjour'], 'low', 'hello', false],
    )
    const short = String(order?.id).slice(0, 8)
    assert.equal(stdout, `added ${short}  Greet in French\n`)
    // The repository of this project does not exist.
    const unknown = 'Which checks will verify it is not known yet: moose check hello'
    assert.equal(stderr, `${unknown}\nApprove with: moose approve ${short}\n`)
  })

  test('add says once what all of several orders lack', async () => {
    await project(api.home.database, 'hello')
    const { stderr } = await run('add -f - -p hello', {
      stdin: '[{ "title": "a", "files_in_scope": ["x"] }, { "title": "b", "files_in_scope": ["x"] }]',
    })
    assert.match(stderr, /^All 2 orders: Which checks will verify it is not known yet: moose check hello\n/)
  })

  test('add takes files and stdin, all or none, and options on top', async () => {
    const file = path.join(home, 'orders.yaml')
    await writeFile(file, 'title: a\nfiles_in_scope: [x]\n---\n- title: b\n  files_in_scope: [x]\n')
    const added = await run(`add -f ${file} - --approve --json`, { stdin: '{ "title": "c", "files_in_scope": ["x"] }' })
    assert.equal(added.exitCode, 0, added.stderr)
    assert.deepEqual(
      JSON.parse(added.stdout).work_orders.map((order: { title: string; approved: boolean }) => [
        order.title,
        order.approved,
      ]),
      [
        ['a', true],
        ['b', true],
        ['c', true],
      ],
    )
    await api.clear()
    await writeFile(file, 'title: a\nfiles_in_scope: [x]\n---\ntitle: b\nfiles_in_scope: [../x]\n')
    const refused = await run('add -f orders.yaml', { cwd: home })
    assert.equal(refused.exitCode, 2)
    assert.equal(refused.stdout, '')
    assert.equal(
      refused.stderr,
      'error: 1 problem; nothing was stored.\n' +
        '  orders.yaml:5: files_in_scope[0] "../x" leaves the repository (..)\n' +
        '  Correct this and run the command again.\n',
    )
    assert.deepEqual(await api.orders(), [])
  })

  test('add without an order, with two sources, or without its file is wrong usage', async () => {
    for (const words of ['add', 'add -f x.yaml --title y', 'add -f x.yaml', 'add --risk huge', 'add --file ../x']) {
      const { exitCode, stderr } = await run(words)
      assert.equal(exitCode, 2, words)
      assert.match(stderr, /^error: /, words)
    }
    assert.match(
      (await run('add --file ../x')).stderr,
      /--title is missing\n {2}--file "\.\.\/x" leaves the repository/,
    )
  })

  test('a file that is no UTF-8 is named with its line', async () => {
    const file = path.join(home, 'latin1.yaml')
    await writeFile(file, Buffer.from('title: x\ndescription: caf\xe9\n', 'latin1'))
    const { exitCode, stderr } = await run(`add -f ${file}`)
    assert.deepEqual([exitCode, /latin1\.yaml is not UTF-8 \(line 2\)/.test(stderr)], [2, true], stderr)
  })

  test('an order without a file that may change is refused at add, and said to fail at approve', async () => {
    const words = await run('add -t x')
    assert.equal(words.exitCode, 2)
    assert.match(words.stderr, /\n {2}--file is missing: name at least one file, or folder with a \/ at its end/)
    const file = await run('add -f -', { stdin: 'title: a\n' })
    assert.match(file.stderr, /\n {2}stdin:1: files_in_scope is missing/)
    assert.deepEqual(await api.orders(), [])
    await api.place({ id: ID, files_in_scope: [] })
    const approved = await run('approve 1a2b3c4d')
    assert.match(approved.stderr, /names no file that may change.*moose edit 1a2b3c4d --file PATH/)
  })

  test('what is edited between the look and the approval is not approved, and says so', async () => {
    await api.place({ id: ID })
    // Asked between the two.
    const { status } = deps.orchestrator
    deps.orchestrator.status = async () => {
      await api.home.database.pool.query(`update work_orders set description = 'Delete the tests' where id = $1`, [ID])
      return await status()
    }
    const { exitCode, stderr } = await run('approve 1a2b3c4d')
    assert.equal(exitCode, 1, stderr)
    assert.match(
      stderr,
      /^error: .*was changed since it was looked at.*moose show 1a2b3c4d +Then .*moose approve 1a2b3c4d$/m,
    )
    assert.equal((await api.detail(ID)).approved, false)
    deps.orchestrator.status = status
    const again = await run('approve 1a2b3c4d --json')
    const { content_sha256 } = await api.detail(ID)
    assert.equal(JSON.parse(again.stdout).work_orders[0].content_sha256, content_sha256)
    assert.deepEqual(served.sent.at(-1)?.body, {
      allow: [],
      allow_all_protected: false,
      allow_secrets: [],
      content_sha256,
    })
  })

  test('a rejected order that is retried has to be approved again', async () => {
    await api.place({ id: ID })
    await run('approve 1a2b3c4d')
    await run('reject 1a2b3c4d')
    const retried = await run('retry 1a2b3c4d')
    assert.match(retried.stdout, /pending, not approved/)
    assert.equal((await api.orders())[0]?.approved, false)
  })

  test('add reads no file that is larger than a request', async () => {
    const { exitCode, stderr } = await run('add -f -', { stdin: `title: a\n${'#'.repeat(4_000_000)}` })
    assert.equal(exitCode, 2)
    assert.equal(stderr, 'error: stdin has 4000009 bytes, more than 4000000. Split it into several files.\n')
  })

  test('add names the place of an unknown project and points out wildcards', async () => {
    await api.home.database.db.deleteFrom('projects').execute()
    const stdin = 'title: a\nproject: nope\nfiles_in_scope: [x]\n'
    const unknown = await run('add -f -', { stdin })
    assert.equal(unknown.exitCode, 2)
    assert.match(unknown.stderr, /\n {2}stdin:2: there is no project "nope"\. Add it with: moose init\n/)
    assert.deepEqual(await api.orders(), [])
    const wild = await run('add -t x --file src/*.ts')
    assert.equal(wild.exitCode, 0)
    assert.match(wild.stderr, /^warning: --file "src\/\*\.ts" is taken literally/)
  })

  test('edit says what changed and what to do next; what cannot be edited is refused', async () => {
    await api.place({ id: ID, status: 'failed', approved: true, files_in_scope: ['a.js'] })
    const { exitCode, stdout, stderr } = await run('edit 1a2b3c4d --file a.js b/ --risk high')
    assert.equal(exitCode, 0, stderr)
    assert.equal(
      stdout,
      'edited 1a2b3c4d  Add a greeting\n  files_in_scope  [a.js] → [a.js, b/]\n  risk_level  medium → high\n',
    )
    assert.equal(stderr, 'Approve it again with: moose approve 1a2b3c4d   Then: moose retry 1a2b3c4d\n')
    const file = await run('edit 1a2b3c4d -f - --json', { stdin: 'title: From a file\n' })
    assert.equal(JSON.parse(file.stdout).work_order.title, 'From a file')
    for (const words of ['edit 1a2b3c4d', 'edit 1a2b3c4d -f x --title y', 'edit 1a2b3c4d --file ../x'])
      assert.equal((await run(words)).exitCode, 2, words)
    assert.match((await run('edit 1a2b3c4d --nope')).stderr, /See: moose edit --help\n$/)
    await api.place({ id: ID, status: 'completed' })
    assert.equal((await run('edit 1a2b3c4d --title y')).exitCode, 1)
  })

  test('edit says unchanged for what stayed as it was, and edited for a change too far down to be shown', async () => {
    const description = `${'Long. '.repeat(100)}The end`
    await api.place({ id: ID, approved: true, description })
    const same = await run('edit 1a2b3c4d -f -', { stdin: `description: ${JSON.stringify(`${description} `)}` })
    assert.deepEqual([same.exitCode, same.stdout, same.stderr], [0, 'unchanged 1a2b3c4d  Add a greeting\n', ''])
    const edited = `${description}, or not`
    const changed = await run('edit 1a2b3c4d -f -', { stdin: `description: ${JSON.stringify(edited)}` })
    assert.match(changed.stdout, /^edited 1a2b3c4d .*\n {2}description {2}Long\. .*… → changed further down\n$/)
    assert.match(changed.stderr, /Approve it again/)
  })

  test('approve and logs -f say who will carry an order out, and what to type when nobody will', async () => {
    const status = await deps.orchestrator.status()
    await api.place({ id: ID })
    assert.match((await run('approve 1a2b3c4d')).stderr, /Have the service take on all approved ones: moose start/)
    deps.orchestrator.status = async () => ({ ...status, polling: true })
    assert.match((await run('approve 1a2b3c4d')).stderr, /takes it on now; follow it with: moose logs -f 1a2b3c4d/)
    await api.place({ id: THIRD, files_in_scope: ['third.txt'] })
    assert.equal((await run('edit 9c0d1e2f --depends-on 1a2b3c4d')).exitCode, 0)
    const waits =
      /It waits for 1a2b3c4d ".*", which it depends on and which waits too\. See when it starts: moose why 9c0d1e2f\n/
    assert.match((await run('approve 9c0d1e2f')).stderr, waits)
    await api.moose.db.updateTable('work_orders').set({ status: 'failed' }).where('id', '=', THIRD).execute()
    assert.match((await run('retry 9c0d1e2f')).stderr, waits)
    deps.orchestrator.status = async () => status
    const added = await run('add -t Then --file then.txt --depends-on 1a2b3c4d --approve')
    assert.match(
      added.stderr,
      /\nIt waits for 1a2b3c4d ".*", which it depends on and which waits too\. See when it starts: /,
    )
    assert.match(added.stderr, / Have the service take on all approved ones: moose start\n/)
    assert.doesNotMatch(added.stderr, /moose run/, 'which is refused')
    const { startMoose } = await import('../support/moose-command.ts')
    await using waiting = startMoose(['logs', '-f', ID], { environment })
    await waiting.said(/Waiting for the service to take 1a2b3c4d on: its polling is off\. Type: moose start/)
    await api.place({ id: OTHER })
    await using unapproved = startMoose(['logs', '-f', OTHER], { environment })
    await unapproved.said(/Waiting for the approval of 5e6f7a8b\. Type: moose approve 5e6f7a8b/)
  })

  test('life G9: a change from a recording is marked in its row of the list, and nowhere else', async () => {
    const propose = { name: 'propose', status: 'succeeded', output: { response: { replayed: true } } } as const
    await api.place({ id: ID, attempts: 1, attempt_history: [{ number: 1, status: 'succeeded', steps: [propose] }] })
    const { stdout, stderr } = await run('list')
    assert.match(stdout, /\n1a2b3c4d .* replay /)
    assert.equal(stderr, '')
  })

  test('hints name the command as it was started', async () => {
    const started = await run('list', { environment: { ...environment, MOOSE_INVOKED: './moose' } })
    assert.match(started.stderr, /Add one with: \.\/moose add/)
    const unset = await run('list', { environment: { ...environment, MOOSE_INVOKED: '' } })
    assert.match(unset.stderr, /Add one with: \.\/moose add/)
  })

  test('a home that is nowhere is refused before anything is written', async () => {
    const flag = await moose(['list', '--home', ''], { environment })
    assert.deepEqual([flag.exitCode, flag.stderr.includes('--home is empty')], [2, true])
    const unset = await run('list', { environment: { HOME: '' } })
    assert.deepEqual([unset.exitCode, /MOOSE_HOME is not set, and HOME is empty/.test(unset.stderr)], [2, true])
  })

  test('actions change every order named, or none when one is unknown', async () => {
    await api.place({ id: ID })
    await api.place({ id: OTHER })
    const unknown = await run('approve 1a2b3c4d ffff0000')
    assert.equal(unknown.exitCode, 1)
    assert.match(unknown.stderr, /There is no work order "ffff0000"/)
    assert.equal((await api.detail(ID)).approved, false)
    const both = await run('approve 1a2b 5e6f7a8b --json')
    assert.equal(both.exitCode, 0)
    const ids = JSON.parse(both.stdout).work_orders.map((order: { id: string }) => order.id)
    assert.deepEqual(ids, [ID, OTHER])
    assert.equal((await api.detail(OTHER)).approved, true)
  })

  test('reject keeps the reason; cancel, retry, merge and close say what became of the order', async () => {
    await api.place({ id: ID, approved: true })
    assert.match((await run('cancel 1a2b3c4d')).stdout, /^1a2b3c4d {2}cancelled/)
    assert.match((await run('retry 1a2b3c4d')).stdout, /^1a2b3c4d {2}pending, approved/)
    for (const [id, order] of [[ID, ORDERS[0]] as const, [OTHER, ORDERS[1]] as const]) {
      await api.place({ id, ...order, approved: true })
      await api.moose.orchestrator.execute(id, new AbortController().signal)
    }
    assert.match((await run('merge 1a2b3c4d')).stdout, /^1a2b3c4d {2}merged, completed/)
    const closed = await run('close 5e6f7a8b')
    assert.match(closed.stdout, /^5e6f7a8b {2}closed, cancelled; branch \S+ deleted, unless it has other commits /)
    await api.place({ id: THIRD })
    assert.match((await run('reject 9c0d1e2f --reason no')).stdout, /^9c0d1e2f {2}rejected/)
    assert.deepEqual((await api.detail(THIRD)).metadata, { rejection_reason: 'no', approved_by_director: false })
  })

  test('what becomes of the branch of a closed pull request is said, where there is one', async () => {
    deps.orchestrator.close = async (id) => void (await api.place({ id, status: 'cancelled', phase: null }))
    await api.place({ id: ID })
    assert.match((await run('close 1a2b3c4d')).stdout, /^1a2b3c4d {2}closed, cancelled/)
    const branch = { github_branch: 'feature/x' }
    await api.place({ id: ID, ...branch, github_pr_url: 'https://github.com/acme/shop/pull/3' })
    assert.match((await run('close 1a2b3c4d')).stdout, /closed, cancelled; branch feature\/x stays on GitHub /)
    await api.place({ id: ID, ...branch, github_pr_url: 'local://shop/pull/3' })
    assert.match((await run('close 1a2b3c4d')).stdout, /; branch feature\/x deleted, unless it has other commits /)
  })

  test('what the API refuses is said with the exit code of its kind', async () => {
    await api.place({ id: ID })
    fails('merge', 'merge_conflict', 'It conflicts with main. Rebase it.')
    const { exitCode, stdout, stderr } = await run('merge 1a2b3c4d')
    assert.deepEqual([exitCode, stdout, stderr], [3, '', 'error: It conflicts with main. Rebase it.\n'])
    const json = await run('merge 1a2b3c4d --json')
    assert.deepEqual([json.exitCode, json.stderr], [3, ''])
    assert.deepEqual(JSON.parse(json.stdout), {
      success: false,
      error: { code: 'merge_conflict', message: 'It conflicts with main. Rebase it.', details: { id: ID } },
    })
  })

  test('an id that cannot be one never becomes another path', async () => {
    for (const id of ['..', 'zz', '../orchestrator', '%2e%2e', 'abc']) {
      const { exitCode, stderr } = await run(`show ${id}`)
      assert.equal(exitCode, 1, id)
      assert.match(stderr, /is no id of a work order/, id)
    }
  })

  test('list is a table for people and the answer of the API for programs', async () => {
    assert.deepEqual(await run('list'), {
      exitCode: 0,
      stdout: '',
      stderr: 'No work orders yet. Add one with: moose add --title "…" --file …\n',
    })
    await project(api.home.database, 'hello')
    await api.place({
      id: ID,
      title: 'Evil \u001b[2J\ntitle',
      project: 'hello',
      actual_cost: 0.012,
      created_at: LONG_AGO,
    })
    const review = { status: 'in_progress', phase: 'in_review', github_pr_number: 3 } as const
    await api.place({ id: OTHER, project: null, ...review, approved: true })
    const { stdout } = await run('list')
    assert.match(stdout, /^ID {8}STATUS {16,}PROJECT {2}PR/)
    assert.match(
      stdout,
      /\n1a2b3c4d {2}pending, not approved {2}hello {4}– {3}\$0\.0120 {2}\S+ +Evil \\u001b\[2J\\ntitle\n/,
    )
    assert.match(stdout, /\n5e6f7a8b {2}in_progress\/in_review +– +#3/)
    const limited = await run('list --limit 1 --json')
    assert.deepEqual(
      JSON.parse(limited.stdout).work_orders.map((order: { id: string }) => order.id),
      [OTHER],
    )
  })

  test('show is a page, and with --diff exactly the diff', async () => {
    const diff = 'diff --git a/x b/x\n-a\r\n+b\r\n'
    await api.place({ id: ID, attempt_history: [{ number: 1, status: 'succeeded' }] })
    const { db } = api.home.database
    const { id: project_id } = await db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
    const commits = { base_sha: 'a', head_sha: 'b', diff }
    const pull = { number: 1, attempt: 1, title: 'WO-1: x', body: '', base: 'main', branch: 'feature/x', ...commits }
    await db
      .insertInto('pull_requests')
      .values({ project_id, work_order_id: ID, ...pull })
      .execute()
    await api.place({ id: OTHER })
    assert.match((await run('show 1a2b3c4d')).stdout, /^WO-1a2b3c4d {2}Add a greeting\n\nid +1a2b3c4d-0000/)
    assert.equal((await run('show 1a2b3c4d --diff')).stdout, diff)
    assert.equal(JSON.parse((await run('show 1a2b3c4d --diff --json')).stdout).work_order.pull_request.diff, diff)
    const without = await run('show 5e6f7a8b --diff')
    assert.equal(without.exitCode, 1)
    assert.match(without.stderr, /It has no pull request yet/)
    const json = await run('show 5e6f7a8b --diff --json')
    assert.deepEqual([json.exitCode, JSON.parse(json.stdout).error.code], [1, 'not_found'])
  })

  test('logs prints what is stored, and follows until nothing more will come', async () => {
    await api.place({ id: ID, status: 'in_progress', phase: 'proposing' })
    await api.publish({ work_order_id: ID, type: 'claimed', message: 'attempt 1 begins' })
    const stored = await run('logs 1a2b3c4d')
    assert.match(stored.stdout, /^\d\d:\d\d:\d\d • attempt 1 begins\n$/)
    const following = run('logs -f 1a2b3c4d --json')
    await until('a subscription', () => deps.subscriptions() > 0)
    await api.place({ id: ID, status: 'failed', phase: null })
    await api.publish({ work_order_id: ID, type: 'attempt_ended', message: 'failed' })
    const { exitCode, stdout } = await following
    assert.equal(exitCode, 0)
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type)
    assert.deepEqual(types, ['claimed', 'attempt_ended'])
  })

  test('a log of more than one page is printed whole', async () => {
    await api.place({ id: ID, status: 'failed' })
    await api.publish({ work_order_id: ID }, 1_203)
    assert.equal((await run('logs 1a2b3c4d')).stdout.split('\n').length - 1, 1_203)
  })

  test('run shows the steps of this attempt only and ends with the pull request', async () => {
    await api.place({ id: ID, approved: true, attempts: 1 })
    const step = { work_order_id: ID, attempt: 2, step: 'propose', message: 'propose' }
    await api.publish({ ...step, attempt: 1, type: 'step_failed' })
    deps.orchestrator.execute = async (id) => {
      await api.publish({ ...step, type: 'step_started' })
      await api.publish({ ...step, type: 'step_succeeded', data: { duration_ms: 2_300, cost_usd: 0.012 } })
      await new Promise((resolve) => setTimeout(resolve, 100))
      await api.place({ id: ID, status: 'in_progress', phase: 'in_review' })
      await api.publish({ ...step, step: null, type: 'attempt_ended', message: 'pull request #7 is open' })
      return { ...EXECUTION, work_order_id: id }
    }
    const { exitCode, stdout, stderr } = await run('run 1a2b3c4d')
    assert.equal(exitCode, 0, stderr)
    assert.equal(
      stdout,
      '✓ propose  2.3s $0.0120\n' +
        '✓ Pull request #7  https://forge.example/pull/7\n' +
        '  feature/wo-1-add-a-greeting  1.2s  $0.0100\n',
    )
    assert.match(stderr, /moose show 1a2b3c4d --diff {3}Merge it with: moose merge 1a2b3c4d/)
  })

  test('run keeps what set-ups and checks print to itself, but for the end of what failed; --verbose has all of it', async () => {
    const failure = 'Check "test" failed (exit code 1).\n1 failing'
    const event = (type: string, step: string, message: string, data = {}) =>
      api.publish({ work_order_id: ID, attempt: 1, type, step, message, data })
    deps.orchestrator.execute = async (id) => {
      await event('output', 'prepare', 'added 3 packages')
      await event('output', 'verify', 'ok 1\nok 2')
      await event('step_failed', 'verify', failure, { code: 'check_failed' })
      await event('step_started', 'apply', 'apply, try 2')
      await event('output', 'apply', 'Aider v0')
      await event('output', 'verify', 'ok again')
      await event('step_failed', 'verify', 'for good', { code: 'check_failed' })
      await api.place({ id: ID, status: 'failed' })
      await api.publish({ work_order_id: ID, type: 'attempt_ended', message: 'failed' })
      throw new Fault('check_failed', 'for good', { id })
    }
    await api.place({ id: ID, approved: true })
    const quiet = await run('run 1a2b3c4d')
    assert.deepEqual(
      [quiet.exitCode, quiet.stdout, quiet.stderr],
      [
        1,
        '✗ verify   Check "test" failed (exit code 1).\n│ verify   1 failing\n│ apply    Aider v0\n✗ verify   check_failed\n',
        'error: for good\n' +
          '  $ moose logs 1a2b3c4d\n      what happened\n' +
          '  $ moose edit 1a2b3c4d\n      changes what it asks for\n' +
          '  $ moose retry 1a2b3c4d\n      carries it out again, and says whether a model is asked and paid\n' +
          '  $ moose retry 1a2b3c4d --fresh\n      asks the model anew, told of no failure, and is paid for\n',
      ],
    )
    await api.clear()
    await api.place({ id: ID, approved: true })
    const { stdout } = await run('run 1a2b3c4d --verbose')
    for (const line of ['added 3 packages', 'ok 1', 'ok 2', 'ok again', 'Aider v0'])
      assert.equal(stdout.split(line).length, 2, stdout)
  })

  test('run tells apart what failed and what needs a human', async () => {
    await api.place({ id: ID, approved: true })
    fails('execute', 'check_failed', 'The tests fail.')
    const failed = await run('run 1a2b3c4d')
    assert.deepEqual([failed.exitCode, failed.stdout], [1, ''])
    assert.match(failed.stderr, /^error: The tests fail\.\n {2}\$ moose /)
    fails('execute', 'work_order_not_approved', 'Not approved.')
    assert.equal((await run('run 1a2b3c4d')).exitCode, 3)
    const json = await run('run 1a2b3c4d --json')
    assert.equal(json.exitCode, 3)
    assert.equal(JSON.parse(json.stdout).error.code, 'work_order_not_approved')
    const one = await run('run 1a2b3c4d 5e6f7a8b')
    assert.equal(one.exitCode, 2)
  })

  test('start, stop and status speak to the service', async () => {
    assert.match((await run('start --interval 2s')).stdout, /looking every 2\.0s/)
    assert.match((await run('start')).stdout, /^started/)
    assert.match((await run('stop')).stdout, /^stopped/)
    assert.deepEqual(deps.told, ['start 2000', 'start null', 'stop'])
    assert.equal((await run('start --interval 5')).exitCode, 2)
    const status = await run('status')
    assert.match(
      status.stdout,
      /^service +up at http:\/\/127\.0\.0\.1:\d+ \(process \d+, started (?:just now|\d+s ago)\)\n/,
    )
    assert.equal(JSON.parse((await run('status --json')).stdout).service.pid, process.pid)
  })

  test('init names the repository of the current folder, a folder, or a URL', async () => {
    await using remote = await createGitRemote({ 'a.txt': 'a' })
    await remote.commit('dev', {})
    for (const [folder, ...options] of [['repository'], ['other.git', '--bare']]) {
      await gitIn(home, 'clone', '--quiet', ...options, remote.path, String(folder))
    }
    // What has an origin is named by it, unless it is bare.
    await gitIn(path.join(home, 'other.git'), 'remote', 'remove', 'origin')
    const cwd = path.join(home, 'repository/deep')
    await mkdir(cwd)
    const project = async (words: string) => JSON.parse((await run(`${words} --json`, { cwd })).stdout).project
    const here = await project('init')
    assert.deepEqual([here.name, here.repository], ['repository', remote.path])
    const folder = await project('init ../../other.git --branch dev')
    assert.deepEqual(
      [folder.name, folder.repository, folder.default_branch],
      ['other', path.join(home, 'other.git'), 'dev'],
    )
    await run('init git@host.invalid:team/shop.git', { cwd })
    assert.deepEqual(served.sent.at(-1)?.body, { name: 'shop', repository: 'git@host.invalid:team/shop.git' })
    const outside = await run('init', { cwd: '/' })
    assert.equal(outside.exitCode, 2)
    assert.match(outside.stderr, /is not inside a git repository/)
  })

  test('a reader that has seen enough ends the command in peace', async () => {
    await api.place({ id: ID, status: 'failed' })
    await api.publish({ work_order_id: ID, message: 'x'.repeat(200) }, 3_000)
    const { startMoose } = await import('../support/moose-command.ts')
    await using command = startMoose(['logs', ID], { environment })
    command.child.stdout?.once('data', () => command.child.stdout?.destroy())
    const { exitCode, stderr } = await command.ended.catch(async () => ({
      exitCode: command.child.exitCode,
      stderr: '',
    }))
    await new Promise((resolve) =>
      command.child.exitCode === null ? command.child.once('exit', resolve) : resolve(null),
    )
    assert.deepEqual([exitCode ?? command.child.exitCode, stderr], [0, ''])
  })

  test('a service that went away is not mistaken for one that is there', async () => {
    await served[Symbol.asyncDispose]()
    const { exitCode, stderr } = await run('stop')
    assert.equal(exitCode, 1)
    assert.match(stderr, /No service is up for .* Start one with: moose up --start/)
  })

  test('another program at the port of a dead service is not spoken to', async () => {
    const file = path.join(api.home.config.home, 'service.json')
    const service = JSON.parse(await readFile(file, 'utf8'))
    // One that is there and is another, and one that is gone.
    for (const pid of [process.ppid, 2 ** 22]) {
      await writeFile(file, JSON.stringify({ ...service, pid }))
      assert.equal((await run('stop')).exitCode, 1)
    }
    assert.deepEqual(deps.told, [])
  })
})
