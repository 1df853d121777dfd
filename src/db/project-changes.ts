import { type Kysely, sql, type Updateable } from 'kysely'
import { type HostGrant, plainRule } from '../contract/hosts/host-rule.ts'
import { MOST_GRANTS, type ProjectView, type ProjectChange as WantedChange } from '../contract/projects.ts'
import { Fault } from '../faults/fault.ts'
import type { Project } from '../work-order/project.ts'
import { isSqlState } from './database-fault.ts'
import { grantsIn, nameTaken, type ProjectRow, toView } from './projects.ts'
import type { Database } from './schema.ts'
import { isSuspended } from './work-orders/suspended-orders.ts'
import { PROJECT_OF_ORDER } from './work-orders/work-orders.ts'

type Db = Kysely<Database>
/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNIQUE_VIOLATION = '23505'
const MOST_NAMED = 5

/** Which orders are on their way in a project, oldest first, by their ids. */
export type UnderWay = {
  /** Their attempts run, or are suspended and go on as they began. */
  running: string[]
  /** Their pull requests are open. */
  inReview: string[]
}

/** Whether any order of a project has ever had a pull request. */
export async function hasPullRequests(db: Db, projectId: string): Promise<boolean> {
  const query = db.selectFrom('pull_requests').select('number').where('project_id', '=', projectId).limit(1)
  return (await query.executeTakeFirst()) !== undefined
}

export type ProjectChange = {
  columns: Updateable<Database['projects']>
  /** Whether orders under way would be looked for in another place afterwards. */
  moves: boolean
  hosts: Pick<WantedChange, 'allow_hosts' | 'deny_hosts'>
}

/**
 * Changes a project that is as it was when the change was checked. No order begins in it meanwhile.
 *
 * @returns the project, and the orders whose attempts go on with what they began with
 * @throws {Fault} `work_order_conflict` when orders are under way and the change moves the project;
 *   `request_invalid` when the name is taken, or too many hosts would be granted; `not_found` when it was removed or changed meanwhile
 */
export async function changeProject(
  db: Db,
  before: Project,
  { columns, moves, hosts }: ProjectChange,
): Promise<{ project: ProjectView; running: string[] }> {
  try {
    return await db.transaction().execute(async (transaction) => {
      const granted = grantsIn(await lockProject(transaction, before))
      const isOfHosts = hosts.allow_hosts !== undefined || hosts.deny_hosts !== undefined
      const ofHosts = isOfHosts ? { allowed_hosts: JSON.stringify(changedGrants(granted, hosts)) } : {}
      const under = await ordersUnderWay(transaction, before.id)
      if (moves) refuseUnderWay(before.name, under, 'Its repository and forge change when none is')
      const row = await transaction
        .updateTable('projects')
        .set({ ...columns, ...ofHosts })
        .where('id', '=', before.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      return { project: toView(row), running: under.running }
    })
  } catch (error) {
    if (isSqlState(error, UNIQUE_VIOLATION)) throw nameTaken(String(columns.name))
    throw error
  }
}

/** By host; two edits at once each have their part. */
function changedGrants(granted: readonly HostGrant[], { allow_hosts = [], deny_hosts = [] }: ProjectChange['hosts']) {
  const plain = [...granted, ...allow_hosts].map((grant) => ({ host: plainRule(grant.host), for: grant.for }))
  const kept = plain.filter(
    (grant) =>
      !deny_hosts.some(
        (denied) => plainRule(denied.host) === grant.host && (denied.for === undefined || denied.for === grant.for),
      ),
  )
  const each = [...new Map(kept.map((grant) => [`${grant.host} ${grant.for}`, grant])).entries()]
  if (each.length > MOST_GRANTS)
    throw new Fault('request_invalid', `A project can be granted at most ${MOST_GRANTS} hosts. Take some back first.`)
  return each.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, grant]) => grant)
}

