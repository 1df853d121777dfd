import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { errorCode, isMissing } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import { readPlainFile } from '../../files/plain-file.ts'
import { startDaemon } from '../../process/daemon.ts'
import type { Cluster } from './cluster.ts'
import { logTail } from './log-tail.ts'

/** The superuser of the cluster. It has no password, because no other user can reach the socket. */
export const USER = 'moose'

/** Same order and same messages on every machine, whatever its locales. */
export const ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC' }

/**
 * Makes the data folder unless it is there. Several processes may do so at once: each makes its own and one rename
 * wins.
 *
 * @throws {Fault} `database_refused` when the data is of another major version or cannot be made
 */
export async function initialize(cluster: Cluster): Promise<void> {
  const found = await dataVersion(cluster.dataDirectory)
  if (found === null) await create(cluster)
  else if (found !== cluster.binaries.major) throw otherVersion(cluster, found)
  await trustNoHost(cluster.dataDirectory)
}

/** More than any rules of a cluster of ours. */
const MOST_RULES_BYTES = 1_000_000

/**
 * Takes out of the cluster's rules those that trust a connection over TCP. There is none while Moose runs the server; one
 * that is started by hand on this data must not have them either. A server that runs reads them at its next start.
 *
 * @see https://www.postgresql.org/docs/18/auth-pg-hba-conf.html
 */
async function trustNoHost(dataDirectory: string): Promise<void> {
  const file = path.join(dataDirectory, 'pg_hba.conf')
  // As root this folder is another user's: a link in it is not followed, neither in reading nor in writing.
  const rules = await readPlainFile(file, MOST_RULES_BYTES)
  if (rules === null) return
  const lines = rules.split('\n')
  const kept = lines.filter((line) => !trustsHost(line))
  if (kept.length === lines.length) return
  const draft = `${file}.${randomUUID()}`
  try {
    const { uid, gid } = await stat(dataDirectory)
    await using handle = await open(draft, 'wx', 0o600)
    await handle.writeFile(kept.join('\n'))
    await handle.chown(uid, gid)
    await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
}

/** `host DATABASE USER ADDRESS [MASK] trust`, and the kinds of `host` there are. */
function trustsHost(line: string): boolean {
  const [kind, , , , ...method] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
  return kind?.startsWith('host') === true && method.slice(0, 2).includes('trust')
}

/** `PG_VERSION` of a data folder; null where there is none. */
async function dataVersion(dataDirectory: string): Promise<string | null> {
  try {
    return (await readFile(path.join(dataDirectory, 'PG_VERSION'), 'utf8')).trim()
  } catch (error) {
    if (isMissing(error)) return null
    if (errorCode(error) !== 'EACCES') throw error
    const next = 'Run Moose as the user that made it, or choose another MOOSE_HOME.'
    throw new Fault(
      'database_refused',
      `The database in ${dataDirectory} belongs to another user. ${next}`,
      { dataDirectory },
      error,
    )
  }
}

async function create(cluster: Cluster): Promise<void> {
  const draft = `${cluster.dataDirectory}.${randomUUID()}`
  try {
    await runInitdb(cluster, draft)
    await rename(draft, cluster.dataDirectory)
  } catch (error) {
    // ENOTEMPTY, EEXIST: another process was faster; its data is as good as ours.
    if (!['ENOTEMPTY', 'EEXIST'].includes(String(errorCode(error)))) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** @see https://www.postgresql.org/docs/18/app-initdb.html */
async function runInitdb(cluster: Cluster, target: string): Promise<void> {
  const initdb = await startDaemon({
    command: path.join(cluster.binaries.directory, 'bin', 'initdb'),
    args: [
      `--pgdata=${target}`,
      `--username=${USER}`,
      '--auth-local=trust',
      '--auth-host=reject',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-instructions',
    ],
    environment: ENVIRONMENT,
    logFile: cluster.logFile,
    runAs: cluster.runAs,
  })
  const { code, signal } = await initdb.waitForExit()
  if (code === 0) return
  throw new Fault(
    'database_refused',
    `The embedded database cannot be made in ${cluster.dataDirectory} (initdb: ${signal ?? code}). ` +
      `Its last words: ${await logTail(cluster.logFile)}. Mend that, choose another MOOSE_HOME or set DATABASE_URL.`,
    { code, signal, logFile: cluster.logFile },
  )
}

function otherVersion({ dataDirectory, binaries }: Cluster, found: string): Fault {
  return new Fault(
    'database_refused',
    `The data in ${dataDirectory} was written by Postgres ${found}, this Moose brings Postgres ${binaries.major}. ` +
      `Dump it with the Moose that wrote it and restore it here, or run it with a Postgres ${found} server and set DATABASE_URL.`,
    { dataDirectory, found, major: binaries.major },
  )
}
