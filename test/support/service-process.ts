import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { OrchestratorStatus } from '../../src/contract/orchestrator.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')

export type Ended = { exitCode: number | null; stdout: string; stderr: string }

/** Runs one `moose` command to its end, as a person's shell would. */
export async function moose(environment: Record<string, string>, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { exitCode: child.exitCode, stdout, stderr }
}

/** A running `moose up` or `moose worker`; disposing ends it gently, and hard if it has not gone after 20 s. */
export type ServiceProcess = AsyncDisposable & {
  child: ChildProcess
  url: string
  status: OrchestratorStatus
  /** Everything it has printed so far, on stdout and stderr. */
  printed: () => string
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
}

export function mooseUp(environment: Record<string, string>, ...args: string[]): Promise<ServiceProcess> {
  return serving(environment, ['up', ...args])
}

/** A running `moose worker`; as `mooseUp`. */
export function mooseWorker(environment: Record<string, string>): Promise<ServiceProcess> {
  return serving(environment, ['worker'])
}

async function serving(environment: Record<string, string>, words: readonly string[]): Promise<ServiceProcess> {
  const { child, printed, closed, ready, ...started } = launched(environment, words)
  const { url, status } = await ready
  const kill = async () => {
    child.kill('SIGKILL')
    await closed
  }
  return { child, url, status, printed, kill, ...started }
}

/** A `moose worker` that need not become ready: it may be about to die before. */
export type LaunchedWorker = AsyncDisposable &
  Pick<ServiceProcess, 'child' | 'printed'> & {
    /** Its MOOSE_HOME, where the token is that its API takes. */
    home: string
    closed: Promise<unknown>
    ready: Promise<Ready>
  }

export function launchWorker(environment: Record<string, string>): LaunchedWorker {
  return launched(environment, ['worker'])
}

/** The same of `moose up`, which follows pull requests too. */
export function launchUp(environment: Record<string, string>): LaunchedWorker {
  return launched(environment, ['up', '--start'])
}

type Ready = { type: string; url: string; status: OrchestratorStatus }

function launched(environment: Record<string, string>, words: readonly string[]): LaunchedWorker {
  const port = words.includes('--port') ? [] : ['--port', '0']
  const child = spawn(process.execPath, [MAIN, ...words, '--json', ...port], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (printed += String(piece)))
  const lines = createInterface({ input: child.stdout })
  const died = closed.then(() => Promise.reject(new Error(`moose ${words.join(' ')} ended: ${printed}`)))
  const ready = Promise.race([once(lines, 'line'), died]).then(([first]): Ready => {
    const parsed: Ready = JSON.parse(String(first))
    assert.equal(parsed.type, 'ready', String(first))
    lines.resume()
    return parsed
  })
  // Who does not wait for it is not told that it never comes.
  ready.catch(() => undefined)
  return {
    child,
    home: String(environment['MOOSE_HOME']),
    printed: () => printed,
    closed,
    ready,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await closed
      clearTimeout(patience)
      if (child.exitCode !== 0) process.stderr.write(printed)
    },
  }
}
