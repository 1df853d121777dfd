import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { FaultRecord } from '../../src/faults/fault.ts'
import type { RunAs } from '../../src/process/daemon.ts'
import { isRunning } from './running-process.ts'

export type Home = AsyncDisposable & { path: string }

/**
 * A new empty home, removed on dispose. As root, `closed` decides whether other users may enter it; for them the
 * database is put elsewhere, which the test removes itself.
 */
export async function makeHome({
  closed = false,
  owner = null,
}: {
  closed?: boolean
  owner?: RunAs
} = {}): Promise<Home> {
  const home = await mkdtemp(path.join(tmpdir(), 'moose-home-'))
  if (!closed) await chmod(home, 0o755)
  if (owner !== null) await chown(home, owner.uid, owner.gid)
  return { path: home, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) }
}

/** What an opener said: either where it is, or why not. */
export type Opened = { url: string; dataDirectory: string; applied: string[]; fault?: FaultRecord }

/** Disposing kills a process that was not closed, so that a failed test ends. */
export type Opener = AsyncDisposable & { child: ChildProcess; said: Opened; close(): Promise<number | null> }

export type OpenerOptions = {
  rounds?: number
  runAs?: RunAs
  /** Where the code is; another checkout than this one. */
  root?: string
}

/** Starts a process that opens a home's database; resolves when it has said how it went. */
export async function startOpener(home: string, options: OpenerOptions = {}): Promise<Opener> {
  const { rounds = 0, runAs = null, root = path.join(import.meta.dirname, '../..') } = options
  const script = path.join(root, 'test', 'support', 'database-opener.ts')
  const child = spawn(process.execPath, [script, home, String(rounds)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: home, TMPDIR: tmpdir() },
    ...runAs,
  })
  const exited = once(child, 'exit')
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const close = async () => {
    child.stdin.end()
    await exited
    return child.exitCode
  }
  const kill = async () => {
    if (child.kill('SIGKILL')) await exited
  }
  return { child, said: JSON.parse(String(line)), close, [Symbol.asyncDispose]: kill }
}

/** The pid of the server on this data; null when there is none. */
export async function serverOf(dataDirectory: string): Promise<number | null> {
  const file = await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(file, 10)
  return pid > 1 && (await isRunning(pid)) ? pid : null
}