/** What a removed project leaves. */
export type RemovedProject = {
  /** Orders that are kept and do not start any more. */
  waiting: number
  /** All that are kept. */
  orders: number
}

/**
 * Takes a project out of use: no order of it starts any more, and its name is free. Nothing is deleted.
 *
 * @throws {Fault} `work_order_conflict` naming the orders that are under way; `not_found`
 */
export async function removeProject(db: Db, before: Project): Promise<RemovedProject> {
  return await db.transaction().execute(async (transaction) => {
    await lockProject(transaction, before)
    refuseUnderWay(before.name, await ordersUnderWay(transaction, before.id), 'It can be removed when none is')
    await transaction
      .updateTable('projects')
      .set({ repository: null, removed_repository: before.repository, removed_at: sql<Date>`moose_now()` })
      .where('id', '=', before.id)
      .execute()
    const { rows } = await sql<RemovedProject>`
      select count(*)::int as orders,
        (count(*) filter (where status in ('pending', 'blocked')))::int as waiting
      from work_orders where ${PROJECT_OF_ORDER} = ${before.id}
    `.execute(transaction)
    const [kept] = rows
    return kept === undefined ? { waiting: 0, orders: 0 } : kept
  })
}

/** A new attempt refers to the project and so has to wait for this lock. */
async function lockProject(
  db: Db,
  { id, name, repository, forge }: Project,
): Promise<Pick<ProjectRow, 'allowed_hosts'>> {
  const row = await db
    .selectFrom('projects')
    .select('allowed_hosts')
    .where('id', '=', id)
    .where('repository', '=', repository)
    .where('forge', '=', forge)
    .forUpdate()
    .executeTakeFirst()
  if (row !== undefined) return row
  const message = `Project "${name}" was changed or removed meanwhile. See it with: moose project list   and try again.`
  throw new Fault('not_found', message, { name })
}

/** The orders of a project whose attempts run, are suspended, or have an open pull request. */
async function ordersUnderWay(db: Db, projectId: string): Promise<UnderWay> {
  const rows = await db
    .selectFrom('work_orders')
    .select(['work_orders.id', 'work_orders.phase'])
    .where(PROJECT_OF_ORDER, '=', projectId)
    .where(({ or, eb, exists, selectFrom }) =>
      or([
        eb('work_orders.status', '=', 'in_progress'),
        exists(
          selectFrom('attempts')
            .select('attempts.number')
            .whereRef('attempts.work_order_id', '=', 'work_orders.id')
            .whereRef('attempts.number', '=', 'work_orders.attempts')
            .where((attempt) =>
              attempt.or([
                attempt('attempts.status', '=', 'running'),
                attempt.and([attempt('work_orders.status', '=', 'blocked'), isSuspended(attempt)]),
              ]),
            ),
        ),
      ]),
    )
    .orderBy('work_orders.created_at')
    .execute()
  const isInReview = ({ phase }: { phase: string | null }) => phase === 'in_review'
  return {
    running: rows.filter((row) => !isInReview(row)).map(({ id }) => id),
    inReview: rows.filter(isInReview).map(({ id }) => id),
  }
}

function refuseUnderWay(name: string, { running, inReview }: UnderWay, when: string): void {
  const said = [
    ...(running.length === 0 ? [] : [`${named(running)} under way (wait, or: moose cancel ID)`]),
    ...(inReview.length === 0 ? [] : [`${named(inReview)} in review (moose merge ID, or: moose close ID)`]),
  ]
  if (said.length === 0) return
  const message = `Project "${name}" has orders that need it as it is: ${said.join('; ')}. ${when}.`
  throw new Fault('work_order_conflict', message, { project: name, orders: [...running, ...inReview].join(', ') })
}

function named(ids: readonly string[]): string {
  const shown = ids.slice(0, MOST_NAMED).map((id) => id.slice(0, 8))
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : ''
  return `${shown.join(', ')}${more} ${ids.length === 1 ? 'is' : 'are'}`
}
