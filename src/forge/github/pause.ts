import type { Clock } from '../../clock.ts'
import { commandCancelled } from '../../process/wait-for-end.ts'

/** @throws {Fault} `attempt_cancelled` or what the signal was aborted with, at once */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    throw signal.aborted ? commandCancelled(signal) : error
  }
}
