import type { Kysely } from 'kysely'
import type { RunningAttempts } from '../attempt/running-attempts.ts'
import { whyStopped } from '../budget/emergency.ts'
import type { Database } from '../db/schema.ts'
import type { Fault } from '../faults/fault.ts'

export type EmergencyStop = {
  /**
   * Looks whether everything has to stop, and then aborts every attempt of this process and every call to a model; the
   * attempts are suspended.
   *
   * @returns `emergency_stop`; null: nothing is stopped
   * @throws {Fault} `config_invalid` for limits that cannot be read
   */
  check(): Promise<Fault | null>
  /** @throws {Fault} `emergency_stop`, `config_invalid` */
  assertReleased(): Promise<void>
}

export function createEmergencyStop(parts: {
  db: Kysely<Database>
  running: RunningAttempts
  stopCalls: (fault: Fault) => void
}): EmergencyStop {
  const { db, running, stopCalls } = parts
  async function check(): Promise<Fault | null> {
    const fault = await whyStopped(db)
    if (fault === null) return null
    running.abortAll(fault)
    stopCalls(fault)
    return fault
  }
  return {
    check,
    async assertReleased() {
      const fault = await check()
      if (fault !== null) throw fault
    },
  }
}
