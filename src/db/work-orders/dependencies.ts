import { type Kysely, sql } from 'kysely'
import { Fault } from '../../faults/fault.ts'
import { circleFrom, circleInWords } from '../../work-order/dependencies.ts'
import type { Status } from '../../work-order/status.ts'
import type { Database } from '../schema.ts'
import { IS_APPROVED } from './order-conditions.ts'

type Db = Kysely<Database>

/** For a query with `work_orders`: the ids of the orders it waits for. */
export const DEPENDS_ON = sql<string[]>`moose_dependencies(work_orders.metadata)`

/**
 * For a query with `work_orders` and what it depends on as `other`: each merge of that was reverted on its base. An order whose
 * change is made already is not asked.
 */
const IS_REVERTED = sql<boolean>`(work_orders.verifies is null and coalesce((
  select bool_and(ending.reverted_at is not null) from outcome_vectors as ending
  where ending.work_order_id = other.id and ending.operation_type = 'pull_request_end'
    and ending.outcome in ('merged', 'merged_unverified')), false))`

/** For a query with `work_orders`: every order it depends on is merged, and was not reverted. */
export const HAS_ITS_DEPENDENCIES = sql<boolean>`(not work_orders.metadata ? 'dependencies' or not exists (
  select from unnest(moose_dependencies(work_orders.metadata)) as needed
  left join work_orders as other on other.id = needed where other.status is distinct from 'completed' or ${IS_REVERTED}
))`

/** An order that another one waits for; without a status and a title it is not there any more. */
export type Dependency = {
  id: string
  title: string | null
  status: Status | null
  code: string | null
  /** A human has to decide about it. */
  isEscalated: boolean
  isApproved: boolean
  /** Its merge was reverted on its base, and by which commit; null there: not known. Null: it was not. */
  revert: { by: string | null } | null
}

/** Characters of a text that others have written. */
const MOST_OF_TEXT = 200

/** For a query with `work_orders`: those it depends on that are not merged, or were reverted, as a list of `Dependency`. */
export const UNMET_DEPENDENCIES = sql<Dependency[]>`case when work_orders.metadata ? 'dependencies' then (
  select coalesce(jsonb_agg(jsonb_build_object('id', needed, 'title', left(other.title, ${MOST_OF_TEXT}),
    'isApproved', coalesce(other.metadata ->> 'approved_by_director' = 'true', false),
    'status', other.status, 'isEscalated', moose_escalation_cause(other) is not null, 'code', left(other.status_reason ->> 'code', ${MOST_OF_TEXT}),
    'revert', case when ${IS_REVERTED} then jsonb_build_object('by', (select reverted_by from outcome_vectors
      where work_order_id = other.id and operation_type = 'pull_request_end' order by reverted_at desc nulls last limit 1)) end) order by other.created_at, needed), '[]')
  from unnest(moose_dependencies(work_orders.metadata)) as needed
  left join work_orders as other on other.id = needed where other.status is distinct from 'completed' or ${IS_REVERTED}
) else '[]' end`

/** For a query with `work_orders`: an order it depends on has failed, was cancelled or reverted, or is gone. */
const HAS_FAILED_DEPENDENCY = sql<boolean>`(work_orders.metadata ? 'dependencies' and exists (
  select from unnest(moose_dependencies(work_orders.metadata)) as needed
  left join work_orders as other on other.id = needed
  where other.id is null or other.status in ('failed', 'cancelled') or ${IS_REVERTED}
))`

/** Approved orders to be blocked, because one they depend on has ended without a merge that holds, and those to be released again. */
export async function unsettledDependents(
  db: Db,
): Promise<{ blocked: { id: string; unmet: Dependency[] }[]; released: { id: string }[] }> {
  const rows = await db
    .selectFrom('work_orders')
    .select(['id', 'status', UNMET_DEPENDENCIES.as('unmet')])
    .where(sql<boolean>`work_orders.metadata ? 'dependencies'`)
    .where(
      sql<boolean>`(work_orders.status = 'pending' and ${IS_APPROVED} and ${HAS_FAILED_DEPENDENCY}
        or work_orders.status = 'blocked' and work_orders.status_reason ->> 'code' = 'dependency_unmet'
          and not ${HAS_FAILED_DEPENDENCY})`,
    )
    .orderBy('created_at')
    .execute()
  return {
    blocked: rows.filter(({ status }) => status === 'pending'),
    released: rows.filter(({ status }) => status === 'blocked'),
  }
}

/** All of one order, as it names them. */
export async function dependenciesOf(
  db: Db,
  ids: readonly string[],
): Promise<Pick<Dependency, 'id' | 'title' | 'status'>[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('work_orders')
    .select(['id', sql<string>`left(title, ${MOST_OF_TEXT})`.as('title'), 'status'])
    .where('id', 'in', ids)
    .execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => {
    const row = byId.get(id)
    return row === undefined ? { id, title: null, status: null } : row
  })
}

/** Those of one order that are not merged, or were reverted. */
export async function unmetDependencies(db: Db, id: string): Promise<Dependency[]> {
  const query = db.selectFrom('work_orders').select(UNMET_DEPENDENCIES.as('unmet')).where('id', '=', id)
  const row = await query.executeTakeFirst()
  return row === undefined ? [] : row.unmet
}

/**
 * Refuses dependencies by which an order that is there would wait for itself.
 *
 * @throws {Fault} `work_order_invalid` naming the orders of the circle
 */
export async function refuseCircle(db: Db, id: string, dependencies: readonly string[]): Promise<void> {
  if (dependencies.length === 0) return
  const { rows } = await sql<{ id: string; title: string; needed: string[] }>`
    with recursive reached (id) as (
      select unnest(${[...dependencies, id]}::uuid[])
      union
      select needed from reached join work_orders on work_orders.id = reached.id,
        unnest(moose_dependencies(work_orders.metadata)) as needed
      where reached.id <> ${id}
    )
    select work_orders.id, left(title, ${MOST_OF_TEXT}) as title, ${DEPENDS_ON} as needed
    from work_orders join reached on reached.id = work_orders.id
  `.execute(db)
  const edges = new Map(rows.map((row) => [row.id, row.id === id ? dependencies : row.needed]))
  const circle = circleFrom(id, edges)
  if (circle === null) return
  const titleOf = new Map(rows.map((row) => [row.id, row.title]))
  const named = circleInWords(circle.map((one) => String(titleOf.get(one))))
  const message = `It was not stored, because work orders would wait for each other in a circle: ${named}.`
  throw new Fault('work_order_invalid', message, { id, orders: circle.slice(0, -1).join(' ') })
}
