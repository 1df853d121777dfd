import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { EndedVerification } from '../../contract/evidence/ended-verification.ts'
import type { PullRequestRow } from '../pull-requests/pull-requests.ts'
import type { Database } from '../schema.ts'
import { type ConflictOf, wasAnswered } from './asked-before.ts'

/** Characters of a text that others have written. */
const MOST_OF_TEXT = 2_000

type Text = RawBuilder<string | null>

const ENDED = sql`jsonb_build_object(
  'attempt', attempts.number, 'head_sha', attempts.head_sha, 'base_sha', attempts.base_sha, 'code', attempts.error ->> 'code',
  'check', left(attempts.error -> 'details' ->> 'check', ${MOST_OF_TEXT}),
  'said', left(coalesce(attempts.error -> 'details' ->> 'unresolved', attempts.error -> 'details' ->> 'said',
    attempts.error ->> 'message'), ${MOST_OF_TEXT})
)`

/**
 * For a statement on `pull_requests`: the last verification of its branch that has failed since its commit was verified; null:
 * none has. An attempt of a model to make a further commit, for red checks or a review, says nothing of the one that stands.
 *
 * @param head where the branch stands
 */
export function failedVerificationOf(head: Text) {
  return sql<EndedVerification | null>`(
    select ${ENDED} from attempts
    where attempts.work_order_id = pull_requests.work_order_id and attempts.verifies is not null
      and attempts.number > coalesce(pull_requests.verified_by, pull_requests.attempt)
      and attempts.status = 'failed' and attempts.resolving is null
      and not exists (
        select from follow_ups where follow_ups.id = attempts.follows and follow_ups.kind in ('checks', 'review'))
      and (attempts.head_sha = ${head} or exists (
        select from attempt_steps as step where step.work_order_id = attempts.work_order_id
          and step.attempt = attempts.number and step.name = 'apply' and step.output ->> 'branchHead' = ${head}
      ))
    order by attempts.number desc limit 1
  )`
}

/**
 * For a statement on `pull_requests`: the attempt in which a model was to resolve this conflict, so that none is asked to
 * again; null: there is none.
 */
export function triedResolutionOf({ head_sha: head, base_sha: base }: { [Of in keyof ConflictOf]: Text }) {
  return sql<EndedVerification | null>`(
    select ${ENDED} from attempts
    where attempts.work_order_id = pull_requests.work_order_id and (
      (attempts.resolving = (${head}) || ' ' || (${base}) and ${wasAnswered()})
      or (attempts.error -> 'details' ->> 'head_sha' = ${head} and attempts.error -> 'details' ->> 'base_sha' = ${base}
        and attempts.error -> 'details' ->> 'unresolved' is not null))
    order by attempts.resolving is not null desc, attempts.number desc limit 1
  )`
}

/** For a statement on `pull_requests`: both, of its branch and its conflict as they were last seen. */
export const endedAsSeen = [
  failedVerificationOf(sql`coalesce(pull_requests.seen_head_sha, pull_requests.head_sha)`).as('failed_verification'),
  triedResolutionOf({
    head_sha: sql`pull_requests.conflict ->> 'head_sha'`,
    base_sha: sql`coalesce(pull_requests.conflict ->> 'seen_base_sha', pull_requests.conflict ->> 'base_sha')`,
  }).as('tried_resolution'),
] as const

export type EndedAsSeen = { failed_verification: EndedVerification | null; tried_resolution: EndedVerification | null }

type Key = Pick<PullRequestRow, 'project_id' | 'number'>

/** Of one pull request. */
export async function readEndedAsSeen(db: Kysely<Database>, key: Key): Promise<EndedAsSeen> {
  return await ofPull(db, key).select(endedAsSeen).executeTakeFirstOrThrow()
}

/** The verification of what its branch holds that has failed; null: none has. @param head where its forge says it stands */
export async function failedVerificationAt(db: Kysely<Database>, key: Key, head: string) {
  const row = await ofPull(db, key)
    .select(failedVerificationOf(sql`${head}::text`).as('failed'))
    .executeTakeFirst()
  return row === undefined ? null : row.failed
}

/** The attempt in which a model was to resolve this conflict of it; null: there is none. */
export async function triedResolutionAt(db: Kysely<Database>, key: Key, { head_sha, base_sha }: ConflictOf) {
  const of = { head_sha: sql<string>`${head_sha}::text`, base_sha: sql<string>`${base_sha}::text` }
  const row = await ofPull(db, key).select(triedResolutionOf(of).as('tried')).executeTakeFirst()
  return row === undefined ? null : row.tried
}

function ofPull(db: Kysely<Database>, { project_id, number }: Key) {
  return db.selectFrom('pull_requests').where('project_id', '=', project_id).where('number', '=', number)
}
