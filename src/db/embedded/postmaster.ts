import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMissing } from '../../faults/error-code.ts'
import { type Daemon, startDaemon } from '../../process/daemon.ts'
import { isAlive } from '../../process/is-alive.ts'
import type { Cluster } from './cluster.ts'
import { ENVIRONMENT } from './initialize.ts'
import { PORT } from './socket-directory.ts'

const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 5

/** Many small Moose processes share one server; every connection is cheap until used. */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '200',
  shared_buffers: '64MB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // What people and models wrote must not reach a log: neither statements nor the contents of rows.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
}

/**
 * Starts the server without waiting for it. Where another runs on the same data, Postgres itself sees to it that this
 * one ends at once.
 */
export async function startPostmaster(cluster: Cluster): Promise<Daemon> {
  const quoted = `"${cluster.socketDirectory.replaceAll('"', '""')}"`
  const settings = { ...SETTINGS, unix_socket_directories: quoted, ...cluster.settings }
  return await startDaemon({
    command: path.join(cluster.binaries.directory, 'bin', 'postgres'),
    args: [
      '-D',
      cluster.dataDirectory,
      '-p',
      String(PORT),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    environment: ENVIRONMENT,
    logFile: cluster.logFile,
    runAs: cluster.runAs,
  })
}

/** What a server says about itself in its data folder. */
export type Postmaster = { pid: number; socketDirectory: string | null }

/**
 * The server that runs on this data; null when none does. A file left behind by a crash counts as none.
 * @see https://www.postgresql.org/docs/18/storage-file-layout.html (postmaster.pid: pid, data, start, port, socket, …)
 */
export async function findPostmaster(dataDirectory: string): Promise<Postmaster | null> {
  const lines = (await readIfThere(path.join(dataDirectory, 'postmaster.pid'))).split('\n')
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return null
  if (await worksElsewhere(pid, dataDirectory)) return null
  const socketDirectory = lines[4]
  return { pid, socketDirectory: socketDirectory === undefined || socketDirectory === '' ? null : socketDirectory }
}

/**
 * Stops a server and waits until it is gone. A fast shutdown: running statements are broken off, everything committed
 * is on disk.
 *
 * @see https://www.postgresql.org/docs/18/server-shutdown.html
 */
export async function stopPostmaster({ dataDirectory, log }: Cluster, pid: number): Promise<void> {
  process.kill(pid, 'SIGINT')
  const timeout = AbortSignal.timeout(STOP_TIMEOUT_MS)
  while (isAlive(pid) && (await findPostmaster(dataDirectory))?.pid === pid) {
    if (timeout.aborted) {
      log.warn({ pid }, 'the embedded database takes long to stop; it ends when it can')
      return
    }
    await sleep(POLL_MS)
  }
}

/** Whether the number was given to another process since: a server's working folder is its data folder. */
async function worksElsewhere(pid: number, dataDirectory: string): Promise<boolean> {
  try {
    return (await realpath(`/proc/${pid}/cwd`)) !== (await realpath(dataDirectory))
  } catch (error) {
    // On Linux a process without a folder is dead and only not yet buried. Elsewhere there is no /proc, and a process
    // that is not ours to look into stays in doubt: the pid alone must do.
    return process.platform === 'linux' && isMissing(error)
  }
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}
