import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import type { Daemon } from '../../process/daemon.ts'
import { reasonOf } from '../database-fault.ts'
import type { Cluster } from './cluster.ts'
import { initialize } from './initialize.ts'
import { logTail } from './log-tail.ts'
import { findPostmaster, startPostmaster } from './postmaster.ts'
import { announce, type Presence } from './presence.ts'

const START_TIMEOUT_MS = 30_000
const POLL_MS = 15

/**
 * Starts that may end at once before the fault, about 3 s in all. One may lose a race, or meet a killed server whose
 * process the system still lists; several in a row mean it cannot start.
 */
const MAX_FAILED_STARTS = 5
const FIRST_PAUSE_MS = 100

/** How a cluster was entered: our presence, and where the server's socket is. */
export type Entry = { presence: Presence; socketDirectory: string }

/**
 * Joins the cluster's server: attaches to the one that runs, waits for one that starts or stops, starts it where there
 * is none.
 *
 * @throws {Fault} `database_refused`, or `database_unreachable` with the end of the server's log after 30 s
 */
export async function enter(cluster: Cluster): Promise<Entry> {
  await initialize(cluster)
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS)
  let started: Daemon | null = null
  let failedStarts = 0
  for (;;) {
    const running = await findPostmaster(cluster.dataDirectory)
    if (running !== null) {
      const attempt = await tryAnnounce(running.socketDirectory ?? cluster.socketDirectory)
      if ('presence' in attempt) return attempt
      if (timeout.aborted) throw await notStarted(cluster, attempt.error)
    } else if (started === null || started.hasExited()) {
      if (started !== null) await sleep(FIRST_PAUSE_MS * 2 ** failedStarts++)
      if (failedStarts > MAX_FAILED_STARTS || timeout.aborted) throw await notStarted(cluster, null)
      started = await startPostmaster(cluster)
    } else if (timeout.aborted) throw await notStarted(cluster, null)
    await sleep(POLL_MS)
  }
}

async function tryAnnounce(socketDirectory: string): Promise<Entry | { error: unknown }> {
  try {
    return { presence: await announce(socketDirectory), socketDirectory }
  } catch (error) {
    if (!passes(error)) {
      const next = 'Run Moose as the user that started it, or set DATABASE_URL.'
      throw new Fault(
        'database_refused',
        `The embedded database rejected the connection: ${reasonOf(error)}. ${next}`,
        {},
        error,
      )
    }
    return { error }
  }
}

/**
 * Whether waiting may help: no socket yet or no longer, starting up, shutting down, too many connections.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function passes(error: unknown): boolean {
  const code = errorCode(error)
  return code === null || /^(ENOENT|ECONNREFUSED|ECONNRESET|EPIPE|08...|53...|57...)$/.test(code)
}

async function notStarted({ logFile, dataDirectory }: Cluster, cause: unknown): Promise<Fault> {
  return new Fault(
    'database_unreachable',
    `The embedded database in ${dataDirectory} does not start. Its last words: ${await logTail(logFile)}. ` +
      `Mend that (the whole log is ${logFile}), or set DATABASE_URL.`,
    { dataDirectory, logFile },
    cause === null ? undefined : cause,
  )
}
