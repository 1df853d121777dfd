import type { Kysely } from 'kysely'
import type { AttemptKey } from '../db/attempts/attempts.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { endRow, lengthenRow, projectOfAttempt } from '../db/work-orders/failure-rows.ts'
import { isOf } from '../faults/families.ts'
import type { FaultRecord } from '../faults/fault.ts'
import type { PartialEvidence } from './evidence.ts'
import { outcomeFacts } from './outcome.ts'
import type { StepName } from './steps.ts'

type Db = Kysely<Database>

/** A success ends the rows of its project and of its proposer. */
export async function endRows(db: Db, { workOrderId, attempt }: AttemptKey, proposer: string): Promise<void> {
  const project = await projectOfAttempt(db, workOrderId, attempt)
  if (project !== null) await endRow(db, { kind: 'project', subject: project })
  await endRow(db, { kind: 'proposer', subject: proposer })
}

type Failed = AttemptKey & { step: StepName; fault: FaultRecord; evidence: PartialEvidence }

/** The proposer an attempt is counted for: that of its change, or in a reaction the one that was asked. `none`: no one was. */
function countedProposer({ evidence, fault }: Pick<Failed, 'evidence' | 'fault'>): string {
  const { routed, proposed } = evidence
  if (routed?.verifies === undefined) return outcomeFacts(evidence, fault).model_used
  return proposed === undefined ? 'none' : proposed.proposer
}

/**
 * Counts a failed attempt in the row of its project, and where its proposer is to blame, in that of the proposer. An attempt
 * that came past its proposer ends the row of the proposer. What a human or a process did is counted nowhere. To be called for
 * an attempt in which a model was asked, or could have been, not for one that only verified a commit.
 */
export async function noteInRows(db: Db, { workOrderId, attempt, step, fault, evidence }: Failed): Promise<void> {
  if (isOf('no_pattern', fault.code)) return
  const { code, message } = fault
  const projectId = await projectOfAttempt(db, workOrderId, attempt)
  const failure = { workOrderId, projectId, code, step, message }
  if (projectId !== null) {
    const orders = await lengthenRow(db, { kind: 'project', subject: projectId }, failure)
    const row = `${orders} orders of its project in a row have failed with ${code} at ${step}`
    if (orders > 1) await recordEvent(db, { workOrderId, attempt, type: 'progress', message: row })
  }
  const proposer = countedProposer({ evidence, fault })
  if (proposer === 'none') return
  const subject = { kind: 'proposer', subject: proposer } as const
  if (step !== 'propose' && step !== 'apply') await endRow(db, subject)
  else if (isOf('model_work', code) || isOf('other_proposer', code)) await lengthenRow(db, subject, failure)
}
