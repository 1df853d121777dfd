import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk'
import type { Pool } from 'pg'
import { z } from 'zod'
import type { FaultRecord } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import { isStepName, STEPS } from './steps.ts'

/** The checkpoint of a step. A fault is a result too, so that it survives a crash unchanged. */
export type Outcome<T> = {
  /** The home where the step ran. */
  home: string
} & ({ ok: true; output: T } | { ok: false; fault: FaultRecord })

const Kept = z.object({ ok: z.boolean(), home: z.string() })
const Given = z.object({ ok: z.literal(true), output: z.unknown() })

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

/** What the tries of the steps of a workflow gave, by the names of the steps; oldest first. */
export type GivenBySteps = ReadonlyMap<string, readonly { output: unknown }[]>

/** Reads the journal of a workflow in the process whose engine runs. */
export async function givenBySteps(id: string): Promise<GivenBySteps> {
  return outputsOf(await DBOS.listWorkflowSteps(id))
}

/** As `givenBySteps`, also in a process that has launched no engine. */
export async function givenInDatabase(pool: Pool, id: string): Promise<GivenBySteps> {
  const client = await DBOSClient.create({ systemDatabaseUrl: '', systemDatabasePool: pool })
  try {
    return outputsOf(await client.listWorkflowSteps(id))
  } finally {
    await client.destroy()
  }
}

function outputsOf(tries: Awaited<ReturnType<typeof DBOS.listWorkflowSteps>>): GivenBySteps {
  const given = (tries ?? []).flatMap(({ name, output }) => {
    const kept = Given.safeParse(output)
    const [step = ''] = name.split(',')
    return kept.success && isStepName(step) ? [{ step, output: kept.data.output }] : []
  })
  return Map.groupBy(given, ({ step }) => step)
}

/**
 * The first step that must run again in this home; null: none. A published attempt needs no commit here and no second
 * verification. The engine numbers steps by its own count, so the number is looked up.
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
