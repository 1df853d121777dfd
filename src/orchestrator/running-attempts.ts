import { EventEmitter, on, once } from 'node:events'
import type { AttemptKey } from '../db/attempts.ts'
import { Fault, type FaultRecord, NEXT_MOVE } from '../errors.ts'

/** The attempts this process runs, how to stop them, and who waits for their end. */
export type RunningAttempts = {
  signalOf(key: AttemptKey): AbortSignal
  /** Stops the attempt of a cancelled order, if it runs here. */
  cancel(workOrderId: string): void
  abortAll(reason: unknown): void
  ended(key: AttemptKey, fault: FaultRecord | null): void
  ids(): string[]
  /** Resolves when this attempt has ended; null: with a pull request. Ask before it is started. */
  endOf(key: AttemptKey, signal: AbortSignal): Promise<FaultRecord | null>
  /** Resolves at the next end of any attempt. */
  nextEnd(signal: AbortSignal): Promise<void>
  readonly totalExecuted: number
  readonly totalFailed: number
}

export function createRunningAttempts(): RunningAttempts {
  const controllers = new Map<string, AbortController>()
  const ends = new EventEmitter().setMaxListeners(0)
  let totalExecuted = 0
  let totalFailed = 0
  return {
    signalOf({ workOrderId }) {
      const controller = new AbortController()
      controllers.set(workOrderId, controller)
      return controller.signal
    },
    cancel(workOrderId) {
      const fault = new Fault('attempt_cancelled', 'The order was cancelled.', { id: workOrderId })
      controllers.get(workOrderId)?.abort(fault)
    },
    abortAll(reason) {
      for (const controller of controllers.values()) controller.abort(reason)
    },
    ended(key, fault) {
      controllers.delete(key.workOrderId)
      totalExecuted += 1
      if (fault !== null && NEXT_MOVE[fault.code] === 'fail') totalFailed += 1
      ends.emit('end', { key, fault })
    },
    ids: () => [...controllers.keys()],
    async endOf(wanted, signal) {
      for await (const [{ key, fault }] of on(ends, 'end', { signal })) {
        if (key.workOrderId === wanted.workOrderId && key.attempt === wanted.attempt) return fault
      }
      throw signal.reason
    },
    async nextEnd(signal) {
      await once(ends, 'end', { signal })
    },
    get totalExecuted() {
      return totalExecuted
    },
    get totalFailed() {
      return totalFailed
    },
  }
}
