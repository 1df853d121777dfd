import type { Clock } from '../clock.ts'
import { Fault } from '../errors.ts'
import type { Log } from '../log.ts'

const MAX_ERRORS = 50

/** The last errors of the service itself, for its status; the log has all of them, with their stacks. */
export function createErrorList({ clock, log }: { clock: Clock; log: Log }) {
  const errors: { message: string; timestamp: string }[] = []
  return {
    add(error: unknown): void {
      log.error({ err: error }, 'orchestrator error')
      errors.push({ message: line(error), timestamp: clock.now().toISOString() })
      if (errors.length > MAX_ERRORS) errors.shift()
    },
    /** Newest last. */
    list: () => [...errors],
  }
}

function line(error: unknown): string {
  if (error instanceof Fault) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
