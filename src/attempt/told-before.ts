import type { Kysely } from 'kysely'
import { type AttemptKey, type LastFailure, lastFailureBefore } from '../db/attempts/attempts.ts'
import { projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { codesOf } from '../faults/families.ts'
import type { Workspaces } from '../ports/workspace.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import { failureSummary } from './failure-summary.ts'

/** What an attempt may tell a model of the order's attempt before. */
export type ToldBefore = {
  /** The failure, as it is recorded, without secrets. */
  failure: string
  /** The failure and the change that failed, as git has it; equal to `failure` where its commit is not kept here. */
  withChange: string
}

type Parts = {
  db: Kysely<Database>
  workspaces: Pick<Workspaces, 'keptCommit' | 'diff'>
  /** Takes out of the change what may not be told. */
  published: Sanitize
}

/**
 * The last failure of an order that the model's work caused. What a push or a repository failed with is left out: no other
 * change would have helped.
 *
 * @returns null: there is none
 */
export async function toldBefore({ db, ...parts }: Parts, key: AttemptKey): Promise<ToldBefore | null> {
  const last = await lastFailureBefore(db, key, codesOf('model_work'))
  if (last === null) return null
  const failure = failureSummary(last.error)
  const change = await changeOf({ db, ...parts }, key, last)
  if (change === '') return { failure, withChange: failure }
  return { failure, withChange: `${failure}\n\nThe change that failed so, as git has it:\n${parts.published(change)}` }
}

/** Bytes of the change, as for a repair. */
const MOST_OF_DIFF = 12_000

/** Empty: it is not kept on this home, or there was no commit. */
async function changeOf(
  { db, workspaces }: Parts,
  { workOrderId }: AttemptKey,
  { number, project_id: projectId, base_sha: base, head_sha: head }: LastFailure,
): Promise<string> {
  if (projectId === null || base === null || head === null) return ''
  const project = await projectOf(db, projectId)
  if ((await workspaces.keptCommit(project, workOrderId, number)) !== head) return ''
  return (await workspaces.diff(project, base, head, MOST_OF_DIFF)).trimEnd()
}
