import { EventEmitter, on, once } from 'node:events'
import type { AttemptRun } from '../db/attempts/attempts.ts'
import { noLongerWanted } from '../db/attempts/hold-attempt.ts'
import { type Fault, type FaultRecord, moveOf } from '../faults/fault.ts'

/** The attempts this process runs, how to stop them, and how to wait for their end. */
export type RunningAttempts = {
  /**
   * Enters a run once the workspace of every other run of its order is removed here.
   *
   * @returns aborted when the run has to stop
   */
  begin(run: AttemptRun): Promise<AbortSignal>
  /** Stops the attempt of a cancelled order, if it runs here. */
  cancel(workOrderId: string): void
  abortAll(reason: unknown): void
  /** Stops one run, if it runs here. */
  abort(run: AttemptRun, reason: Fault): void
  /** Another process runs the attempt now: it is not counted, and `endOf` resolves with this fault. */
  lost(run: AttemptRun, fault: Fault): void
  ended(run: AttemptRun, fault: FaultRecord | null): void
  ids(): string[]
  runs(): AttemptRun[]
  /** Resolves when the workspace of every other run of the order is removed here. */
  othersEnded(run: AttemptRun): Promise<void>
  /** Resolves when this run, or a later one of its attempt, has ended; null: with a pull request. Ask before it is started. */
  endOf(run: AttemptRun, signal: AbortSignal): Promise<FaultRecord | null>
  /** Resolves at the next end of any attempt. */
  nextEnd(signal: AbortSignal): Promise<void>
  readonly totalExecuted: number
  readonly totalFailed: number
}

export function createRunningAttempts(): RunningAttempts {
  const running = new Map<string, { run: AttemptRun; controller: AbortController }>()
  const ends = new EventEmitter().setMaxListeners(0)
  let totalExecuted = 0
  let totalFailed = 0
  const isInTheWay = (run: AttemptRun) => {
    const other = running.get(run.workOrderId)
    return other !== undefined && !isSame(other.run, run)
  }

  return {
    async begin(run) {
      // The check and the entry are one synchronous step.
      while (isInTheWay(run)) await once(ends, 'end')
      const controller = new AbortController()
      running.set(run.workOrderId, { run, controller })
      return controller.signal
    },
    cancel(workOrderId) {
      running.get(workOrderId)?.controller.abort(noLongerWanted(workOrderId))
    },
    abortAll(reason) {
      for (const { controller } of running.values()) controller.abort(reason)
    },
    abort(run, reason) {
      const found = running.get(run.workOrderId)
      if (found !== undefined && isSame(found.run, run)) found.controller.abort(reason)
    },
    lost(run, fault) {
      running.delete(run.workOrderId)
      ends.emit('end', { run, fault: fault.toRecord() })
    },
    ended(run, fault) {
      running.delete(run.workOrderId)
      const move = fault === null ? null : moveOf(fault)
      if (move !== 'suspend') totalExecuted += 1
      if (move === 'fail') totalFailed += 1
      ends.emit('end', { run, fault })
    },
    ids: () => [...running.keys()],
    runs: () => [...running.values()].map(({ run }) => run),
    async othersEnded(run) {
      while (isInTheWay(run)) await once(ends, 'end')
    },
    async endOf(wanted, signal) {
      for await (const [{ run, fault }] of on(ends, 'end', { signal })) {
        if (isSame({ ...run, epoch: wanted.epoch }, wanted) && run.epoch >= wanted.epoch) return fault
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

function isSame(one: AttemptRun, other: AttemptRun): boolean {
  return one.workOrderId === other.workOrderId && one.attempt === other.attempt && one.epoch === other.epoch
}
