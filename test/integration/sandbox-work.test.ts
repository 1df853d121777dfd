import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chown, cp, mkdir, mkdtempDisposable, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { createSandbox } from '../../src/sandbox/create-sandbox.ts'
import { listenInHome } from '../../src/sandbox/reach/socket-folder.ts'
import { commandIn } from '../support/confined-command.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { isRunningWith } from '../support/running-process.ts'
import { sandboxSetting, withoutBubblewrap } from '../support/sandbox-setting.ts'
import { until } from '../support/until.ts'
import { sandboxOf } from '../support/usual-sandbox.ts'

const fault =
  (code: FaultCode, says = /./) =>
  (error: unknown) =>
    error instanceof Fault && error.code === code && says.test(error.message)

describe('in bubblewrap', { skip: withoutBubblewrap }, () => {
  test('git works as in a clone: status, log, tags, a diff, a commit; and nothing of the sandbox shows up', async () => {
    await using given = await sandboxSetting('bubblewrap')
    const look = 'git status --porcelain; git log --format=%s | head -1; git tag; git rev-parse HEAD; ls -A ..'
    const { outcome, outputTail } = await given.run(look)
    assert.equal(outcome, 'passed', outputTail)
    assert.ok(outputTail.includes(given.sha))
    const commit =
      'echo b >> src/a; git -c user.name=a -c user.email=a@b.c commit -qam more; git show --stat --format=%s HEAD'
    assert.match((await given.run(commit)).outputTail, /more\n.*src\/a \| 1 \+/s)
    assert.equal((await given.run('cat src/a; git status --porcelain')).outputTail, 'original')
    assert.deepEqual(await given.workspace.ignored(), [])
  })

  test('a server of its own on loopback, its name, its user and a temporary file are there', async () => {
    await using given = await sandboxSetting('bubblewrap')
    const serve = `node -e 'const s = require("http").createServer((q, r) => r.end("own"));
      s.listen(0, "127.0.0.1", async () => { console.log(await (await fetch("http://localhost:" + s.address().port)).text()); s.close(); s.closeAllConnections() })'`
    const { outputTail } = await given.run(
      `${serve}; id -un; hostname; touch /tmp/a "$TMPDIR/b" ~/c; pwd; [ "$(id -u)" != 0 ]`,
    )
    assert.equal(outputTail, `own\nmoose\nmoose\n${given.workspace.path}`)
  })

  test('what one check leaves beside the tree leads the next nowhere', async () => {
    await using outside = await mkdtempDisposable(path.join(tmpdir(), 'moose-outside-'))
    await writeFile(path.join(outside.path, 'secret'), 'secret')
    await using given = await sandboxSetting('bubblewrap')
    const folder = path.dirname(given.workspace.path)
    const planted = await given.run(
      `rm -rf ../caches; ln -s ${outside.path} ../caches; ln -s ${outside.path} ../link; ls -A ..`,
    )
    assert.match(planted.outputTail, /caches\n.*link/s)
    await symlink(outside.path, path.join(folder, 'caches')).catch(() => undefined)
    assert.equal(
      (await given.run('cat ../caches/secret ../link/secret 2>/dev/null || echo nothing')).outputTail,
      'nothing',
    )
  })

  test('it is asked to end first, and ended with all it has started when it does not', async () => {
    await using given = await sandboxSetting('bubblewrap')
    const polite = await given.run(`trap 'echo asked; exit 0' TERM; sleep 60 & wait`, { timeoutMs: 6_000 })
    assert.deepEqual([polite.outcome, polite.outputTail], ['timed_out', 'asked'])
    const seconds = `63.${process.pid}`
    const cancel = new AbortController()
    const stubborn = `trap '' TERM; (trap '' TERM; setsid env -i /bin/sleep ${seconds} &) ; echo begun; while :; do sleep 0.1; done`
    const running = given.run(stubborn, {}, cancel.signal)
    await until('it runs', () => isRunningWith('/bin/sleep', seconds))
    cancel.abort(new Fault('attempt_cancelled', 'cancelled'))
    await assert.rejects(running, fault('attempt_cancelled'))
    assert.ok(!(await isRunningWith('/bin/sleep', seconds)))
    assert.deepEqual(await readdir(path.join(given.home, 'children')), [])
  })

  test('a socket of Moose answers at the port the child is told, large answers too, and nothing else does', async () => {
    await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-reach-'))
    const long = path.join(home.path, 'a'.repeat(60), 'b'.repeat(60))
    await mkdir(long, { recursive: true })
    const big = 'x'.repeat(3_000_000)
    await using server = await listenInHome(
      createServer((request, response) => void request.resume().on('end', () => response.end(big))),
      long,
    )
    const sandbox = sandboxOf('bubblewrap', long)
    const ask = `const post = { method: "POST", body: "y".repeat(1e6) };
      fetch("http://127.0.0.1:4000/", post).then((r) => r.text()).then((t) => console.log(t.length)).then(() => fetch("http://127.0.0.1:4001/")).catch(() => process.exit(7))`
    const command = await commandIn(long, ['node', '-e', ask])
    const { exitCode, stdout, stderr } = await sandbox.run({
      ...command,
      reach: [{ socket: server.socket, port: 4000 }],
    })
    assert.deepEqual([exitCode, stdout.text()], [7, '3000000\n'], stderr.text())
  })

  test('what a child prints blocks it as ever after it has reached a socket', async () => {
    await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-blocking-'))
    await using server = await listenInHome(
      createServer((_request, response) => void response.end('said')),
      home.path,
    )
    const script = `exec 3<>/dev/tcp/127.0.0.1/4000; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3; echo
      grep -h flags /proc/self/fdinfo/1 /proc/self/fdinfo/2`
    const { stdout, stderr } = await sandboxOf('bubblewrap', home.path).run({
      ...(await commandIn(home.path, ['bash', '-c', script])),
      reach: [{ socket: server.socket, port: 4000 }],
    })
    const [said, ...flags] = stdout.text().trim().split('\n')
    assert.deepEqual([said, flags.length], ['said', 2], stderr.text())
    const NONBLOCKING = 0o4000
    for (const line of flags) assert.equal(Number.parseInt(line.replace('flags:', '').trim(), 8) & NONBLOCKING, 0, line)
  })

  test('a program that is not there is named, with and without a socket to reach', async () => {
    await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-missing-'))
    const sandbox = sandboxOf('bubblewrap', home.path)
    await assert.rejects(sandbox.run(await commandIn(home.path, ['/no/such'])), fault('command_missing', /\/no\/such/))
  })

  test('where it is taken away later nothing of a child passes for a failed one, and it is found again', async () => {
    await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-taken-'))
    const link = path.join(home.path, 'bwrap')
    const program = execFileSync('which', ['bwrap'], { encoding: 'utf8' }).trim()
    await symlink(program, link)
    const sandbox = createSandbox(readConfig({ MOOSE_HOME: home.path, PATH: home.path }))
    const command = await commandIn(home.path, ['/bin/sh', '-c', 'true'], '/usr/bin:/bin')
    assert.equal((await sandbox.run(command)).exitCode, 0)
    await rm(link)
    await assert.rejects(sandbox.run(command), fault('sandbox_unavailable'))
    await assert.rejects(sandbox.assertReady(), fault('sandbox_unavailable', /not installed/))
    await symlink(program, link)
    assert.equal((await sandbox.run(command)).exitCode, 0)
  })

  test('it works for an ordinary user', { skip: process.getuid?.() === 0 ? false : 'this is one' }, async () => {
    await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-user-'))
    const folder = path.join(home.path, 'workspaces/one')
    await mkdir(path.join(folder, 'tree'), { recursive: true })
    for (const place of [home.path, path.dirname(folder), folder, path.join(folder, 'tree')])
      await chown(place, 65534, 65534)
    const program = `
      import { sandboxOf } from ${JSON.stringify(path.join(import.meta.dirname, '../support/usual-sandbox.ts'))}
      const folder = process.argv[1] + '/workspaces/one'
      const { exitCode, stdout, stderr } = await sandboxOf('bubblewrap', process.argv[1]).run({
        what: 'check', folder, writable: [folder], readable: [], reach: [], image: null, command: '/bin/sh',
        args: ['-c', 'touch made; id -u; ! touch /usr/x 2>/dev/null; ! cat /root/.profile 2>/dev/null'],
        env: { PATH: '/usr/bin:/bin' }, timeoutMs: 60000, maxOutputBytes: 1000, signal: null,
      })
      console.log(exitCode, stdout.text().trim(), stderr.text().trim())`
    const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    const node = [process.execPath, '--input-type=module', '--no-warnings', '-e', program, home.path]
    const said = execFileSync('setpriv', [...asNobody, ...node], {
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
      cwd: '/',
    })
    assert.equal(said.trim(), '0 65534')
    assert.deepEqual(await readdir(path.join(folder, 'tree')), ['made'])
  })
})

