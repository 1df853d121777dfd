import { Fault } from '../../faults/fault.ts'

/** What GitHub answers; null where the token may not look, or where there is nothing. */
export async function visible<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Fault && (error.code === 'github_forbidden' || error.code === 'github_not_found')) return null
    throw error
  }
}
