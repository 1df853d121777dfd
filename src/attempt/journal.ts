import { DBOS } from '@dbos-inc/dbos-sdk'
import { z } from 'zod'
import type { FaultRecord } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import { isStepName, STEPS } from './steps.ts'

/** What the engine keeps of a step. A fault is a result, so that it survives a crash as it was. */
export type Outcome<T> = {
  /** The home where the step was made. */
  home: string
} & ({ ok: true; output: T } | { ok: false; fault: FaultRecord })

const Kept = z.object({ ok: z.boolean(), home: z.string() })

/**
 * Resumes a workflow in this home, from its queue: where its journal ends, or, where a commit it needs lies in
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
  if (known.some(({ name, kept }) => resultOf(name) === 'forge' && kept?.ok === true)) return null
  const first = known.find(({ name, kept }) => resultOf(name) === 'mirror' && kept?.home !== home)
  return first === undefined ? null : first.functionID
}

/** Where the result of a try is besides the journal, by what the engine calls the try; null: it is no try of a step. */
function resultOf(label: string) {
  const [name = ''] = label.split(',')
  return isStepName(name) ? STEPS[name].result : null
}
