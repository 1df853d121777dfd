import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { type ChildRecord, recordsFolder } from '../../src/process/child-record.ts'
import { endLeftBehind } from '../../src/process/left-behind.ts'
import { bootId, lookAtProcess } from '../../src/process/process-table.ts'
import { type Command, runCommand } from '../../src/process/run-command.ts'
import { endsSoon, isRunning } from '../support/running-process.ts'

const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
const log = createLog('silent')
const fault = (code: FaultCode) => (error: unknown) => error instanceof Fault && error.code === code
const skip = bootId() === null ? 'no /proc: the process group is what can be ended here' : false

describe('a child that runs foreign code', { skip }, () => {
  let home = ''
  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'moose-foreign-'))
  })
  after(() => rm(home, { recursive: true, force: true }))

  function check(script: string, changes: Partial<Command> = {}): Command {
    const limits = { timeoutMs: 20_000, maxOutputBytes: 1_000, signal: null }
    const foreign = { home, what: 'check' } as const
    return { command: '/bin/sh', args: ['-c', script], cwd: home, env, ...limits, foreign, ...changes }
  }
  const records = () => readdir(recordsFolder(home))
  /** Waits for the scripts below to have written their pids. */
  async function pidsIn(...names: string[]): Promise<number[]> {
    const read = (name: string) => readFile(path.join(home, name), 'utf8').catch(() => '')
    let pids = await Promise.all(names.map(read))
    for (let waited = 0; pids.some((pid) => !pid.endsWith('\n')) && waited < 10_000; waited += 20) {
      await sleep(20)
      pids = await Promise.all(names.map(read))
    }
    return pids.map(Number)
  }
  async function gone(pids: number[]): Promise<void> {
    for (const pid of pids) assert.ok(await endsSoon(pid), `${pid} still runs`)
  }

  /** In a session of its own, its parents gone: a daemon. */
  const daemon = (name: string) => `(setsid sh -c 'echo $$ > ${name}; exec sleep 61' >/dev/null 2>&1 &)`
  const written = (...names: string[]) => names.map((name) => `while [ ! -s ${name} ]; do sleep 0.01; done`).join('; ')

  test('a daemon and what it starts end with the child that exits', async () => {
    const nested = `(setsid sh -c 'echo $$ > outer; setsid sh -c "echo \\$\\$ > inner; exec sleep 61" & wait' >/dev/null 2>&1 &)`
    const result = await runCommand(check(`${nested}; ${written('outer', 'inner')}; exit 3`))
    assert.equal(result.exitCode, 3)
    await gone(await pidsIn('outer', 'inner'))
    assert.deepEqual(await records(), [])
  })

  test('a timeout and a cancellation end a daemon too, and one that ignores every polite signal', async () => {
    const stubborn = `(setsid sh -c 'trap "" TERM HUP INT; echo $$ > stubborn; while :; do sleep 0.1; done' >/dev/null 2>&1 &)`
    const late = runCommand(check(`${stubborn}; ${written('stubborn')}; sleep 61`, { timeoutMs: 1_500 }))
    await assert.rejects(late, fault('command_timed_out'))
    const cancel = new AbortController()
    const cancelled = runCommand(check(`${daemon('daemon')}; sleep 61`, { signal: cancel.signal }))
    const pids = await pidsIn('stubborn', 'daemon')
    cancel.abort()
    await assert.rejects(cancelled, fault('attempt_cancelled'))
    await gone(pids)
    assert.deepEqual(await records(), [])
  })

  test('one without any environment is found by its parents when the child is stopped', async () => {
    const bare = `env -i /usr/bin/setsid /bin/sh -c 'echo $$ > bare; while :; do /bin/sleep 0.1; done' & wait`
    const running = runCommand(check(bare, { timeoutMs: 1_000 }))
    await assert.rejects(running, fault('command_timed_out'))
    await gone(await pidsIn('bare'))
  })

  test('a daemon that holds the pipe does not hold the call', async () => {
    const held = `(setsid sh -c 'echo $$ > holder; exec sleep 61' &)`
    const startedAt = performance.now()
    await runCommand(check(`${held}; ${written('holder')}`))
    assert.ok(performance.now() - startedAt < 10_000)
    await gone(await pidsIn('holder'))
  })

  test('other processes are left alone: those of another child, and those nobody of ours started', async (t) => {
    const [outside] = await strangers(t, 1)
    const other = new AbortController()
    const beside = runCommand(check('echo $$ > beside; exec sleep 61', { signal: other.signal }))
    const [besidePid] = await pidsIn('beside')
    await runCommand(check(daemon('brief')))
    assert.ok(await isRunning(Number(outside)))
    assert.ok(await isRunning(Number(besidePid)))
    assert.equal((await records()).length, 1)
    other.abort()
    await assert.rejects(beside, fault('attempt_cancelled'))
  })

  test('a program that cannot be started leaves no record', async () => {
    await assert.rejects(runCommand(check('', { command: 'no-such-program' })), fault('command_missing'))
    assert.deepEqual(await records(), [])
  })

  test('what a killed process left running is on record, and ended by the next with its daemons', async () => {
    const script = `${daemon('left-daemon')}; echo $$ > left; exec sleep 61`
    await killedWhile(check(script), home, () => pidsIn('left', 'left-daemon'))
    const pids = await pidsIn('left', 'left-daemon')
    for (const pid of pids) assert.ok(await isRunning(pid))
    const [name] = await records()
    const record: ChildRecord = JSON.parse(await readFile(path.join(recordsFolder(home), String(name)), 'utf8'))
    assert.deepEqual([record.what, record.cwd, record.leader?.pid], ['check', home, pids[0]])
    await endLeftBehind(home, log)
    await gone(pids)
    assert.deepEqual(await records(), [])
  })

  test('a record of another boot, of a pid that is used again, or that nobody can read is only removed', async (t) => {
    const [rebooted, reused] = (await strangers(t, 2)).map((pid) => lookAtProcess(pid))
    assert.ok(rebooted && reused)
    const folder = recordsFolder(home)
    const write = (name: string, content: object) => writeFile(path.join(folder, name), JSON.stringify(content))
    const writer = { pid: process.pid, startTime: 0 }
    const common = { what: 'check', cwd: home, bootId: String(bootId()), writer }
    const marker = '00000000-0000-4000-8000-00000000000'
    const earlier = { pid: reused.pid, startTime: reused.startTime - 1 }
    await write('1.json', { ...common, marker: `${marker}1`, bootId: 'another', leader: rebooted })
    await write('2.json', { ...common, marker: `${marker}2`, leader: earlier })
    await write('3.json', { ...common, marker: `${marker}3`, leader: null })
    await write('4.json', { odd: true })
    await writeFile(path.join(folder, '5.draft'), '{"mark')
    await writeFile(path.join(folder, '6.draft'), '{"mark')
    await utimes(path.join(folder, '6.draft'), 0, 0)
    await endLeftBehind(home, log)
    assert.deepEqual(await records(), ['5.draft'], 'somebody may be writing it')
    await rm(path.join(folder, '5.draft'))
    for (const { pid } of [rebooted, reused]) assert.ok(await isRunning(pid))
  })

  test('children of the process that looks are left alone', async () => {
    const cancel = new AbortController()
    const running = runCommand(check('echo $$ > mine; exec sleep 61', { signal: cancel.signal }))
    const [mine] = await pidsIn('mine')
    await endLeftBehind(home, log)
    assert.ok(await isRunning(Number(mine)))
    assert.equal((await records()).length, 1)
    cancel.abort()
    await assert.rejects(running, fault('attempt_cancelled'))
  })

  test('children of a process that lives are left alone, also by one that works on another database', async (t) => {
    const [child, writer] = (await strangers(t, 2)).map((pid) => lookAtProcess(pid))
    assert.ok(child && writer)
    const file = path.join(recordsFolder(home), '1.json')
    await mkdir(path.dirname(file), { recursive: true })
    const marker = '00000000-0000-4000-8000-000000000001'
    const record = { marker, what: 'check', cwd: home, bootId: String(bootId()), leader: child, writer }
    await writeFile(file, JSON.stringify(record))
    await endLeftBehind(home, log)
    assert.ok(await isRunning(child.pid))
    assert.deepEqual(await records(), ['1.json'])
    await writeFile(file, JSON.stringify({ ...record, writer: { ...writer, startTime: writer.startTime - 1 } }))
    await endLeftBehind(home, log)
    await gone([child.pid])
    assert.deepEqual(await records(), [])
  })

  test('what foreign code has put among the records is neither followed nor waited for', async () => {
    const folder = recordsFolder(home)
    const precious = path.join(home, 'precious')
    await writeFile(precious, 'x')
    await mkdir(path.join(folder, 'folder.json'), { recursive: true })
    execFileSync('mkfifo', [path.join(folder, 'pipe.json')])
    await symlink('/dev/zero', path.join(folder, 'endless.json'))
    await symlink(precious, path.join(folder, 'link.json'))
    await writeFile(path.join(folder, 'large.json'), Buffer.alloc(100_000, ' '))
    await endLeftBehind(home, log)
    assert.deepEqual(await records(), ['folder.json'])
    await rm(folder, { recursive: true })
    await symlink(home, folder)
    await endLeftBehind(home, log)
    assert.equal(await readFile(precious, 'utf8'), 'x')
    await rm(folder)
  })

  test('a home without records has nothing to end', () => endLeftBehind(path.join(home, 'none'), log))
})

/** Processes of this test's own that no Moose knows. */
async function strangers(t: TestContext, count: number): Promise<number[]> {
  const children = Array.from({ length: count }, () => spawn('sleep', ['61'], { detached: true, stdio: 'ignore' }))
  t.after(() => Promise.all(children.map(end)))
  await Promise.all(children.map((child) => once(child, 'spawn')))
  return children.map(({ pid }) => Number(pid))
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  if (child.kill('SIGKILL')) await ended
}

/** Has a process of its own run the command, and kills it -9 in the middle. */
async function killedWhile(command: Command, folder: string, inTheMiddle: () => Promise<unknown>): Promise<void> {
  const module = pathToFileURL(path.join(import.meta.dirname, '../../src/process/run-command.ts')).href
  const program = path.join(folder, 'runs-it.ts')
  await writeFile(program, `import { runCommand } from '${module}'\nawait runCommand(${JSON.stringify(command)})\n`)
  const child = spawn(process.execPath, [program], { stdio: 'inherit' })
  try {
    await inTheMiddle()
  } finally {
    await end(child)
  }
}
