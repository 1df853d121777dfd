import { type Kysely, sql } from 'kysely'
import type { FollowUpKind, FollowUpView } from '../../contract/evidence/follow-up.ts'
import type { LastReaction } from '../../contract/evidence/last-reaction.ts'
import type { MergedBy } from '../../contract/evidence/merged-by.ts'
import { recordIn } from '../../contract/evidence/pull-request-record.ts'
import type { Revert, UnverifiedMerge } from '../../contract/evidence/revert.ts'
import { approvalIn, type SeenApproval } from '../../contract/evidence/seen-approval.ts'
import { codesOf } from '../../faults/families.ts'
import type { FaultRecord } from '../../faults/fault.ts'
import { outsideOf } from '../../work-order/scope.ts'
import { standsOn } from '../../work-order/standing.ts'
import type { Phase, Status } from '../../work-order/status.ts'
import { type EndedAsSeen, endedAsSeen } from '../attempts/ended-verifications.ts'
import { followUpIn, IS_COUNTED } from '../follow-ups.ts'
import type { PullRequestRow } from '../pull-requests/pull-requests.ts'
import { afterMergesOf } from '../reverts.ts'
import type { Database } from '../schema.ts'
import { type Dependency, UNMET_DEPENDENCIES } from './dependencies.ts'
import { lastReactions } from './last-reactions.ts'
import { BOUNDED_REASON } from './list-work-orders.ts'
import { IS_APPROVED, IS_AS_APPROVED } from './order-conditions.ts'
import { texts } from './work-order-view.ts'
import { PROJECT_OF_ORDER } from './work-orders.ts'

type Db = Kysely<Database>

/** Characters of a text that others have written. */
const MOST_OF_TEXT = 2_000

/** The last attempt of an order. */
export type LastAttempt = {
  number: number
  status: 'running' | 'succeeded' | 'failed' | 'blocked' | 'cancelled'
  claimedAt: Date
  endedAt: Date | null
  /** Of the home that carries it out, or did last; null: it is not known any more. */
  host: string | null
  pid: number | null
  /** Whether the lease of its process holds. */
  isWorkerAlive: boolean
  /**
   * As it shows: of one that runs the last step; of one that has ended the last that failed with what ended it, or failed, or
   * the last. Null: none was begun.
   */
  step: { name: string; try: number; status: string; startedAt: Date } | null
}

export type PullRequestSeen = Pick<
  PullRequestRow,
  | 'attempt'
  | 'verified_by'
  | 'number'
  | 'url'
  | 'state'
  | 'head_sha'
  | 'seen_head_sha'
  | 'checks'
  | 'review'
  | 'ended_at'
  | 'created_at'
  | 'base'
  | 'branch'
  | 'conflict'
  | 'seen_open_threads'
  | 'seen_draft'
  | 'seen_base'
> &
  EndedAsSeen & {
    follow_up: FollowUpView | null
    /** The base of its project now. */
    project_base?: string
    seen_approval: SeenApproval | null
    /** Files it changes outside of the scope of its order: only a person's push does. */
    outside_scope: readonly string[]
    /** What reverted it since it was merged; null: nothing is known to have. */
    reverted: Revert | null
    /** The commit it was merged at, where that is not the verified one; null: it is, as far as is known. */
    merged_unverified: UnverifiedMerge | null
    /** What merged it; null: it is not merged, or that was not kept. */
    merged_by: MergedBy | null
  }

