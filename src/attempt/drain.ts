import { once } from 'node:events'
import { type Clock, NEVER_ABORTED } from '../clock.ts'
import { Fault } from '../faults/fault.ts'
import { interruptObserved } from '../telemetry/observe.ts'
import type { RunningAttempts } from './running-attempts.ts'

/** Asks attempts to stop at their next step boundary; a later start resumes them there. */
export type Drain = {
  readonly requested: boolean
  /** Aborted when it is requested. */
  readonly signal: AbortSignal
  request(): void
  /**
   * Holds a workflow for the rest of this process, so that the engine keeps it as unfinished.
   * Never resolves.
   */
  park(workOrderId: string): Promise<never>
  readonly parked: ReadonlySet<string>
  /**
   * Holds a call to a model that would be begun now until its signal is aborted: the next start makes its step again, with
   * the answers that were paid. Never resolves.
   *
   * @throws the reason of the signal; {Fault} `not_running` for a call of no order, whose caller has to ask again
   */
  hold(call: { workOrderId: string | null; signal: AbortSignal }): Promise<never>
  /** Orders whose step waits for nothing but such a call. */
  readonly held: ReadonlySet<string>
  /** Aborted when the grace period is over; no wait continues after that. */
  readonly over: AbortSignal
  /** The grace is over. */
  end(): void
}

/** How long an aborted step may take after the grace period to end its child processes. */
const LET_GO_MS = 5_000

/**
 * Waits until each attempt of this process has ended, stands at a step boundary, or would begin a call to a model. When
 * none moves any more, or the grace period is over, the steps that are not done are aborted; they run again at the next
 * start.
 */
export async function settle(drain: Drain, running: RunningAttempts, clock: Clock, graceMs: number): Promise<void> {
  drain.request()
  const isParked = (id: string) => drain.parked.has(id)
  await quiet(running, (id) => isParked(id) || drain.held.has(id), clock, graceMs)
  drain.end()
  running.abortAll(drain.over.reason)
  await quiet(running, isParked, clock, LET_GO_MS)
}

async function quiet(
  running: RunningAttempts,
  isAtRest: (workOrderId: string) => boolean,
  clock: Clock,
  atMostMs: number,
): Promise<void> {
  const patience = AbortSignal.timeout(atMostMs)
  while (!patience.aborted && !running.ids().every(isAtRest)) await clock.sleep(20, NEVER_ABORTED)
}

/** The abort reason after the grace period of a drain; it is no fault of the attempt. */
class ServiceStopping extends Error {
  override readonly name = 'ServiceStopping'
}

export function createDrain(): Drain {
  const parked = new Set<string>()
  const held = new Set<string>()
  const end = new AbortController()
  const controller = new AbortController()
  return {
    get requested() {
      return controller.signal.aborted
    },
    signal: controller.signal,
    parked,
    held,
    async hold({ workOrderId, signal }) {
      if (workOrderId === null) throw notServing()
      held.add(workOrderId)
      try {
        if (!signal.aborted) await once(signal, 'abort')
        throw signal.reason
      } finally {
        held.delete(workOrderId)
      }
    },
    request: () => controller.abort(),
    over: end.signal,
    end() {
      end.abort(new ServiceStopping('the service stops'))
    },
    park(workOrderId) {
      parked.add(workOrderId)
      interruptObserved()
      return new Promise<never>(() => undefined)
    },
  }
}

/** @throws {Fault} `not_running` while the service stops: nothing new is started */
export function assertServing(drain: Pick<Drain, 'requested'>): void {
  if (drain.requested) throw notServing()
}

function notServing(): Fault {
  return new Fault('not_running', 'This service is stopping and begins nothing more. Start it again with: moose up')
}
