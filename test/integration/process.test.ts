import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { type Command, runCommand } from '../../src/process/run-command.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { endsSoon, isRunning } from '../support/running-process.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
let folder = ''

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'moose-process-'))
})
after(() => rm(folder, { recursive: true, force: true }))

function command(script: string, changes: Partial<Command> = {}): Command {
  return {
    command: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    env,
    timeoutMs: 20_000,
    maxOutputBytes: 1_000,
    signal: null,
    ...changes,
  }
}

const node = (script: string, changes: Partial<Command> = {}): Command =>
  command('', { command: process.execPath, args: ['-e', script], ...changes })

const fault = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code

test('a non-zero exit is a result, with stdout and stderr apart', async () => {
  const result = await runCommand(command('echo out; echo err >&2; exit 3'))
  assert.equal(result.exitCode, 3)
  assert.equal(result.endedBy, null)
  assert.equal(result.stdout.text(), 'out\n')
  assert.equal(result.stderr.text(), 'err\n')
})

test('of stderr less can be kept than of stdout: its beginning and its end', async () => {
  const script = 'process.stdout.write("o".repeat(500)); process.stderr.write("b" + "e".repeat(500) + "z")'
  const { stdout, stderr } = await runCommand(node(script, { keep: 'head', maxErrorBytes: 10 }))
  assert.equal(stdout.text(), 'o'.repeat(500))
  assert.deepEqual([stderr.bytes().toString(), stderr.droppedBytes], ['beeeeeeeez', 492])
})

test('a child that a signal ended says which', async () => {
  const result = await runCommand(command('kill -9 $$'))
  assert.deepEqual([result.exitCode, result.endedBy], [null, 'SIGKILL'])
})

test('the child sees exactly the given environment', async () => {
  const result = await runCommand(node('console.log(JSON.stringify(process.env))', { env: { ONLY: 'this' } }))
  assert.deepEqual(JSON.parse(result.stdout.text()), { ONLY: 'this' })
})

test('arguments reach the program as they are, whatever a shell would make of them', async () => {
  const hostile = ['$(touch pwned)', '`id`', 'a b', '', '; rm -rf x', '-n', 'ü\n🦌']
  const script = 'console.log(JSON.stringify(process.argv.slice(1)))'
  const result = await runCommand(node(script, { args: ['-e', script, '--', ...hostile] }))
  assert.deepEqual(JSON.parse(result.stdout.text()), hostile)
  assert.ok(!existsSync(path.join(folder, 'pwned')))
})

test('input is given and stdin then closed; without input stdin is empty', async () => {
  assert.equal((await runCommand(command('cat', { input: 'hällo' }))).stdout.text(), 'hällo')
  assert.equal((await runCommand(command('cat'))).stdout.text(), '')
})

test('a child that ends without reading a large input is no error', async () => {
  const result = await runCommand(command('exit 0', { input: Buffer.alloc(5_000_000) }))
  assert.equal(result.exitCode, 0)
})

/** Bytes in buffers that something still holds; without a collection, what was dropped would count too. */
async function retainedBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  collect()
  // Buffers are given back by a thread of the collector's.
  await sleep(100)
  collect()
  return process.memoryUsage().arrayBuffers
}

test('50 MB of output keep memory bounded and both ends of the text', async () => {
  const write = 'printf BEGIN; yes | head -c 52428800; printf END'
  const before = await retainedBytes()
  const { stdout } = await runCommand(command(write))
  assert.ok((await retainedBytes()) - before < 5_000_000)
  assert.ok(stdout.text().startsWith('BEGINy') && stdout.text().endsWith('y\nEND'))
  assert.equal(stdout.bytes().length, 1_000)
  assert.equal(stdout.droppedBytes, 52_428_800 + 8 - 1_000)
})

test('a gigabyte of output is read to its end within bounded memory', async () => {
  const GIGABYTE = 1024 ** 3
  const before = process.memoryUsage.rss()
  let highest = before
  let told = 0
  const onOutput = (text: string): void => {
    told += text.length
    highest = Math.max(highest, process.memoryUsage.rss())
  }
  const { stdout } = await runCommand(command(`head -c ${GIGABYTE} /dev/zero`, { onOutput }))
  assert.equal(told, GIGABYTE)
  assert.equal(stdout.droppedBytes, GIGABYTE - 1_000)
  assert.ok(highest - before < GIGABYTE / 8, `${Math.round((highest - before) / 2 ** 20)} MiB more`)
})

test('bytes come through as they are', async () => {
  const { stdout } = await runCommand(command("printf '\\000\\377\\200'"))
  assert.deepEqual([...stdout.bytes()], [0, 0xff, 0x80])
})

test('output is told as it comes, without cutting a character', async () => {
  const pieces: string[] = []
  const halves = "printf '\\303'; sleep 0.2; printf '\\244'"
  await runCommand(command(halves, { onOutput: (text) => pieces.push(text) }))
  assert.deepEqual(pieces, ['ä'])
})

test('a timeout ends the child and its grandchildren, also one that ignores SIGTERM', async () => {
  const script = `trap '' TERM; (trap '' TERM; echo $$ > leader; sh -c 'echo $$ > grandchild; exec sleep 60') & wait; sleep 60`
  const startedAt = performance.now()
  await assert.rejects(runCommand(command(script, { timeoutMs: 300 })), fault('command_timed_out'))
  assert.ok(performance.now() - startedAt < 5_000)
  assert.ok(await endsSoon(Number(readFileSync(path.join(folder, 'grandchild'), 'utf8'))))
  assert.ok(await endsSoon(Number(readFileSync(path.join(folder, 'leader'), 'utf8'))))
})