/** What the database says of where an order stands and what becomes of it. */
export type Whereabouts = {
  id: string
  status: Status
  phase: Phase | null
  isApproved: boolean
  /** False: the approval it has was given to other content. */
  isAsApproved: boolean
  /** The name of its project; null: it names none and had no attempt. */
  project: string | null
  /** Its project was removed. */
  hasRemovedProject: boolean
  files: number
  reason: FaultRecord | null
  /** What it was turned down with; null: it was not, or without words. */
  rejection: string | null
  /** Of a cancelled one, as `kind:name`, who gave it up in answer to an escalation after its last attempt began; null: it ended otherwise. */
  givenUpBy: string | null
  updatedAt: Date
  /** The orders it depends on that are not merged. */
  waitsFor: readonly Dependency[]
  /** USD its attempts have cost so far, also one that has not ended, as a decimal; null: before the first. */
  cost: string | null
  /** What was done about its open pull requests, the earliest first. */
  reactions: readonly { kind: FollowUpKind; outcome: string | null; isAllowed: boolean }[]
  /** What was last done about them; null: nothing, or it is not in progress. */
  last: LastReaction | null
  attempt: LastAttempt | null
  /** The latest attempt that made a commit which can be verified again; null: none did. Its home may have lost it since. */
  madeBy: number | null
  /** The pull request it is in review with, or was last; null: none. */
  pull: PullRequestSeen | null
}

type Row = Omit<Whereabouts, 'attempt' | 'pull' | 'last'> & {
  github_pr_number: number | null
  github_pr_url: string | null
  number: number | null
  attempt_status: LastAttempt['status']
  claimed_at: Date
  ended_at: Date | null
  host: string | null
  pid: number | null
  is_alive: boolean
  step: string | null
  try: number
  step_status: string
  started_at: Date
}

/** The bounds keep a reaction from being made more often. */
const MOST_REACTIONS = 50

const REACTIONS = sql<Whereabouts['reactions']>`(
  select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'outcome', left(outcome, 100), 'isAllowed', allowed_by is not null)
    order by id), '[]')
  from (
    select id, kind, outcome, allowed_by from follow_ups where work_order_id = work_orders.id and ${IS_COUNTED}
    order by id limit ${MOST_REACTIONS}
  ) as made
)`

const GIVEN_UP_BY = sql<string | null>`(
  case when work_orders.status = 'cancelled' then (
    select left(decided_by, ${MOST_OF_TEXT}) from order_escalations as escalation
    where escalation.work_order_id = work_orders.id and escalation.option = 'abort' and escalation.closed_as = 'decided'
      and escalation.decided_at > coalesce(attempt.claimed_at, '-infinity')
    order by escalation.decided_at desc limit 1
  ) end
)`

/** What an attempt that has not ended has paid is added up with the order only then. */
const COST_SO_FAR = sql<string | null>`(
  case when attempt.status in ('running', 'blocked') then (
    select nullif(sum(case when made.number <> attempt.number then moose_usd(made.cost_usd) else (
      select coalesce(sum(moose_usd(call.cost_usd)), 0) from model_calls as call
      where call.work_order_id = made.work_order_id and call.attempt = made.number) end), 0)
    from attempts as made where made.work_order_id = work_orders.id
  ) else work_orders.actual_cost end
)`

