import { type Kysely, sql } from 'kysely'
import type { NotificationKind } from '../../contract/notifications/endpoints.ts'
import type { Database } from '../schema.ts'
import type { Endpoint } from './endpoints.ts'

type Db = Kysely<Database>

/** Days for which what was delivered, or given up, is kept. */
const KEPT_DAYS = 30

/** An event that is due, and where it goes. */
export type DueEntry = {
  id: string
  kind: string
  /** Null: of none. */
  work_order_id: string | null
  data: Record<string, unknown>
  created_at: Date
  /** Another, when the same entry is of a later event. */
  version: string
  /** This try, from 1. */
  tries: number
  endpoint: Endpoint
}

/**
 * How many are taken: in all, and of one endpoint; `busy` has how many of each, by its name, are under way already. Of one that is
 * `failing` one is.
 */
export type Places = {
  most: number
  mostOfOne: number
  busy: ReadonlyMap<string, number>
  failing: ReadonlySet<string>
}

const MOST_OF_REASON = 500

/** What is known of an event beside what was written with it: what merged a pull request, and why a reaction failed. */
const MORE = sql`case
  when entry.kind in ('order.completed', 'pull_request.merged_unverified') then (
    select jsonb_build_object('merged_by', metadata -> 'merged_by') from outcome_vectors
    where work_order_id = entry.work_order_id and operation_type = 'pull_request_end'
      and outcome in ('merged', 'merged_unverified') order by created_at limit 1)
  when entry.kind = 'follow_up.failed' then (
    select jsonb_build_object('reason', left(attempts.error ->> 'message', ${MOST_OF_REASON}::integer)) from attempts
    where attempts.work_order_id = entry.work_order_id and attempts.follows::text = split_part(entry.event_key, ':', 2))
end`

/**
 * Takes what is due, and of no endpoint more than its places: for as long as the lease no other process does. The endpoint with the
 * fewest under way comes first, then one that is not failing, then the earliest: a backlog takes no place from another endpoint.
 * What is not settled by then is due again.
 */
export async function takeDue(
  db: Db,
  { most, mostOfOne, busy, failing, leaseMs }: Places & { leaseMs: number },
): Promise<DueEntry[]> {
  const { rows } = await sql<Omit<DueEntry, 'endpoint'> & Endpoint>`
    with places as (
      select id, coalesce((${JSON.stringify(Object.fromEntries(busy))}::jsonb ->> name)::integer, 0) as busy,
        name = any(${[...failing]}::text[]) as is_failing
      from notification_endpoints
    ),
    found as materialized (
      select entry.id, endpoint_id, next_try_at, busy, is_failing from places as endpoint cross join lateral (
        select id, endpoint_id, next_try_at from notification_outbox
        where endpoint_id = endpoint.id and delivered_at is null and dead_at is null and next_try_at <= clock_timestamp()
        order by next_try_at
        limit greatest(0, case when is_failing then 1 else ${mostOfOne}::integer end - busy)
        for update skip locked
      ) as entry
    ),
    due as (
      select id from found
      order by busy + row_number() over (partition by endpoint_id order by next_try_at), is_failing, next_try_at limit ${most}
    )
    update notification_outbox as entry
    set tries = entry.tries + 1, next_try_at = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
    from notification_endpoints as endpoint
    where endpoint.id = entry.endpoint_id and entry.id in (select id from due)
    returning entry.id, entry.kind, entry.work_order_id, entry.data || coalesce(${MORE}, '{}') as data, entry.created_at,
      extract(epoch from entry.created_at)::text as version, entry.tries,
      endpoint.name, endpoint.format, endpoint.url, endpoint.secret
  `.execute(db)
  return rows.map(({ name, format, url, secret, ...entry }) => ({ ...entry, endpoint: { name, format, url, secret } }))
}

/** It was taken by its endpoint. Where a later event came meanwhile, it is due for that. */
export async function noteDelivered(db: Db, { id, version }: Pick<DueEntry, 'id' | 'version'>): Promise<void> {
  await sql`
    update notification_outbox set last_error = null,
      delivered_at = case when extract(epoch from created_at)::text = ${version} then clock_timestamp() end,
      tries = case when extract(epoch from created_at)::text = ${version} then tries else 0 end,
      next_try_at = clock_timestamp()
    where id = ${id}
  `.execute(db)
}

/** An event that came about outside the database. Once for its key. */
export async function announce(
  db: Db,
  kind: NotificationKind,
  { key, projectId, facts }: { key: string; projectId: string | null; facts: Record<string, unknown> },
): Promise<void> {
  await sql`select moose_announce(${kind}, ${key}, null, ${JSON.stringify(facts)}::jsonb, ${projectId}::uuid)`.execute(
    db,
  )
}

/** A try failed. @param againInMs null: no other is made */
export async function noteFailed(
  db: Db,
  id: string,
  { error, againInMs }: { error: string; againInMs: number | null },
) {
  const then =
    againInMs === null
      ? { dead_at: sql<Date>`clock_timestamp()` }
      : { next_try_at: sql<Date>`clock_timestamp() + make_interval(secs => ${againInMs / 1_000})` }
  await db
    .updateTable('notification_outbox')
    .set({ last_error: error, failed_at: sql<Date>`clock_timestamp()`, ...then })
    .where('id', '=', id)
    .where('delivered_at', 'is', null)
    .execute()
}

/** The try that is under way is given up without a fault of the endpoint, and does not count. It is due when its lease ends. */
export async function noteInterrupted(db: Db, id: string): Promise<void> {
  await sql`
    update notification_outbox set tries = greatest(0, tries - 1) where id = ${id} and delivered_at is null
  `.execute(db)
}

/**
 * Has what an endpoint did not take tried again from the start: what was given up, and what waits for its next try. What may be
 * under way goes on.
 *
 * @param leaseMs for which an event belongs to the process that took it
 */
export async function tryAgain(db: Db, endpointName: string, leaseMs: number): Promise<void> {
  await sql`
    update notification_outbox set dead_at = null, last_error = null,
      tries = case when is_at_rest then 0 else tries end,
      next_try_at = case when is_at_rest then clock_timestamp() else next_try_at end
    from (
      select id as tried, dead_at is not null or next_try_at > clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
        as is_at_rest
      from notification_outbox
      where delivered_at is null and (dead_at is not null or last_error is not null)
        and endpoint_id = (select id from notification_endpoints where name = ${endpointName})
      for update
    ) as refused
    where id = tried
  `.execute(db)
}

/** Removes what was settled long ago. */
export async function forgetSent(db: Db): Promise<void> {
  await sql`
    delete from notification_outbox
    where coalesce(delivered_at, dead_at) < clock_timestamp() - make_interval(days => ${KEPT_DAYS})
  `.execute(db)
}
