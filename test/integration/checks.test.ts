import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { createCheckRunner } from '../../src/checks/check-runner.ts'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { Check, CheckResult } from '../../src/ports/execution.ts'
import type { Workspace } from '../../src/ports/workspace.ts'
import type { SandboxKind } from '../../src/sandbox/sandbox.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { networksFor } from '../support/child-networks.ts'
import { createGitRemote } from '../support/git-remote.ts'
import { isRunningWith } from '../support/running-process.ts'
import { until } from '../support/until.ts'
import { sandboxOf, usualSandbox } from '../support/usual-sandbox.ts'

function parseEnv(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

const fault = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code
const EXECUTABLE_PATH = '/usr/local/bin:/usr/bin:/bin'
const workOrderId = '00000000-0000-4000-8000-0000000000aa'

type Setting = AsyncDisposable & {
  workspace: Workspace
  kind: SandboxKind
  told: string[]
  run: (run: string, changes?: Partial<Check>, signal?: AbortSignal) => Promise<CheckResult>
}

/** `confined: false`: what foreign code may write beside its tree without a sandbox. */
async function setting({ executablePath = EXECUTABLE_PATH, confined = true } = {}): Promise<Setting> {
  const remote = await createGitRemote({ 'src/a': 'original\n', '.gitignore': 'node_modules/\n' })
  const root = remote.folder
  const workspaces = createWorkspaces({ root, mirrors: new Mirrors(root) })
  const { signal } = new AbortController()
  const project = remote.project()
  const sha = await workspaces.fetchBase(project, signal)
  const workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
  const toolchains = async () => ({ executablePath, variables: {}, found: [] })
  const sandbox = confined ? usualSandbox(root) : sandboxOf('none', root)
  const networks = networksFor({ home: root, sandbox: sandbox.kind })
  const runner = createCheckRunner({ toolchains, sandbox, networks, redacted: (text) => text })
  const told: string[] = []
  return {
    workspace,
    kind: sandbox.kind,
    told,
    run: (run, changes, cancel = signal) => {
      const check = { name: 'check', run, timeoutMs: 20_000, proves: [1], fix: null, report: null, ...changes }
      const criteria = ['It works', 'It is fast']
      const config = { cache: [], env: {}, network: { setup: [], checks: [] } }
      const of = { workspace, project, use: 'checks', config, criteria } as const
      return runner.run(check, { ...of, signal: cancel, onOutput: (text) => told.push(text) })
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

test('a check runs in the root of the workspace and tells what it printed', async () => {
  await using given = await setting()
  const result = await given.run("cat src/a; echo '\u001b[31mwarn\u001b[0m' >&2; pwd")
  assert.equal(result.outcome, 'passed')
  assert.equal(result.exitCode, 0)
  assert.equal(result.outputTail, `original\nwarn\n${given.workspace.path}`)
  assert.deepEqual(result.proves, [0])
  assert.equal(given.told.join(''), `original\nwarn\n${given.workspace.path}\n`)
  assert.ok(result.durationMs >= 0)
})

test('what goes to stdout and to stderr keeps its order', async () => {
  await using given = await setting()
  const { outputTail } = await given.run('for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done')
  assert.equal(outputTail.replaceAll('\n', ' '), 'o1 e1 o2 e2 o3 e3 o4 e4 o5 e5')
})

test('a check fails, crashes or takes too long; each is told apart', async () => {
  await using given = await setting()
  const endings = [
    await given.run('echo no; exit 3'),
    await given.run('kill -9 $$'),
    await given.run('no-such-tool-anywhere'),
    await given.run('echo begun; sleep 60', { timeoutMs: 500 }),
  ]
  assert.deepEqual(
    endings.map(({ outcome, exitCode }) => [outcome, exitCode]),
    [['failed', 3], given.kind === 'none' ? ['crashed', null] : ['failed', 137], ['crashed', 127], ['timed_out', null]],
  )
  assert.match(String(endings[2]?.outputTail), /not found/)
  assert.equal(endings[3]?.outputTail, 'begun')
})

test('a check that does not pass tells the useful part of all that it printed, without the path of its tree', async () => {
  await using given = await setting()
  const noise = 'for i in $(seq 1 3000); do echo step $i is done; done'
  const result = await given.run(
    `${noise}; echo "FAIL a.test.js"; echo "  ● cart › totals"; echo; echo "    Expected: 42"; echo "    Received: 41"; ` +
      `echo; echo "      at $PWD/a.test.js:3:1"; echo "Test Suites: 1 failed"; ${noise}; exit 1`,
  )
  const told = String(result.told)
  assert.match(told, /^a\.test\.js ● cart › totals\n {4}Expected: 42\n {4}Received: 41\n {6}at a\.test\.js:3:1\n/)
  assert.doesNotMatch(result.outputTail, /Expected/)
  assert.ok(Buffer.byteLength(told) <= 4_000)
  assert.equal((await given.run('echo fine')).told, undefined)
  assert.equal((await given.run('exit 1')).told, '')
})

const JUNIT = `<testsuites><testsuite name="s"><testcase classname="Cart" name="totals"><failure message="41 is not 42"/></testcase></testsuite></testsuites>`

test('the failures of the report that a check names come first', async () => {
  await using given = await setting()
  const report = 'out/junit.xml'
  const write = `mkdir -p out; echo '${JUNIT}' > ${report}; for i in $(seq 1 500); do echo step $i; done; exit 1`
  const { told } = await given.run(write, { report })
  assert.match(String(told), /^Cart › totals\n41 is not 42\n/)
  const sarif = { runs: [{ results: [{ level: 'error', ruleId: 'no-undef', message: { text: 'x is not defined' } }] }] }
  const lint = await given.run(`echo '${JSON.stringify(sarif)}' > lint.sarif; exit 1`, { report: 'lint.sarif' })
  assert.match(String(lint.told), /^error: x is not defined \(no-undef\)/)
})

test('a report that this run has not written, a link and what is too long are not read, and the output says so', async () => {
  await using given = await setting()
  const report = 'node_modules/out/junit.xml'
  const write = `mkdir -p node_modules/out node_modules/other; echo '${JUNIT}' > ${report}`
  const isRefused = async (run: string, problem: RegExp, file = report): Promise<void> => {
    const { told, outputTail } = await given.run(`${run}; exit 1`, { report: file })
    assert.doesNotMatch(String(told), /totals/, run)
    assert.match(outputTail, problem, run)
    assert.match(outputTail, new RegExp(`The report ${file} of this check`), run)
  }
  await isRefused('true', /it was not written/)
  assert.equal((await given.run(write, { report })).outcome, 'passed')
  await isRefused('true', /it is older than this run/)
  await isRefused(
    `cp -p ${report} node_modules/kept; touch -d '2099-01-01' node_modules/kept`,
    /it is older than this run/,
  )
  await isRefused(`mv ${report} node_modules/x.xml; ln -s ../x.xml ${report}`, /it is a link/)
  await isRefused(
    `rm -r node_modules/out; mv node_modules/x.xml node_modules/other/junit.xml; ln -s other node_modules/out`,
    /folders is a link/,
  )
  await isRefused(
    `rm node_modules/out; mkdir node_modules/out; head -c 9000000 /dev/zero > ${report}`,
    /more than 8 MiB/,
  )
  await isRefused(`rm ${report}; mkdir ${report}`, /it is no file/)
  await isRefused(`rm -r ${report}; mkfifo ${report}`, /it is no file/)
  await isRefused(`rm -r node_modules/out; ln -s out node_modules/out`, /it was not written/)
  // One that is committed and not written anew is the base's.
  await isRefused('true', /it is older than this run/, 'src/a')
})

const STOPS: readonly [name: string, run: string, exitCode: number][] = [
  ['a line that is not the last', 'false\necho done\n', 1],
  ['a line in the middle, with its exit code', 'echo begun\n(exit 7)\necho done\n', 7],
  ['the first member of a pipeline', 'echo begun\nsh -c "exit 5" | cat\necho done\n', 5],
  ['the first member of the last pipeline', 'echo begun\nfalse | cat\n', 1],
  ['the first of two commands in one line', 'false; echo done', 1],
  ['a pipeline in a line of its own', 'false | cat', 1],
  ['a command in a function', 'f() {\n  false\n  echo done\n}\nf\n', 1],
  ['a command in a loop', 'for n in 1 2; do\n  test $n = 2\n  echo done\ndone\n', 1],
  ['what is assigned', 'x=$(exit 4)\necho done\n', 4],
  ['a group in ( )', '(false; echo x)\necho done\n', 1],
]
const GOES_ON: readonly [name: string, run: string][] = [
  ['lines that all succeed', 'true\necho done\n'],
  ['a failure the line handles', 'false || true\n! false\nif false; then exit 9; fi\necho done\n'],
  ['a script that asks to go on', 'set +e\nset +o pipefail\nfalse\nfalse | cat\necho done\n'],
  ['one line', 'true && echo done'],
  ['one line that handles a failure', 'false && true || echo done'],
  ['a line that goes on in the next one', 'echo \\\n  done\n'],
  ['a failure in $( ) that its last command hides', 'out=$(false; echo x)\necho $out done\n'],
  ['a failure in $( ) within a command', 'echo $(false)\nexport X=$(false)\necho done\n'],
  ['a failure in the background', 'false &\nsleep 0\necho done\n'],
  ['text with dollars, quotes and a heredoc', "cat <<'X'\n$HOME \"'\nX\necho done\n"],
]

test('life A2: a check of two lines, of which the first fails, has not passed and proves nothing', async () => {
  await using given = await setting()
  const result = await given.run('false\necho done\n')
  assert.deepEqual([result.outcome, result.exitCode, result.outputTail], ['failed', 1, ''])
})

for (const [name, run, exitCode] of STOPS) {
  test(`a check fails at the first command that fails: ${name}`, async () => {
    await using given = await setting()
    const result = await given.run(run)
    assert.deepEqual([result.outcome, result.exitCode], ['failed', exitCode])
    assert.doesNotMatch(result.outputTail, /done/)
  })
}

for (const [name, run] of GOES_ON) {
  test(`a check passes: ${name}`, async () => {
    await using given = await setting()
    const result = await given.run(run)
    assert.deepEqual([result.outcome, result.exitCode], ['passed', 0], result.outputTail)
    assert.match(result.outputTail, /done$/)
  })
}

test('a tool that is missing on a line that is not the last is no failed check but a crashed one', async () => {
  await using given = await setting()
  assert.deepEqual((await given.run('no-such-tool-anywhere\necho done')).outcome, 'crashed')
})

test('where no bash is, sh stops at the first line that fails too', async () => {
  await using remote = await createGitRemote({})
  const tools = path.join(remote.folder, 'tools')
  await mkdir(tools)
  for (const tool of ['cat', 'git']) await symlink(`/usr/bin/${tool}`, path.join(tools, tool))
  await using given = await setting({ executablePath: tools })
  const failed = await given.run('echo "${BASH_VERSION-no bash}"\nfalse\necho done')
  assert.deepEqual([failed.outcome, failed.exitCode], ['failed', 1])
  if (!(await realpath('/bin/sh')).endsWith('bash')) assert.equal(failed.outputTail, 'no bash')
  assert.equal((await given.run('echo a | cat\necho done')).outputTail, 'a\ndone')
  if ((await realpath('/bin/sh')).endsWith('dash')) {
    assert.equal((await given.run('false | cat\necho done')).outputTail, 'done')
    assert.equal((await given.run('out=$(false; echo x)\necho done')).outcome, 'failed')
  }
})

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']
  .flatMap((name) => [name, name.toLowerCase()])
  .concat('npm_config_proxy', 'npm_config_https_proxy', 'YARN_HTTP_PROXY', 'YARN_HTTPS_PROXY')

test('the environment of a check is exactly the allow-list', async () => {
  await using given = await setting()
  process.env['MOOSE_TEST_CANARY'] = 'secret'
  try {
    const { outputTail } = await given.run('env')
    const { PWD: _pwd, OLDPWD: _oldpwd, SHLVL: _level, _: _last, ...environment } = parseEnv(outputTail)
    const folder = path.dirname(given.workspace.path)
    const proxy = String(environment['HTTPS_PROXY'])
    assert.match(proxy, given.kind === 'bubblewrap' ? /^http:\/\/127\.0\.0\.1:3128$/ : /^http:\/\/127\.0\.0\.1:\d+$/)
    const [direct, port] = ['localhost,127.0.0.1,::1', new URL(proxy).port]
    assert.deepEqual(environment, {
      PATH: EXECUTABLE_PATH,
      HOME: path.join(folder, 'home'),
      TMPDIR: path.join(folder, 'tmp'),
      LANG: 'C.UTF-8',
      TERM: 'dumb',
      CI: 'true',
      ...Object.fromEntries(PROXY_VARIABLES.map((name) => [name, proxy])),
      NO_PROXY: direct,
      no_proxy: direct,
      npm_config_noproxy: direct,
      UV_OFFLINE: '1',
      CARGO_NET_OFFLINE: 'true',
      JAVA_TOOL_OPTIONS: [
        `-Duser.home=${path.join(folder, 'home')}`,
        ...['http', 'https'].flatMap((kind) => [`-D${kind}.proxyHost=127.0.0.1`, `-D${kind}.proxyPort=${port}`]),
        '-Daether.connector.http.useSystemProperties=true',
        '-Daether.transport.apache.useSystemProperties=true',
      ].join(' '),
    })
  } finally {
    delete process.env['MOOSE_TEST_CANARY']
  }
})

test('what a check does to tracked files does not reach the next one; installed dependencies do', async () => {
  await using given = await setting()
  await given.run('echo changed > src/a; touch new; mkdir node_modules; touch node_modules/x; rm -rf .git')
  const { outputTail } = await given.run('cat src/a; ls -A; git status --porcelain')
  assert.equal(outputTail, 'original\n.git\n.gitignore\nnode_modules\nsrc')
})

test('HOME and TMPDIR go with the workspace', async () => {
  await using given = await setting()
  await given.run('mkdir -p ~/ro/x; touch ~/ro/x/f $TMPDIR/f; chmod -R a-w ~/ro')
  await given.workspace[Symbol.asyncDispose]()
  assert.ok(!existsSync(path.dirname(given.workspace.path)))
})

test('a check that takes too long ends with its whole process group', async () => {
  await using given = await setting()
  const seconds = `61.${process.pid}`
  await given.run(`mkdir node_modules; (sleep ${seconds} & touch node_modules/began; wait)`, { timeoutMs: 1_500 })
  assert.ok(existsSync(path.join(given.workspace.path, 'node_modules/began')))
  await until('no sleep', async () => !(await isRunningWith('sleep', seconds)))
})

test('a flood of output is bounded', async () => {
  await using given = await setting()
  const { outputTail } = await given.run('(yes é || true) | head -c 50000000; echo; echo END')
  assert.ok(Buffer.byteLength(outputTail) <= 16 * 1024)
  assert.ok(outputTail.endsWith('\nEND'))
  assert.match(outputTail, /^\[… earlier output left out …\]\né\n/)
})

test('a cancelled attempt stops its check', async () => {
  await using given = await setting()
  const cancel = new AbortController()
  setTimeout(() => cancel.abort(new Fault('attempt_cancelled', 'cancelled')), 200)
  await assert.rejects(given.run('sleep 60', {}, cancel.signal), fault('attempt_cancelled'))
})

test('HOME, TMPDIR and what lies around them are new for every check', async () => {
  await using given = await setting()
  await given.run('mkdir -p ~/ro/x $TMPDIR/x ../planted/x; touch ~/.npmrc ../file; ln -s / ../link; chmod -R a-w ~/ro')
  const { outputTail } = await given.run('ls -A ~ "$TMPDIR"; ls -A ..')
  const [home, temporary, ...around] = outputTail.split('\n').filter((line) => line !== '')
  assert.deepEqual(
    [home, temporary],
    [`${path.dirname(given.workspace.path)}/home:`, `${path.dirname(given.workspace.path)}/tmp:`],
  )
  assert.deepEqual(around, ['home', 'index', 'tmp', 'tree'])
})

for (const [name, tampering] of [
  [
    'hides its change with skip-worktree',
    'export GIT_INDEX_FILE="$PWD/../index"; echo faked > src/a; git update-index --skip-worktree src/a',
  ],
  ['leaves the lock of the index', 'touch ../index.lock; echo faked > src/a'],
  ['puts garbage into the index', 'head -c 5000 /dev/urandom > ../index; echo faked > src/a'],
  ['makes the index a folder', 'rm ../index; mkdir -p ../index/x ../index.lock/x; echo faked > src/a'],
  ['makes its change look old', 'touch -r src/a ../t; echo fakefake > src/a; touch -r ../t src/a'],
] as const) {
  test(`the next check sees the commit although one ${name}`, async () => {
    await using given = await setting({ confined: false })
    assert.equal((await given.run(tampering)).outcome, 'passed')
    assert.equal((await given.run('cat src/a')).outputTail, 'original')
  })
}

test('a check that links the index elsewhere makes nothing be written there', async () => {
  await using given = await setting({ confined: false })
  const victim = path.join(path.dirname(path.dirname(given.workspace.path)), 'victim')
  await writeFile(victim, 'mine')
  assert.equal((await given.run(`ln -sf ${victim} ../index`)).outcome, 'passed')
  assert.equal(await readFile(victim, 'utf8'), 'mine')
})

for (const [name, spoil] of [
  ['replaces its work tree by a link', 'mv "$PWD" "$PWD.old"; ln -s "$VICTIM" "$PWD"'],
  ['moves its work tree away', 'mv "$PWD" "$PWD.old"'],
  ['removes its work tree', 'rm -rf "$PWD"'],
  ['makes its work tree a file', 'mv "$PWD" "$PWD.old"; touch "$PWD"'],
  [
    'replaces the folder around it by a link',
    'cd ../..; mv "$ATTEMPT" x; ln -s "$VICTIM" "$ATTEMPT"; mv x/tree "$ATTEMPT/tree"',
  ],
] as const) {
  test(`a check that ${name} has not passed, and nothing outside is touched`, async () => {
    await using given = await setting({ confined: false })
    const attempt = path.dirname(given.workspace.path)
    const victim = path.join(path.dirname(attempt), 'victim')
    await mkdir(path.join(victim, 'home'), { recursive: true })
    for (const file of ['precious', 'home/precious', 'index']) await writeFile(path.join(victim, file), 'mine')
    const prologue = `VICTIM=${victim}; ATTEMPT=${attempt}; `
    const spoiled = await given.run(`${prologue}echo done; ${spoil}`)
    assert.equal(spoiled.outcome, 'crashed')
    assert.match(spoiled.outputTail, /^done\n.*work tree/s)
    assert.equal((await given.run(`${prologue}exit 3`)).outcome, 'crashed')
    await given.workspace[Symbol.asyncDispose]()
    for (const file of ['precious', 'home/precious', 'index']) {
      assert.equal(await readFile(path.join(victim, file), 'utf8'), 'mine')
    }
    assert.ok(!existsSync(attempt))
  })
}

test('a check that failed and removed its work tree has failed', async () => {
  await using given = await setting()
  const result = await given.run('rm -rf "$PWD"; exit 3')
  assert.deepEqual([result.outcome, result.exitCode], ['failed', 3])
  assert.match(result.outputTail, /work tree/)
})

test('files a check did not change keep their time, so that builds stay up to date', async () => {
  await using given = await setting()
  await given.run('touch -d 2020-01-01 src/a')
  assert.match((await given.run('ls -l src/a')).outputTail, /2020/)
})