/** Of each of these orders, in four queries; an order that is gone is not there. */
export async function whereaboutsOf(db: Db, ids: readonly string[]): Promise<Whereabouts[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Row>`
    select work_orders.id, work_orders.status, work_orders.phase, work_orders.github_pr_number, work_orders.github_pr_url,
      coalesce(${IS_APPROVED}, false) as "isApproved", ${IS_AS_APPROVED} as "isAsApproved",
      projects.name as project, coalesce(projects.removed_at is not null, false) as "hasRemovedProject",
      case when jsonb_typeof(files_in_scope) = 'array' then jsonb_array_length(files_in_scope) else 0 end as files,
      case when status_reason is not null then ${BOUNDED_REASON} end as reason,
      left(work_orders.metadata ->> 'rejection_reason', ${MOST_OF_TEXT}) as rejection,
      ${GIVEN_UP_BY} as "givenUpBy",
      coalesce(work_orders.updated_at, work_orders.created_at) as "updatedAt", ${COST_SO_FAR} as cost,
      ${UNMET_DEPENDENCIES} as "waitsFor", ${REACTIONS} as reactions,
      attempt.number, attempt.status as attempt_status, attempt.claimed_at, attempt.ended_at,
      made.number as "madeBy",
      workers.host, workers.pid, coalesce(workers.lease_until > clock_timestamp(), false) as is_alive,
      left(step.name, ${MOST_OF_TEXT}) as step, step.try, step.status as step_status, step.started_at
    from work_orders
    left join projects on projects.id = ${PROJECT_OF_ORDER}
    left join lateral (
      select * from attempts where attempts.work_order_id = work_orders.id order by number desc limit 1
    ) as attempt on true
    left join lateral (
      select number from attempts where attempts.work_order_id = work_orders.id and head_sha is not null and verifies is null
        and coalesce(error ->> 'code', '') not in (${sql.join(codesOf('worthless'))})
      order by number desc limit 1
    ) as made on true
    left join workers on workers.executor_id = attempt.executor_id
    left join lateral (
      select * from attempt_steps where attempt_steps.work_order_id = work_orders.id
        and attempt_steps.attempt = attempt.number
      order by (attempt.status <> 'running' and attempt_steps.status = 'failed') desc,
        coalesce(attempt_steps.error ->> 'code' = attempt.error ->> 'code', false) desc,
        attempt_steps.started_at desc, attempt_steps.try desc limit 1
    ) as step on true
    where work_orders.id = any (${ids}::uuid[])
  `.execute(db)
  const pulls = await pullRequestsSeen(db, ids)
  const underWay = rows.filter(({ status }) => status === 'in_progress').map(({ id }) => id)
  const last = await lastReactions(db, underWay)
  return rows.map((row) => {
    const own = pulls.get(row.id)
    const pull = own === undefined ? null : standsOn(row, own)
    return { ...row, attempt: attemptIn(row), pull, last: last.get(row.id) ?? null }
  })
}

function attemptIn(row: Row): LastAttempt | null {
  if (row.number === null) return null
  const step =
    row.step === null ? null : { name: row.step, try: row.try, status: row.step_status, startedAt: row.started_at }
  const { number, attempt_status: status, claimed_at: claimedAt, ended_at: endedAt, host, pid } = row
  return { number, status, claimedAt, endedAt, host, pid, isWorkerAlive: row.is_alive, step }
}

async function pullRequestsSeen(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, PullRequestSeen[]>> {
  const rows = await db
    .selectFrom('pull_requests')
    .select([
      'work_order_id',
      'attempt',
      'verified_by',
      'number',
      'url',
      'state',
      'head_sha',
      'seen_head_sha',
      'ended_at',
      'created_at',
      'base',
      'branch',
      'conflict',
      'follow_up',
      'seen_open_threads',
      'seen_draft',
      'seen_base',
      'seen_approval',
    ])
    .select([
      ...endedAsSeen,
      sql<string | null>`left(checks, ${MOST_OF_TEXT})`.as('checks'),
      sql<string | null>`left(review, ${MOST_OF_TEXT})`.as('review'),
    ])
    .select(
      sql<string>`(select default_branch from projects where projects.id = pull_requests.project_id)`.as(
        'project_base',
      ),
    )
    // Moose itself changes nothing outside of the scope; what it has published itself needs no reading.
    .select(
      sql<string | null>`case when pull_requests.state = 'open' and verified_by is not null then body end`.as('body'),
    )
    .select(
      sql<unknown>`(select files_in_scope from work_orders where work_orders.id = pull_requests.work_order_id)`.as(
        'scope',
      ),
    )
    .where('work_order_id', 'in', ids)
    .execute()
  const afterMerge = await afterMergesOf(db, ids)
  const seen = rows.map(({ body, scope, ...row }) => {
    const outside = body === null ? [] : outsideInBody(body, scope)
    const approval = approvalIn(row.seen_approval)
    const known = { follow_up: followUpIn(row), seen_approval: approval, outside_scope: outside }
    return { ...row, ...known, ...afterMerge(row) }
  })
  return Map.groupBy(seen, ({ work_order_id }) => work_order_id)
}

/** The files of a pull request outside of a scope, by the record in its body. */
export function outsideInBody(body: string, scope: unknown): string[] {
  const record = recordIn(body)
  return record === null ? [] : outsideOf(texts(scope), record.files)
}
