import { DBOS } from '@dbos-inc/dbos-sdk'
import { z } from 'zod'
import type { FaultRecord } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'

/** What the engine keeps of a step. A fault is a result, so that it survives a crash as it was. */
export type Outcome<T> = {
  /** The home where the step was made. */
  home: string
} & ({ ok: true; output: T } | { ok: false; fault: FaultRecord })

/** Steps whose result is more than what the journal keeps: a commit in the mirror of the home where they were made. */
const IN_THE_MIRROR = /^(?:apply|verify)(?:,|$)/

const Kept = z.object({ ok: z.boolean(), home: z.string() })

/**
 * Has a workflow go on in this home, from the queue of it: where its journal ends, or, where a commit it needs lies in
 * another home, from the step that made it.
 *
 * @param id of a workflow that has not ended
 */
export async function continueWorkflow(id: string, { home, queueName }: { home: string; queueName: string }) {
  // From here on no other process can write into its journal.
  await DBOS.cancelWorkflow(id)
  const startStep = madeElsewhere(await DBOS.listWorkflowSteps(id), home)
  await faultPoint('continue_workflow', async () => {
    if (startStep === null) await DBOS.resumeWorkflows([id], { queueName })
    else await DBOS.rewindWorkflow(id, { startStep, queueName })
  })
}

/**
 * The first step to be made anew in this home; null: none. What is published needs no commit here any more, and no second
 * judgement. The engine's number of a step counts its calls, not ours, so it is always looked up.
 */
function madeElsewhere(steps: Awaited<ReturnType<typeof DBOS.listWorkflowSteps>>, home: string): number | null {
  const known = (steps ?? []).map(({ functionID, name, output }) => ({
    functionID,
    name,
    kept: Kept.safeParse(output).data,
  }))
  if (known.some(({ name, kept }) => name.startsWith('publish') && kept?.ok === true)) return null
  const first = known.find(({ name, kept }) => IN_THE_MIRROR.test(name) && kept?.home !== home)
  return first === undefined ? null : first.functionID
}
