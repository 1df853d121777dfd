import { type Kysely, type Selectable, sql } from 'kysely'
import { z } from 'zod'
import { HostGrant } from '../contract/hosts/host-rule.ts'
import type { ProjectView } from '../contract/projects.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { parseRepositoryUrl, shownRepository } from '../git/repository-url.ts'
import type { Project } from '../work-order/project.ts'
import { patternProblem } from '../work-order/protection/path-pattern.ts'
import type { ProtectionRules } from '../work-order/protection/protected-paths.ts'
import { leftProject, takeApprovedOrders } from './first-moose/left-rows.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

const FORGES = ['local', 'github']

export type NewProjectRow = {
  name: string
  repository: string
  defaultBranch: string
  forge: Project['forge']
  /** Null: the host of the URL. */
  forgeHost: string | null
  /** What was named: the repository, or a checkout of it. */
  place: string
}

/**
 * Stores a project. One of this name and repository that was removed is brought back, with its settings and its orders; so is
 * one that the first Moose has left, whose approved orders are approved here.
 *
 * @throws {Fault} `request_invalid` when the name is taken
 */
export async function addProject(
  db: Db,
  project: NewProjectRow,
): Promise<{ project: ProjectView; restored: boolean; approved_orders: number }> {
  const columns = {
    repository: project.repository,
    default_branch: project.defaultBranch,
    forge: project.forge,
    forge_host: project.forgeHost,
  }
  return await db.transaction().execute(async (transaction) => {
    const removed = await removedProject(transaction, project)
    const left = removed === undefined ? await leftProject(transaction, project) : undefined
    const before = removed === undefined ? left : removed
    const row =
      before === undefined
        ? await transaction
            .insertInto('projects')
            .values({ name: project.name, ...columns })
            .onConflict((conflict) => conflict.column('name').where('repository', 'is not', null).doNothing())
            .returningAll()
            .executeTakeFirst()
        : await transaction
            .updateTable('projects')
            .set({ name: project.name, ...columns, removed_repository: null, removed_at: null })
            .where('id', '=', before.id)
            .returningAll()
            .executeTakeFirst()
    if (row === undefined) throw nameTaken(project.name)
    const approvedOrders = left === undefined ? 0 : await takeApprovedOrders(transaction, left.id)
    return { project: toView(row), restored: before !== undefined, approved_orders: approvedOrders }
  })
}

