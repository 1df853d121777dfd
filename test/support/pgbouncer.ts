import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { toolOrSkip } from './tool-or-skip.ts'

const PORT = 6543
const READY_WITHIN_MS = 10_000
/** Debian puts it where the PATH of an ordinary user does not look. */
const DEBIAN = '/usr/sbin/pgbouncer'

export function pgbouncerOrSkip(t: TestContext): string | null {
  return toolOrSkip(t, existsSync(DEBIAN) ? DEBIAN : 'pgbouncer')
}

export type PgBouncerOptions = {
  mode: 'transaction' | 'session'
  /** Sessions of the server it may hold. */
  size: number
  /** Whether it takes another session each time, where the usual one takes the last that was given back. */
  roundRobin: boolean
}

/** A real pgbouncer on a socket of its own before a database. */
export async function startPgBouncer(
  program: string,
  database: { url: string; name: string },
  { mode, size, roundRobin }: PgBouncerOptions,
): Promise<AsyncDisposable & { url: string }> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-pgb-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const { username, port, searchParams } = new URL(database.url)
  const config = path.join(folder, 'config.ini')
  await writeFile(path.join(folder, 'users.txt'), `"${username}" ""\n`)
  await writeFile(
    config,
    `[databases]
${database.name} = host=${searchParams.get('host')} port=${port}
[pgbouncer]
listen_port = ${PORT}
unix_socket_dir = ${folder}
auth_type = trust
auth_file = ${folder}/users.txt
pool_mode = ${mode}
default_pool_size = ${size}
server_round_robin = ${roundRobin ? 1 : 0}
`,
  )
  // It refuses to be root, and its socket is then somebody else's to make.
  await chmod(folder, 0o777)
  const asRoot = process.getuid?.() === 0 ? ['--user=nobody'] : []
  const child = spawn(program, ['--quiet', ...asRoot, config], { stdio: 'ignore' })
  const closed = once(child, 'close')
  stack.defer(async () => {
    // At once, whoever is connected.
    child.kill('SIGTERM')
    await closed
  })
  const socketPath = path.join(folder, `.s.PGSQL.${PORT}`)
  for (const deadline = Date.now() + READY_WITHIN_MS; !(await answers(socketPath)); await delay(20)) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`pgbouncer did not start (${child.exitCode})`)
  }
  const query = `host=${encodeURIComponent(folder)}&sslmode=disable`
  const owned = stack.move()
  return {
    url: `postgresql://${username}@localhost:${PORT}/${database.name}?${query}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The socket is there a moment before anybody listens to it. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath, () => resolve(true))
    socket.on('connect', () => socket.destroy()).on('error', () => resolve(false))
  })
}
