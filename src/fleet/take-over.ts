import type { Kysely } from 'kysely'
import { recordFailure } from '../attempt/steps/record.ts'
import { markLeftBehind } from '../budget/reconcile.ts'
import type { AttemptRun } from '../db/attempts/attempts.ts'
import { isLeftBehind, type Looker, stuckAttempts, takeOverAttempts } from '../db/attempts/take-over.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'

/**
 * Takes over the attempts of dead workers, and ends those that no worker can continue.
 *
 * @returns whether there is a run to start here now
 */
export async function takeOver(db: Kysely<Database>, looker: Looker): Promise<boolean> {
  if (!(await isLeftBehind(db, looker))) return false
  const taken = await takeOverAttempts(db, looker)
  const stuck = await stuckAttempts(db, looker)
  for (const { revision, ...run } of stuck) {
    await recordFailure(db, { ...run, evidence: {}, step: 'record', fault: stuckOn(revision, run).toRecord() })
  }
  // It is unknown whether the model calls that were under way there were charged.
  if (taken + stuck.length > 0) await markLeftBehind(db, looker.homeId)
  return taken > 0
}

/** An attempt that another revision of the pipeline began cannot be continued. */
export function stuckOn(revision: string, { workOrderId, attempt }: AttemptRun): Fault {
  const message =
    `Attempt ${attempt} was begun by revision "${revision}" of the pipeline, and no worker of that revision is left. ` +
    `Begin anew with: moose retry ${workOrderId.slice(0, 8)}   What was answered and paid is not paid again.`
  return new Fault('revision_stuck', message, { id: workOrderId, attempt, revision })
}