/** The one of this name and repository that was removed last, unless the name is in use again. */
async function removedProject(db: Db, { name, repository, forge }: NewProjectRow): Promise<{ id: string } | undefined> {
  return await db
    .selectFrom('projects')
    .select('id')
    .where('name', '=', name)
    .where('removed_repository', '=', repository)
    // Pull requests of another forge have numbers of their own.
    .where('forge', '=', forge)
    .where('removed_at', 'is not', null)
    .where(
      sql<boolean>`not exists (select from projects as used where used.name = ${name} and used.repository is not null)`,
    )
    .orderBy('removed_at', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
}

export function nameTaken(name: string): Fault {
  const message = `A project named "${name}" exists already. Choose another name with --name.`
  return new Fault('request_invalid', message, { name })
}

/** Those that can be used, by name, as they may be shown. */
export async function listProjects(db: Db): Promise<ProjectView[]> {
  return (await usableRows(db)).map(toView)
}

/** Those that can be used, by name; a repository is as its row has it, and may be one that is refused. */
export async function allProjects(db: Db): Promise<Project[]> {
  return (await usableRows(db)).map(toProject)
}

function usableRows(db: Db): Promise<ProjectRow[]> {
  return db
    .selectFrom('projects')
    .selectAll()
    .where('repository', 'is not', null)
    .where('forge', 'in', FORGES)
    .orderBy('name')
    .execute()
}

/** Those whose forge this version does not know, so that they are not in the list; by name. */
export async function projectsOfUnknownForges(db: Db): Promise<{ name: string; forge: string }[]> {
  return db.selectFrom('projects').select(['name', 'forge']).where('forge', 'not in', FORGES).orderBy('name').execute()
}

/** @throws {Fault} `not_found` */
export async function findProjectByName(db: Db, name: string): Promise<Project> {
  return toProject(await findRow(db, name))
}

/** The same, as it may be shown. @throws {Fault} `not_found` */
export async function showProject(db: Db, name: string): Promise<ProjectView> {
  return toView(await findRow(db, name))
}

async function findRow(db: Db, name: string): Promise<ProjectRow> {
  const row = await db
    .selectFrom('projects')
    .selectAll()
    .where('name', '=', name)
    .where('repository', 'is not', null)
    .executeTakeFirst()
  if (row === undefined)
    throw new Fault('not_found', `There is no project "${name}". Add it with: moose init`, { name })
  return row
}

/** Its cap of a month in USD, as a decimal; null: the usual one. @throws {Fault} `not_found` */
export async function setProjectBudget(db: Db, name: string, usd: string | null): Promise<void> {
  const { id } = await findProjectByName(db, name)
  await db.updateTable('projects').set({ budget_usd: usd }).where('id', '=', id).execute()
}

/**
 * The project of an order; for an order that names none, the only one there is. Its repository is one that Moose opens:
 * a row is written by any client, and what becomes of it is kept with the attempt.
 *
 * @throws {Fault} `project_required`, `repository_refused`
 */
export async function projectOf(db: Db, projectId: string | null): Promise<Project> {
  return openable(toProject(await rowOf(db, projectId)))
}

/** @throws {Fault} `project_required` */
async function rowOf(db: Db, projectId: string | null): Promise<ProjectRow> {
  const all = db.selectFrom('projects').selectAll()
  const rows = await (projectId === null
    ? all.where('repository', 'is not', null).limit(2)
    : all.where('id', '=', projectId)
  ).execute()
  const [row] = rows
  if (row !== undefined && rows.length === 1) return row
  const message =
    row === undefined
      ? 'No project is set up. Add the repository with: moose init'
      : 'The work order names no project and there are several. Set its project_id.'
  throw new Fault('project_required', message)
}

/**
 * What is protected in the project of an order, which is found as by `projectOf`; what is written there and no list
 * of texts counts for nothing.
 *
 * @throws {Fault} `project_required`
 */
export async function protectionOf(db: Db, projectId: string | null): Promise<ProtectionRules> {
  return protectionIn(await rowOf(db, projectId))
}

/** The same of several projects, by their ids; of one that is not there, nothing. */
export async function protectionsOf(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, ProtectionRules>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('projects').select(['id', 'protect', 'unprotect']).where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, protectionIn(row)]))
}

const Patterns = z.array(z.string().refine((text) => patternProblem(text) === null)).catch([])

function protectionIn({ protect, unprotect }: Pick<ProjectRow, 'protect' | 'unprotect'>): ProtectionRules {
  return { protect: Patterns.parse(protect), unprotect: Patterns.parse(unprotect) }
}

const MIRROR_ID = sql<string>`coalesce(projects.mirror_id, projects.id)`

/** Those of some ids that no project has, or one that was removed. */
export async function unknownProjects(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const known = await db
    .selectFrom('projects')
    .select('id')
    .where('id', 'in', ids)
    .where('repository', 'is not', null)
    .execute()
  const there = new Set(known.map(({ id }) => id))
  return ids.filter((id) => !there.has(id))
}

/** Those of some ids that no project calls its mirror. */
export async function unknownMirrors(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const known = await db.selectFrom('projects').select(MIRROR_ID.as('id')).where(MIRROR_ID, 'in', ids).execute()
  const there = new Set(known.map(({ id }) => id))
  return ids.filter((id) => !there.has(id))
}

/**
 * Does something while no attempt can begin in the project of a mirror, if nothing of it is unfinished and nothing was begun or ended
 * for so many days.
 *
 * @returns whether it was done
 */
export async function whileUnused(
  db: Db,
  { mirrorId, days }: { mirrorId: string; days: number },
  act: () => Promise<void>,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    // A new attempt refers to the project and so has to wait for this lock.
    const { rows } = await sql<{ id: string }>`
      select id from projects where ${MIRROR_ID} = ${mirrorId} and created_at < ${longAgo(days)} for update
    `.execute(transaction)
    const [project] = rows
    if (project === undefined || (await isUsed(transaction, project.id, days))) return false
    await act()
    return true
  })
}

