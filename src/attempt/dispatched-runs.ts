import type { AttemptKey, AttemptRun } from '../db/attempts/attempts.ts'
import { workflowId } from '../work-order/naming.ts'

export type Dispatching = {
  /**
   * By the attempt's row: the run this process carries out; `over`: the attempt has ended; null: another process carries
   * it out, or it is suspended.
   */
  ours(key: AttemptKey): Promise<AttemptRun | 'over' | null>
  /** Makes a new run of one that is under way here already, and stops that one. @throws {Fault} `attempt_taken_over` */
  again(run: AttemptRun): Promise<AttemptRun>
  /** One run of an attempt: everything with an effect runs in `DBOS.runStep`. */
  workflow(run: AttemptRun): Promise<void>
}

/** Which workflows of the engine this process carries out. */
export type DispatchedRuns = {
  /**
   * The body of the engine's workflow, wherever the engine dispatches it: carried out only while the attempt's row says
   * that it is this process's. One of another process never returns here, so that it stays unfinished for that one.
   */
  carryOut(workOrderId: string, attempt: number): Promise<void>
  /** Whether a workflow the engine takes for running in this process is not carried out here any more. */
  hasRelinquished(id: string): boolean
  relinquish(run: AttemptRun): void
}

export function createDispatchedRuns({ ours, again, workflow }: Dispatching): DispatchedRuns {
  // What is pending under this process is carried out here: kept are the exceptions, because a new one would be known late.
  const gone = new Set<string>()
  const here = new Map<string, number>()

  async function carryOut(workOrderId: string, attempt: number): Promise<void> {
    const id = workflowId(workOrderId, attempt)
    gone.delete(id)
    const held = await ours({ workOrderId, attempt })
    if (held === 'over') return
    if (held === null) {
      gone.add(id)
      await new Promise<never>(() => undefined)
      return
    }
    // The engine dispatches it a second time, as a person with its command line can: the first run keeps nothing any more.
    const run = here.get(id) === held.epoch ? await again(held) : held
    here.set(id, run.epoch)
    try {
      await workflow(run)
    } finally {
      if (here.get(id) === run.epoch) here.delete(id)
    }
  }

  return {
    carryOut,
    hasRelinquished: (id) => gone.has(id),
    relinquish({ workOrderId, attempt, epoch }) {
      const id = workflowId(workOrderId, attempt)
      if (here.get(id) !== epoch) return
      here.delete(id)
      gone.add(id)
    },
  }
}
