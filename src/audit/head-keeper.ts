import { toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import type { Audit } from './audit.ts'

/** Keeps the head of the chain whenever there may be a new one, and once at the beginning. Many acts share one look. */
export type HeadKeeper = AsyncDisposable & { wake(): void }

/** @param audit null: of a command that looks and goes, which keeps nothing */
export function createHeadKeeper(audit: Pick<Audit, 'keep'> | null, log: Log): HeadKeeper {
  let looking: Promise<void> | null = null
  let isWanted = false

  async function look(): Promise<void> {
    while (audit !== null && isWanted) {
      isWanted = false
      // Looked for again with the next act.
      await audit
        .keep()
        .catch((error: unknown) => log.warn({ reason: toFault(error).message }, 'the head of the audit was not kept'))
    }
    looking = null
  }

  function wake(): void {
    isWanted = true
    looking ??= look()
  }

  wake()
  return {
    wake,
    async [Symbol.asyncDispose]() {
      await looking
    },
  }
}
