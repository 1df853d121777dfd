import { type Kysely, sql } from 'kysely'
import { jsonOrNull } from '../../json-or-null.ts'
import { COUNTS } from '../budget-entries/counted-entries.ts'
import type { Database } from '../schema.ts'
import { isOfProject, isWithin, type NumbersRange } from './range.ts'

/** A pull request that was merged, with all its order ever cost, as a decimal: of two of one order the first has it all. */
export type MergedRow = {
  /** Null: it is gone. */
  project: string | null
  /** The proposer of its attempt; null: it is not known. */
  proposer: string | null
  /** The scope of its attempt. */
  files: string[]
  spent: string
  reverted: boolean
  /** Whether it was looked for a revert. */
  looked: boolean
  /** Of its order, as `spent`. */
  repairs: number
  review_rounds: number
}

/** Whether a model had a part in a reaction; a base that git merged, and that passed the checks then, was not repaired. */
const BY_MODEL = sql<boolean>`(
  exists (select from model_calls where model_calls.work_order_id = follow_ups.work_order_id
    and model_calls.attempt = follow_ups.attempt)
  or exists (select from attempts where attempts.work_order_id = follow_ups.work_order_id
    and attempts.number = follow_ups.attempt and attempts.resolving is not null))`

/** Of reactions to the pull request of an order: those that repaired it. */
export const REPAIRS = sql<number>`(count(*) filter (where follow_ups.outcome = 'succeeded'
  and (follow_ups.kind = 'checks' or follow_ups.kind = 'base' and ${BY_MODEL})))::integer`
/** Of the same: rounds of a review that have ended. */
export const REVIEW_ROUNDS = sql<number>`(count(*) filter (where follow_ups.kind = 'review' and follow_ups.outcome is not null))::integer`

/** Characters of JSON of a scope that is read; a longer one says nothing of the kind of change. */
const MOST_OF_SCOPE = 100_000

/** Merged in the range. */
export async function readMerged(db: Kysely<Database>, range: NumbersRange): Promise<MergedRow[]> {
  const { rows } = await sql<Omit<MergedRow, 'files'> & { scope: string | null }>`
    select project, proposer, scope, case when place = 1 then coalesce(paid.spent, 0) else 0 end as spent, reverted, looked,
      coalesce(followed.repairs, 0) as repairs, coalesce(followed.review_rounds, 0) as review_rounds
    from (
      select ending.work_order_id, projects.name as project, nullif(run.model_used, 'none') as proposer,
        left(attempts.content ->> 'files_in_scope', ${MOST_OF_SCOPE}) as scope,
        ending.reverted_at is not null as reverted,
        ending.reverted_at is not null or ending.revert_looked_at is not null as looked,
        row_number() over (partition by ending.work_order_id order by ending.created_at) as place
      from outcome_vectors as ending
      join attempts on attempts.work_order_id = ending.work_order_id and attempts.number = ending.attempt
      left join projects on projects.id = attempts.project_id
      left join outcome_vectors as run on run.work_order_id = ending.work_order_id and run.attempt = ending.attempt
        and run.operation_type = 'work_order_execution'
      where ending.operation_type = 'pull_request_end' and ending.outcome = 'merged'
        and ${isWithin(sql`ending.created_at`, range)} and ${isOfProject(sql`attempts.project_id`, range)}
    ) as merged left join lateral (
      select sum(cost_usd) as spent from budget_entries as entry
      where entry.work_order_id = merged.work_order_id and merged.place = 1 and ${COUNTS}
    ) as paid on true left join lateral (
      select ${REPAIRS} as repairs, ${REVIEW_ROUNDS} as review_rounds
      from follow_ups where follow_ups.work_order_id = merged.work_order_id and merged.place = 1
    ) as followed on true
  `.execute(db)
  return rows.map(({ scope, ...row }) => ({ ...row, files: filesOf(scope) }))
}

/** How many were merged by their forge itself in the range, at a commit that was not verified. */
export async function countMergedUnverified(db: Kysely<Database>, range: NumbersRange): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from outcome_vectors as ending
    join attempts on attempts.work_order_id = ending.work_order_id and attempts.number = ending.attempt
    where ending.operation_type = 'pull_request_end' and ending.outcome = 'merged_unverified'
      and ${isWithin(sql`ending.created_at`, range)} and ${isOfProject(sql`attempts.project_id`, range)}
  `.execute(db)
  return Number(rows[0]?.count)
}

function filesOf(scope: string | null): string[] {
  const read = scope === null ? null : jsonOrNull(scope)
  return Array.isArray(read) ? read.filter((file) => typeof file === 'string') : []
}