test('a child that ended in time has not timed out because this thread was busy when its time was over', async () => {
  const running = runCommand(command('sleep 0.2; echo done', { timeoutMs: 1_000 }))
  await sleep(100)
  // From here the loop comes to its timers before it looks at what has arrived.
  await new Promise(setImmediate)
  const until = performance.now() + 4_000
  while (performance.now() < until);
  const { exitCode, stdout } = await running
  assert.deepEqual([exitCode, stdout.text()], [0, 'done\n'])
})

test('aborting ends the group and rethrows the Fault it was aborted with', async () => {
  const cancel = new AbortController()
  const running = runCommand(command('sleep 60 & echo $! > background; wait', { signal: cancel.signal }))
  setTimeout(() => cancel.abort(new Fault('approval_withdrawn', 'withdrawn')), 200)
  await assert.rejects(running, fault('approval_withdrawn'))
  assert.ok(await endsSoon(Number(readFileSync(path.join(folder, 'background'), 'utf8'))))
})

test('aborting without a Fault is a cancelled attempt, also before the start', async () => {
  await assert.rejects(
    runCommand(command('touch started', { signal: AbortSignal.abort() })),
    fault('attempt_cancelled'),
  )
  assert.ok(!existsSync(path.join(folder, 'started')))
  const late = runCommand(command('sleep 60', { signal: AbortSignal.timeout(100) }))
  await assert.rejects(late, fault('attempt_cancelled'))
})

test('what the child leaves running in its group ends with it', async () => {
  const result = await runCommand(command('sleep 60 >/dev/null 2>&1 & echo $!'))
  assert.ok(await endsSoon(Number(result.stdout.text())))
})

test('settles soon although a process outside the group holds the pipe', async () => {
  const script = `
    const child = require('child_process').spawn('sleep', ['60'], { detached: true, stdio: 'inherit' })
    console.log(child.pid); child.unref()`
  const startedAt = performance.now()
  const result = await runCommand(node(script))
  const escaped = Number(result.stdout.text())
  try {
    assert.ok(performance.now() - startedAt < 3_000)
    assert.ok(await isRunning(escaped), 'a session of its own escapes the group; only a sandbox ends it')
  } finally {
    process.kill(escaped)
  }
})

/** Runs the command under a terminal of its own, as `moose up` in a person's shell is, and gives what it printed. */
async function inTerminal(asking: string, t: TestContext): Promise<string | null> {
  const program = path.join(folder, 'in-terminal.ts')
  const module = pathToFileURL(path.join(import.meta.dirname, '../../src/process/run-command.ts')).href
  const source = `import { runCommand } from '${module}'
    const { stdout, stderr } = await runCommand(${JSON.stringify(command(asking))})
    console.log('SAID', stdout.text(), stderr.text())`
  await writeFile(program, source)
  const script = toolOrSkip(t, 'script')
  if (script === null) return null
  const line = `${process.execPath} ${program}`
  const { stdout } = await runCommand(command('', { command: script, args: ['-qec', line, '/dev/null'] }))
  return stdout.text()
}

test('a further descriptor that a process outside the group holds is let go too', async () => {
  const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length
  const before = pipes()
  const told: string[] = []
  const descriptors = [(line: string) => void told.push(line)]
  const script = `
    require('fs').writeSync(3, 'told\\n')
    const child = require('child_process').spawn('sleep', ['300'], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 3] })
    console.log(child.pid); child.unref()`
  const { stdout } = await runCommand(node(script, { descriptors }))
  await using _ended = { [Symbol.asyncDispose]: async () => void process.kill(Number(stdout.text())) }
  assert.deepEqual(told, ['told'])
  await until('the pipe is closed', () => pipes() === before)
})

test('who asks the terminal finds none, even where Moose was started in one', async (t) => {
  const said = await inTerminal('read password < /dev/tty; echo "got $password"; [ -t 0 ] || echo no terminal', t)
  if (said === null) return
  assert.match(said, /SAID got \s*no terminal/)
  assert.match(said, /\/dev\/tty/)
})

test('a question and a pager end at once', async () => {
  const ends = async (script: string) => (await runCommand(command(script, { timeoutMs: 10_000 }))).exitCode
  assert.notEqual(await ends('read answer'), null)
  assert.notEqual(await ends('yes | head -2000 | more'), null)
})

test('git that is asked for a password fails instead of waiting for one', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end()
  })
  await using listening = await listenOnLoopback(server)
  const asking = `GIT_CONFIG_NOSYSTEM=1 HOME=/nonexistent git ls-remote ${listening.origin}/x.git`
  const { exitCode, stderr } = await runCommand(command(asking, { timeoutMs: 10_000 }))
  assert.equal(exitCode, 128)
  assert.match(stderr.text(), /could not read Username/)
})

test('a missing program, a file that may not be executed and a missing folder are told apart', async () => {
  await writeFile(path.join(folder, 'plain'), 'text')
  const run = (changes: Partial<Command>) => runCommand(command('', changes))
  await assert.rejects(run({ command: 'no-such-program' }), /no-such-program: it is not installed/)
  await assert.rejects(run({ command: path.join(folder, 'plain') }), /may not be executed/)
  await assert.rejects(run({ cwd: path.join(folder, 'gone') }), /working folder .* is gone/)
  await assert.rejects(run({ command: 'no-such-program' }), fault('command_missing'))
})
