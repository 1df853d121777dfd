import { type OwnOptions, tryOwn } from '../db/lock.ts'
import { Fault } from '../errors.ts'

export type HomeOwnership = AsyncDisposable & {
  /** Takes the home for this process; again: nothing happens. @throws {Fault} `home_owned` */
  take(): Promise<void>
}

/**
 * One process at a time runs the attempts of a home. The lock lives in the database, so it ends with the process that
 * holds it, however that ends. When only its connection breaks, it is taken again at once.
 *
 * @param options.executorId what the home is called; two machines may have homes of the same path
 * @param options.onLost somebody else has taken the home meanwhile, or the database does not come back
 */
export function createHomeOwnership(
  home: string,
  { executorId, onLost, ...options }: Omit<OwnOptions, 'name'> & { executorId: string },
): HomeOwnership {
  let taken: Promise<AsyncDisposable> | null = null

  async function own(): Promise<AsyncDisposable> {
    const owned = await tryOwn({ ...options, name: `home:${executorId}`, onLost: retake })
    if (owned !== null) return owned
    const message =
      `Another moose process runs the work orders of ${home}. ` +
      'Ask it with: moose status. Or stop it, or choose another home with --home.'
    throw new Fault('home_owned', message, { home })
  }

  function retake(): void {
    taken = own()
    taken.catch((error: unknown) => {
      taken = null
      options.log.error({ err: error }, 'the home is no longer owned by this process')
      onLost()
    })
  }

  return {
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
      if (taken !== null) await (await taken)[Symbol.asyncDispose]()
    },
  }
}
