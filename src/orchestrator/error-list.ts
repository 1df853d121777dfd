import type { Clock } from '../clock.ts'
import { namedFault } from '../db/database-fault.ts'
import type { Claim } from '../db/work-orders/claim.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import type { SecretSettings } from '../redaction/redaction.ts'
import { createSanitizer } from '../redaction/sanitize-output.ts'

const MAX_ERRORS = 50

export type ErrorList = ReturnType<typeof createErrorList>

/** The last errors of the service itself, for its status; the log has all of them, what has no name with its stack. */
export function createErrorList({ clock, log, config }: { clock: Clock; log: Log; config: SecretSettings }) {
  const shown = createSanitizer(config)
  const errors: { message: string; timestamp: string }[] = []
  function add(error: unknown): void {
    const fault = namedFault(error)
    if (fault.code === 'internal') log.error({ err: error }, 'orchestrator error')
    else log.error({ code: fault.code, details: fault.details }, fault.message)
    errors.push({
      message: shown(line(fault.code === 'internal' ? error : fault)),
      timestamp: clock.now().toISOString(),
    })
    if (errors.length > MAX_ERRORS) errors.shift()
  }

  return {
    add,
    /** Orders that the database refused to start; the others are started. */
    addRefused({ refused }: Claim): void {
      for (const { workOrderId, error } of refused) {
        const message = `Work order ${workOrderId} cannot be started: ${toFault(error).message}`
        add(new Fault('work_order_invalid', message, { id: workOrderId }, error))
      }
    },
    /** Newest last. */
    list: () => [...errors],
  }
}

function line(error: unknown): string {
  if (error instanceof Fault) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
