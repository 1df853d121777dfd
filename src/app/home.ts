import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { markLeftBehind } from '../budget/reconcile.ts'
import type { Config } from '../config.ts'
import { type OwnOptions, tryOwn } from '../db/lock.ts'
import type { Database } from '../db/schema.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { closeToOthers } from '../files/close-to-others.ts'
import type { Log } from '../log.ts'
import { endLeftBehind } from '../process/left-behind.ts'
import { removeLeftContainers } from '../retention/container-leftovers.ts'
import { removeLostWorkspaces } from '../retention/idle-workspaces.ts'
import { noteDatabase } from '../retention/served-databases.ts'
import { endLeftGroups } from '../sandbox/limits/left-groups.ts'
import { removeOldSockets } from '../sandbox/reach/socket-folder.ts'

const RETAKE_PAUSE_MS = 200
const MOST_REFUSALS = 10
/** Of the tries that fail: about one in ten seconds. */
const SAID_EVERY = 50

/**
 * The id of this home to the engine: made once and kept, so that a restarted process takes up the attempts of its
 * predecessor, and of no other home.
 */
export async function homeIdOf(home: string): Promise<string> {
  const file = path.join(home, 'executor-id')
  const draft = `${file}.${randomUUID()}`
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(draft, `${randomUUID()}\n`, { mode: 0o600 })
  try {
    // Fails when the file is there: of two processes that begin at once, both read the first one's.
    await link(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft)
  }
  await closeToOthers(file, 0o600)
  return (await readFile(file, 'utf8')).trim()
}

export type HomeOwnership = AsyncDisposable & {
  /** Takes the home for this process; again: nothing happens. @throws {Fault} `home_owned` */
  take(): Promise<void>
  /** Whether this process owns it now; false also while a lost lock is being taken again. */
  readonly isHeld: boolean
}

/**
 * One process at a time runs the attempts of a home. The lock lives in the database, so it ends with the process that
 * holds it, however that ends. When only its connection breaks, it is taken again as soon as the database answers.
 *
 * @param options.homeId what the home is called; two machines may have homes of the same path
 * @param options.onLost another process has taken the home meanwhile
 */
export function createHomeOwnership(
  home: string,
  { homeId, onLost, ...options }: Omit<OwnOptions, 'name'> & { homeId: string },
): HomeOwnership {
  let taken: Promise<AsyncDisposable> | null = null
  let closed = false
  let isHeld = false

  async function own(): Promise<AsyncDisposable> {
    const owned = await tryOwn({ ...options, name: `home:${homeId}`, onLost: () => void retake() })
    isHeld = owned !== null
    if (owned !== null) return owned
    const message =
      `Another moose process runs the work orders of ${home}, or checks it. ` +
      'Ask it with: moose status. Or wait until it has ended, or choose another home with --home.'
    throw new Fault('home_owned', message, { home })
  }

  async function retake(): Promise<void> {
    taken = null
    isHeld = false
    // The server may hold our own broken connection for a moment, and the lock with it.
    for (let refusals = 0, tries = 1; refusals < MOST_REFUSALS && !closed; tries += 1) {
      await delay(RETAKE_PAUSE_MS)
      try {
        if (closed) return
        taken = Promise.resolve(await own())
        return
      } catch (error) {
        if (toFault(error).code === 'home_owned') refusals += 1
        if (tries % SAID_EVERY === 1) {
          options.log.warn({ reason: toFault(error).message }, 'the home is not owned by this process; trying again')
        }
      }
    }
    if (!closed) onLost()
  }

  return {
    get isHeld() {
      return isHeld
    },
    async take() {
      taken ??= own()
      try {
        await taken
      } catch (error) {
        taken = null
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      if (taken !== null) await (await taken)[Symbol.asyncDispose]()
    },
  }
}

export type HomeUse = { db: Kysely<Database>; databaseUrl: string; config: Config; homeId: string; log: Log }

/**
 * Takes the home for this process and cleans up after an earlier one that was killed: ends children that still run,
 * removes workspaces of attempts that no longer run here, and marks its open calls as unresolved.
 *
 * @throws {Fault} `home_owned`, `database_unreachable`
 */
export async function acquireHome(
  ownership: HomeOwnership,
  { db, databaseUrl, config, homeId, log }: HomeUse,
): Promise<void> {
  await ownership.take()
  await noteDatabase(db, { home: config.home, url: databaseUrl })
  await endLeftBehind(config.home, log)
  await endLeftGroups(config.home, log)
  await removeLeftContainers(config, log)
  await removeOldSockets(config.home)
  await removeLostWorkspaces({ db, config, homeId }).catch((error: unknown) =>
    log.warn({ reason: toFault(error).message }, 'workspaces of attempts that do not run here cannot be removed'),
  )
  const left = await markLeftBehind(db, homeId)
  if (left > 0) log.warn({ reservations: left }, 'calls of a process that is gone may have been charged')
}
