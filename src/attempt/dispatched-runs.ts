import type { AttemptKey, AttemptRun } from '../db/attempts/attempts.ts'
import { workflowId } from '../work-order/naming.ts'

export type Dispatching = {
  /**
   * From the attempt's row: the run this process owns; `over`: the attempt has ended; null: another process owns it,
   * or it is suspended.
   */
  ours(key: AttemptKey): Promise<AttemptRun | 'over' | null>
  /** Replaces a run that is under way here by a new one, and stops it. @throws {Fault} `attempt_taken_over` */
  again(run: AttemptRun): Promise<AttemptRun>
  /** One run of an attempt: everything with an effect runs in `DBOS.runStep`. */
  workflow(run: AttemptRun): Promise<void>
}

/** Which workflows of the engine run in this process. */
export type DispatchedRuns = {
  /**
   * The body of the engine's workflow, wherever the engine dispatches it. It runs only if the attempt's row says
   * that this process owns it; otherwise the call never returns, so that the workflow stays unfinished for its owner.
   */
  carryOut(workOrderId: string, attempt: number): Promise<void>
  /** Whether this process has given up a workflow that the engine still counts as running here. */
  hasRelinquished(id: string): boolean
  relinquish(run: AttemptRun): void
}

export function createDispatchedRuns({ ours, again, workflow }: Dispatching): DispatchedRuns {
  // Every pending workflow of this process runs here except these; a set of those that run would miss new ones.
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
    // A second dispatch, as the engine's command line can cause: the first run may record nothing any more.
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