test('where bubblewrap is missing nothing is run, and what to install is said', async () => {
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-without-'))
  const config = readConfig({ MOOSE_HOME: home.path, PATH: home.path, MOOSE_SANDBOX: 'bubblewrap' })
  const sandbox = createSandbox(config)
  const says = fault('sandbox_unavailable', /not installed\..*apt-get install bubblewrap.*MOOSE_SANDBOX=none/)
  await assert.rejects(sandbox.assertReady(), says)
  await assert.rejects(sandbox.run(await commandIn(home.path, ['/bin/sh', '-c', 'true'])), says)
  await cp('/bin/false', path.join(home.path, 'bwrap'))
  await assert.rejects(sandbox.assertReady(), fault('sandbox_unavailable', /exit code 1.*user namespaces/))
  // As one that is ended while it tells what it has started.
  const cutShort = '#!/bin/sh\nprintf \'{ "child-pid": 1\' >&3\nexit 1\n'
  await writeFile(path.join(home.path, 'bwrap'), cutShort, { mode: 0o755 })
  await assert.rejects(sandbox.assertReady(), fault('sandbox_unavailable', /exit code 1/))
})

test('an order whose sandbox cannot be had is blocked before a model is asked, and check and doctor say so', async () => {
  const wanted = process.platform === 'darwin' ? 'bubblewrap' : 'seatbelt'
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [], { MOOSE_SANDBOX: wanted })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: 'Write', files: ['a.txt'] })
  const order = await settled(moose, id)
  assert.equal(order.status, 'blocked')
  assert.equal(order.attempt_history[0]?.error?.code, 'sandbox_unavailable')
  assert.deepEqual(await home.database.db.selectFrom('model_calls').selectAll().execute(), [])
  const finding = (await moose.doctor(null)).find(({ name }) => name === 'sandbox')
  assert.equal(finding?.state, 'missing')
})