const longAgo = (days: number) => sql`moose_now() - make_interval(days => ${days})`

async function isUsed(db: Db, projectId: string, days: number): Promise<boolean> {
  const { rows } = await sql<{ used: boolean }>`
    select exists (
      select from work_orders
      where (project_id = ${projectId} or project_id is null) and status in ('pending', 'in_progress', 'blocked')
    ) or exists (
      select from attempts where project_id = ${projectId}
        and (status = 'running' or coalesce(ended_at, claimed_at) >= ${longAgo(days)})
    ) as used
  `.execute(db)
  return rows[0]?.used !== false
}

/** @throws {Fault} `repository_refused` */
function openable(project: Project): Project {
  try {
    parseRepositoryUrl(project.repository)
    return project
  } catch (error) {
    const { code, message } = toFault(error)
    const remedy = `Correct the row of project "${project.name}" in projects.`
    throw new Fault(code, `${message} ${remedy}`, { project: project.name }, error)
  }
}

export type ProjectRow = Selectable<Database['projects']>

export function toProject(row: ProjectRow): Project {
  if (row.repository === null) throw unusable(row)
  if (row.forge !== 'local' && row.forge !== 'github') {
    throw new Fault('forge_unsupported', `Project "${row.name}" names an unknown forge "${row.forge}".`, {
      forge: row.forge,
    })
  }
  return {
    id: row.id,
    name: row.name,
    repository: row.repository,
    defaultBranch: row.default_branch,
    forge: row.forge,
    forgeHost: row.forge_host,
    mirrorId: row.mirror_id === null ? row.id : row.mirror_id,
    branchPattern: row.branch_pattern,
    commits: {
      author: row.author,
      committer: row.committer,
      signOff: row.sign_off === true,
      signingKey: row.signing_key,
    },
    sandboxImage: row.sandbox_image,
  }
}

function unusable({ name, removed_repository: removed }: ProjectRow): Fault {
  const message =
    removed === null
      ? `Project "${name}" has no repository. Give it one, in a checkout of it, with: moose init --name ${name}   then retry the order.`
      : `Project "${name}" was removed. Bring it back with: moose init ${shownRepository(removed)} --name ${name}   then retry the order.`
  return new Fault('project_required', message, { project: name })
}

export function toView(row: ProjectRow): ProjectView {
  const { branchPattern, commits, ...project } = toProject(row)
  return {
    id: project.id,
    name: project.name,
    repository: shownRepository(project.repository),
    default_branch: project.defaultBranch,
    forge: project.forge,
    forge_host: project.forgeHost,
    budget_usd: row.budget_usd === null ? null : Number(row.budget_usd),
    branch_pattern: branchPattern,
    author: commits.author,
    committer: commits.committer,
    sign_off: commits.signOff,
    signing_key: commits.signingKey,
    allowed_hosts: grantsIn(row),
    protect: [...protectionIn(row).protect],
    unprotect: [...protectionIn(row).unprotect],
    sandbox_image: project.sandboxImage,
    max_open_pull_requests: row.max_open_pull_requests,
    merge_policy: row.merge_policy,
    auto_approve: row.auto_approve,
    auto_merge: row.auto_merge,
  }
}

/** What is no grant, in a row that another program has written, grants nothing. */
export function grantsIn({ allowed_hosts: stored }: Pick<ProjectRow, 'allowed_hosts'>): HostGrant[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry) => {
    const read = HostGrant.safeParse(entry)
    return read.success ? [read.data] : []
  })
}

/** What is granted to a project now; nothing where there is none of this id. */
export async function grantsOf(db: Db, projectId: string): Promise<HostGrant[]> {
  const query = db.selectFrom('projects').select('allowed_hosts').where('id', '=', projectId)
  const row = await query.executeTakeFirst()
  return row === undefined ? [] : grantsIn(row)
}
