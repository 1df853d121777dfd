import { setTimeout as sleep } from 'node:timers/promises'
import { type Cluster, type ClusterOptions, describeCluster } from './cluster.ts'
import { type Entry, enter } from './enter.ts'
import { USER } from './initialize.ts'
import { findPostmaster, isAlive } from './postmaster.ts'
import { ensureDatabase, leave, type Presence } from './presence.ts'

const STOP_TIMEOUT_MS = 30_000
const DATABASE = 'moose'

/** A running embedded Postgres. Dispose it after every connection to it is closed. */
export type Embedded = AsyncDisposable & {
  /** The connection string of the database `moose`, or of another database of the cluster. */
  url: string
  urlOf(database: string): string
  dataDirectory: string
  /** Lets the process end although the cluster is open. */
  unref(): void
}

/**
 * Opens the embedded Postgres of a home: makes it at first use, attaches when it runs, starts it otherwise. If the
 * server dies while open it is started again. The last process that closes it stops the server.
 *
 * @throws {Fault} `database_binaries_missing`, `database_refused`, `database_unreachable`
 */
export async function openEmbedded(options: ClusterOptions): Promise<Embedded> {
  const cluster = await describeCluster(options)
  const entry = await enter(cluster)
  await ensureDatabase(entry.presence.client, DATABASE)
  const stay = remain(cluster, entry)
  const urlOf = (database: string) =>
    `postgresql://${USER}@localhost/${encodeURIComponent(database)}?host=${encodeURIComponent(entry.socketDirectory)}`
  return {
    url: urlOf(DATABASE),
    urlOf,
    dataDirectory: cluster.dataDirectory,
    unref: () => stay.unref(),
    [Symbol.asyncDispose]: () => stay.end(),
  }
}

/** Stays present until ended: a lost server is entered again, which starts it where it is gone. */
function remain(cluster: Cluster, first: Entry) {
  let { presence } = first
  let ended: Promise<void> | null = null
  let referenced = true
  const watch = () => presence.client.once('end', () => void (ended === null && comeBack()))
  const comeBack = async () => {
    cluster.log.warn('the embedded database went away; starting it again')
    for (let pauseMs = 0; ended === null; pauseMs = Math.min(pauseMs * 2 + 100, 10_000)) {
      await sleep(pauseMs)
      const entry = await enter(cluster).catch((error: unknown) =>
        cluster.log.error({ err: error }, 'it does not start'),
      )
      if (!entry) continue
      presence = entry.presence
      if (!referenced) presence.socket.unref()
      watch()
      if (ended !== null) await presence.client.end()
      return
    }
  }
  watch()
  return {
    unref: () => {
      referenced = false
      presence.socket.unref()
    },
    end: () => {
      ended ??= leaveAndStop(cluster, presence)
      return ended
    },
  }
}

async function leaveAndStop(cluster: Cluster, { client, socket }: Presence): Promise<void> {
  try {
    socket.ref()
    const pid = await leave(client)
    if (pid !== null) await stop(cluster, pid)
  } catch (error) {
    cluster.log.warn({ err: error }, 'the embedded database could not be left in order')
  } finally {
    await client.end()
  }
}

/** A fast shutdown: running statements are broken off, everything committed is on disk. */
async function stop(cluster: Cluster, pid: number): Promise<void> {
  process.kill(pid, 'SIGINT')
  const timeout = AbortSignal.timeout(STOP_TIMEOUT_MS)
  while (isAlive(pid) && (await findPostmaster(cluster.dataDirectory))?.pid === pid) {
    if (timeout.aborted) {
      cluster.log.warn({ pid }, 'the embedded database did not stop in time; it stops when it can')
      return
    }
    await sleep(5)
  }
}
