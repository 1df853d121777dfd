import { Fault } from './fault.ts'

/**
 * The fault of work whose signal was aborted: the reason it was aborted with, where that is a fault; else
 * `attempt_cancelled`.
 *
 * @param cause what the aborted call threw
 */
export function cancellation(signal: AbortSignal | null, message: string, cause: unknown): Fault {
  const reason: unknown = signal?.reason
  return reason instanceof Fault ? reason : new Fault('attempt_cancelled', message, {}, cause)
}
