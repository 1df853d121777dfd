import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { gitIn } from '../support/git-remote.ts'
import { moose, startMoose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { isRunningWith } from '../support/running-process.ts'
import { mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const yaml = (...checks: string[]) => `checks:\n${checks.map((check) => `  - ${check}\n`).join('')}`
const PASSES = '{ name: greets, run: "echo looked at && test -s greeting.txt" }'
const FAILS = '{ name: suite, run: "echo not ok 1 - old; echo 1..1; exit 1" }'
const MISSING = '{ name: lint, run: no-such-tool }'
const homeWith = (...checks: string[]) =>
  createMooseHome({ 'greeting.txt': 'hello\n', 'moose.yaml': yaml(...checks) }, [])
const check = ({ environment }: MooseHome, ...words: string[]) => moose(['check', ...words], { environment })
const rows = ({ database: { db } }: MooseHome) => db.selectFrom('base_checks').selectAll().execute()

test('moose check tells passed, failed on the base, and what cannot be run, by words and exit code', async () => {
  const endings: [checks: string[], exitCode: number, says: RegExp][] = [
    [[PASSES], 0, /✓ greets +passed/],
    [[PASSES, FAILS], 1, /= suite +fails on the base .*old[^]*\nsuite:\n {2}not ok 1 - old\n/],
    [[MISSING, PASSES], 3, /✗ lint +crashed .*no-such-tool is missing[^]*✓ greets[^]*setup: of moose\.yaml/],
    [['{ name: asks, run: "read answer || { echo stdin is not a terminal; exit 1; }" }'], 1, /ask for a terminal/],
  ]
  for (const [checks, exitCode, says] of endings) {
    await using home = await homeWith(...checks)
    const ended = await check(home)
    assert.equal(ended.exitCode, exitCode, ended.stdout + ended.stderr)
    assert.match(ended.stdout, says)
    assert.equal((await rows(home)).length, 1)
    assert.deepEqual(await readdir(path.join(home.config.home, 'workspaces')), [])
  }
})

test('without a sandbox a check that writes into the operator’s HOME is named', async () => {
  const operator = await mkdtemp(path.join(tmpdir(), 'moose-operator-'))
  try {
    await mkdir(path.join(operator, '.tool'))
    await using home = await homeWith(PASSES, `{ name: writes, run: "touch ${operator}/.tool/left" }`)
    const environment = { ...home.environment, HOME: operator, MOOSE_SANDBOX: 'none' }
    const { stdout, exitCode } = await moose(['check'], { environment })
    assert.match(stdout, /✓ writes +passed +\S+ +while it ran, \S+\/\.tool changed, outside of its tree and HOME/)
    assert.doesNotMatch(String(stdout.split('\n').find((line) => line.includes('greets'))), /changed/)
    assert.equal(exitCode, 0)
  } finally {
    await rm(operator, { recursive: true })
  }
})

test('what setup leaves outside of a cache is told where a check fails, which may need it', async () => {
  const files = (run: string) => ({
    '.gitignore': 'out/\n',
    'moose.yaml': `setup: mkdir out && touch out/made\n${yaml(`{ name: finds, run: "${run}" }`)}`,
  })
  for (const [run, exitCode, isTold] of [
    ['test -e out/made', 1, true],
    ['true', 0, false],
  ] as const) {
    await using home = await createMooseHome(files(run), [])
    const ended = await check(home)
    assert.equal(ended.exitCode, exitCode, ended.stdout + ended.stderr)
    assert.equal(/setup made out\/, which cache: of moose.yaml does not name/.test(ended.stderr), isTold, ended.stderr)
  }
})

test('what moose check found is what an order relies on, and doctor shows it', async () => {
  await using home = await createMooseHome({ 'greeting.txt': 'hello\n', 'moose.yaml': yaml(PASSES) }, [
    { task: 'Greet', turn: 1, text: '### write greeting.txt\n```\nhello, world\n```\n' },
  ])
  const { environment } = home
  const before = await moose(['doctor'], { environment })
  assert.match(before.stdout, /checks of sample +optional +not checked yet +→ moose check sample/)
  const ended = await check(home)
  assert.match(ended.stderr, /looked at/)
  const after = await moose(['doctor'], { environment })
  assert.match(after.stdout, /checks of sample +ok +all 1 pass on the base/)
  await using opened = await home.open()
  await opened.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Greet', files: ['greeting.txt'] })
  assert.equal((await settled(opened, id)).phase, 'in_review')
  const notes = await home.database.db.selectFrom('work_order_events').select('message').execute()
  assert.ok(!notes.some(({ message }) => message.includes('on the base commit')), 'nothing was run on the base again')
})

test('in a checkout its own moose.yaml is used and said to be another; --base forces the other; nothing of it is kept', async () => {
  await using home = await homeWith(PASSES)
  const { environment, remote } = home
  const checkout = path.join(remote.folder, 'checkout')
  await gitIn(remote.folder, 'clone', '--quiet', remote.path, checkout)
  await writeFile(path.join(checkout, 'moose.yaml'), yaml(FAILS))
  await mkdir(path.join(checkout, 'src'))
  const here = { environment, cwd: path.join(checkout, 'src') }
  const own = await moose(['check'], here)
  assert.equal(own.exitCode, 1)
  assert.match(own.stderr, /the moose\.yaml that was given is used; main at [0-9a-f]{12} has another/)
  assert.deepEqual(await rows(home), [])
  const base = await moose(['check', '--base'], here)
  assert.deepEqual([base.exitCode, (await rows(home)).length], [0, 1])
  await writeFile(path.join(checkout, 'moose.yaml'), 'checks:\n  - { run: x }\n')
  const invalid = await moose(['check'], here)
  assert.equal(invalid.exitCode, 3)
  assert.match(invalid.stderr, /moose\.yaml is not valid:\n {2}moose\.yaml:2: /)
})

test('a base without moose.yaml is told from one with another, and submodules that are not fetched are told', async () => {
  await using home = await createMooseHome(
    { 'a.txt': 'a\n', '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ../x\n' },
    [],
  )
  const checkout = path.join(home.remote.folder, 'checkout')
  await gitIn(home.remote.folder, 'clone', '--quiet', home.remote.path, checkout)
  await writeFile(path.join(checkout, 'moose.yaml'), yaml('{ name: t, run: "true" }'))
  const { stderr, exitCode } = await moose(['check'], { environment: home.environment, cwd: checkout })
  assert.match(stderr, /the moose\.yaml that was given is used; main at [0-9a-f]{12} has none/)
  assert.match(stderr, /submodules are not fetched; .*: git submodule update --init/)
  assert.equal(exitCode, 0)
})

test('with --json every event is a line; a service does the same', async () => {
  await using home = await homeWith(FAILS)
  await using _service = await mooseUp(home.environment)
  const { stdout, exitCode } = await check(home, 'sample', '--json')
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(exitCode, 1)
  assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(['checked', 'note', 'output', 'result']))
  const { result } = events.at(-1)
  assert.deepEqual([result.project, result.is_base, result.fault], ['sample', true, null])
  assert.deepEqual([result.checks[0].outcome, result.checks[0].failures], ['failed', ['tap: old']])
  const forgotten = await check(home, 'sample', '--fresh')
  assert.deepEqual([forgotten.exitCode, (await rows(home)).length], [1, 1])
  assert.equal((await check(home, 'nowhere')).exitCode, 1)
})

test('while checks run no other process uses or removes their work tree', async () => {
  await using home = await homeWith('{ name: waits, run: "echo begun; while test ! -e go; do sleep 0.1; done" }')
  const { environment, database, config } = home
  await using checking = startMoose(['check'], { environment })
  await checking.said(/begun/)
  const id = await fileOrder(database, { title: 'Greet', files: ['greeting.txt'] })
  for (const words of [['check'], ['run', id]]) {
    const refused = await moose(words, { environment })
    assert.match(refused.stderr, /Another moose process runs the work orders of .*, or checks it\. .*wait/)
    assert.notEqual(refused.exitCode, 0)
  }
  const [folder] = await readdir(path.join(config.home, 'workspaces'))
  await writeFile(path.join(config.home, 'workspaces', String(folder), 'tree/go'), '')
  assert.equal((await checking.ended).exitCode, 0)
})

for (const served of [false, true]) {
  test(`Ctrl-C ends what still runs${served ? ', also where a service runs it' : ''}`, async () => {
    const seconds = `60.${process.pid}${served ? 1 : 0}`
    await using home = await homeWith(`{ name: hangs, run: "echo begun; exec sleep ${seconds}" }`)
    await using stack = new AsyncDisposableStack()
    if (served) stack.use(await mooseUp(home.environment))
    await using checking = startMoose(['check'], { environment: home.environment })
    await checking.said(/begun/)
    await until('it sleeps', () => isRunningWith('sleep', seconds))
    checking.child.kill('SIGINT')
    assert.equal((await checking.ended).exitCode, 130)
    await until('it has ended', async () => !(await isRunningWith('sleep', seconds)))
    const folder = path.join(home.config.home, 'workspaces')
    await until('its workspace is gone', async () => (await readdir(folder)).length === 0)
  })
}

test('what no check proves is said before an order is approved', async () => {
  await using home = await createMooseHome(
    { 'a.txt': 'a\n', 'moose.yaml': yaml('{ name: t, run: "true", proves: [it works, It sings] }') },
    [],
  )
  const { environment, remote } = home
  const add = ['add', '--title', 'Work', '--file', 'a.txt', '--criterion', 'It works.', 'It is fast']
  const added = await moose(add, { environment })
  assert.match(added.stderr, /No check proves criterion 2 \(It is fast\)\./)
  assert.match(added.stderr, /moose\.yaml has a check prove what the order does not ask for: t: It sings\./)
  const id = /added (\w+)/.exec(added.stdout)?.[1]
  const { stdout } = await moose(['approve', String(id), '--json'], { environment })
  assert.deepEqual(JSON.parse(stdout).work_orders[0].verification, {
    checks: 1,
    names: ['t'],
    proved_by: [{ criterion: 1, checks: ['t'] }],
    unproved: [2],
    unmatched: [{ check: 't', proves: 'It sings' }],
  })
  await remote.commit('main', { 'moose.yaml': null })
  const without = await moose(add, { environment })
  assert.match(without.stderr, /Nothing will be verified/)
})
