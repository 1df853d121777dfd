import { setTimeout as delay } from 'node:timers/promises'
import { type OwnOptions, tryOwn } from '../db/lock.ts'
import { Fault, toFault } from '../faults/fault.ts'

const RETAKE_PAUSE_MS = 200
const MOST_REFUSALS = 10
/** Of the tries that fail: about one in ten seconds. */
const SAID_EVERY = 50

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
 * @param options.onLost somebody else has taken the home meanwhile
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
      `Another moose process runs the work orders of ${home}. ` +
      'Ask it with: moose status. Or stop it, or choose another home with --home.'
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
