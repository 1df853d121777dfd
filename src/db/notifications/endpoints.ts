import { type Kysely, type Selectable, sql } from 'kysely'
import { isoTime } from '../../clock.ts'
import type { EndpointView, NewEndpoint } from '../../contract/notifications/endpoints.ts'
import { Fault } from '../../faults/fault.ts'
import { isSqlState } from '../database-fault.ts'
import type { Database } from '../schema.ts'

type Db = Kysely<Database>

const UNIQUE_VIOLATION = '23505'

/** Where a notification goes, and what signs it. */
export type Endpoint = Pick<Selectable<Database['notification_endpoints']>, 'name' | 'format' | 'url' | 'secret'>

/** All, by name. */
export async function listEndpoints(db: Db): Promise<EndpointView[]> {
  const { rows } = await sql<CountedRow>`
    select name, format, url, kinds, endpoint.created_at, created_by,
      array(select projects.name from projects where projects.id = any (endpoint.projects) order by 1) as projects,
      (count(*) filter (where delivered_at is not null))::integer as delivered,
      (count(*) filter (where delivered_at is null and dead_at is null and entry.id is not null))::integer as waiting,
      (count(*) filter (where dead_at is not null))::integer as dead,
      (array_agg(last_error order by entry.created_at desc) filter (where last_error is not null and delivered_at is null))[1]
        as last_error,
      -- Of one that was filed before the last that was taken, how many tries came after that is not known.
      coalesce(sum(case when entry.created_at > taken_at then tries else 1 end) filter (where is_refused), 0)::integer as failed_tries,
      min(next_try_at) filter (where is_refused) as next_try_at
    from notification_endpoints as endpoint left join (
      select *, delivered_at is null and dead_at is null and last_error is not null
        and coalesce(failed_at, created_at) > taken_at as is_refused
      from (
        select id, endpoint_id, created_at, delivered_at, dead_at, last_error, tries, failed_at, next_try_at,
          coalesce(max(delivered_at) over (partition by endpoint_id), '-infinity') as taken_at
        from notification_outbox
      ) as tried
    ) as entry on entry.endpoint_id = endpoint.id
    group by endpoint.id order by name
  `.execute(db)
  return rows.map(viewOf)
}

/** Whether events are sent anywhere. */
export async function hasEndpoints(db: Db): Promise<boolean> {
  return (await db.selectFrom('notification_endpoints').select('id').limit(1).executeTakeFirst()) !== undefined
}

/** @throws {Fault} `request_invalid` when there is one of this name, or of comments on GitHub; `not_found` for a project */
export async function addEndpoint(
  db: Db,
  endpoint: NewEndpoint & { secret: string | null; createdBy: string },
): Promise<EndpointView> {
  const { name, url = null, format, kinds, secret, createdBy: created_by } = endpoint
  const projects = await idsOf(db, [...new Set(endpoint.projects)])
  try {
    const row = { name, url, format, kinds: [...new Set(kinds)], projects, secret, created_by }
    await db.insertInto('notification_endpoints').values(row).execute()
  } catch (error) {
    if (!isSqlState(error, UNIQUE_VIOLATION)) throw error
    throw await takenBy(db, { name, format }, error)
  }
  return viewNamed(db, name)
}

async function idsOf(db: Db, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await db
    .selectFrom('projects')
    .select(['id', 'name'])
    .where('name', 'in', names)
    .where('removed_at', 'is', null)
    .execute()
  const missing = names.find((name) => !rows.some((row) => row.name === name))
  if (missing === undefined) return rows.map(({ id }) => id)
  throw new Fault('not_found', `There is no project "${missing}". See them with: moose project list`, { name: missing })
}

async function takenBy(db: Db, wanted: Pick<NewEndpoint, 'name' | 'format'>, cause: unknown): Promise<Fault> {
  const all = await listEndpoints(db)
  const sameName = all.find(({ name }) => name === wanted.name)
  const other = all.find(({ format }) => format === wanted.format)
  const name = sameName === undefined && other !== undefined ? other.name : wanted.name
  const what = name === wanted.name ? `an endpoint "${name}"` : `an endpoint of comments on GitHub, "${name},"`
  const instead = name === wanted.name ? 'Choose another name, or remove' : 'A pull request has one comment: remove'
  const message = `There is ${what} already. ${instead} that one with: moose notify remove ${name}`
  return new Fault('request_invalid', message, { name }, cause)
}

/** With everything that was to be sent there. @throws {Fault} `not_found` */
export async function removeEndpoint(db: Db, name: string): Promise<EndpointView> {
  const removed = await viewNamed(db, name)
  await db.deleteFrom('notification_endpoints').where('name', '=', name).execute()
  return removed
}

/** @throws {Fault} `not_found` */
export async function findEndpoint(db: Db, name: string): Promise<Endpoint> {
  const found = db.selectFrom('notification_endpoints').select(['name', 'format', 'url', 'secret'])
  const endpoint = await found.where('name', '=', name).executeTakeFirst()
  if (endpoint === undefined) throw unknown(name)
  return endpoint
}

type CountedRow = Pick<
  Selectable<Database['notification_endpoints']>,
  'name' | 'format' | 'url' | 'kinds' | 'projects' | 'created_at' | 'created_by'
> &
  Pick<EndpointView, 'delivered' | 'waiting' | 'dead' | 'last_error' | 'failed_tries'> & { next_try_at: Date | null }

async function viewNamed(db: Db, name: string): Promise<EndpointView> {
  const found = (await listEndpoints(db)).find((endpoint) => endpoint.name === name)
  if (found === undefined) throw unknown(name)
  return found
}

function viewOf({ created_at, url, next_try_at: next, ...row }: CountedRow): EndpointView {
  const next_try_at = next === null ? null : isoTime(next)
  return { ...row, url: url === null ? null : shownUrl(url, row.format), created_at: isoTime(created_at), next_try_at }
}

/** Without its query; of `slack` without the path, which lets who knows it write there. */
function shownUrl(url: string, format: string): string {
  const { origin, pathname } = new URL(url)
  return format === 'slack' ? `${origin}/…` : `${origin}${pathname}`
}

function unknown(name: string): Fault {
  return new Fault('not_found', `There is no endpoint "${name}". See them with: moose notify list`, { name })
}
