import { type OwnOptions, tryOwn } from '../db/lock.ts'
import { Fault } from '../errors.ts'

export type HomeOwnership = AsyncDisposable & {
  /** Takes the home for this process; again: nothing happens. @throws {Fault} `home_owned` */
  take(): Promise<void>
}

/**
 * One process at a time runs the attempts of a home. The lock lives in the database, so it ends with the process that
 * holds it, however that ends.
 */
export function createHomeOwnership(
  home: string,
  options: Omit<OwnOptions, 'name' | 'onLost'> & { onLost: () => void },
): HomeOwnership {
  let taken: Promise<AsyncDisposable> | null = null

  async function own(): Promise<AsyncDisposable> {
    const owned = await tryOwn({ ...options, name: `home:${home}` })
    if (owned !== null) return owned
    const message =
      `Another moose process runs the work orders of ${home}. ` +
      'Ask it with: moose status. Or stop it, or choose another home with --home.'
    throw new Fault('home_owned', message, { home })
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
