import { type Kysely, type Selectable, sql } from 'kysely'
import type { ProjectView } from '../contract/projects.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { parseRepositoryUrl, shownRepository } from '../git/repository-url.ts'
import type { Project } from '../work-order/project.ts'
import type { Database } from './schema.ts'

type Db = Kysely<Database>

const FORGES = ['local', 'github']

/** @throws {Fault} `request_invalid` when the name is taken */
export async function addProject(
  db: Db,
  project: { name: string; repository: string; defaultBranch: string; forge: 'local' | 'github' },
): Promise<ProjectView> {
  const row = await db
    .insertInto('projects')
    .values({
      name: project.name,
      repository: project.repository,
      default_branch: project.defaultBranch,
      forge: project.forge,
    })
    .onConflict((conflict) => conflict.column('name').where('repository', 'is not', null).doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) {
    const message = `A project named "${project.name}" exists already. Choose another name with --name.`
    throw new Fault('request_invalid', message, { name: project.name })
  }
  return toView(toProject(row))
}

/** Those that can be used, by name, as they may be shown. */
export async function listProjects(db: Db): Promise<ProjectView[]> {
  return (await allProjects(db)).map(toView)
}

/** Those that can be used, by name; a repository is as its row has it, and may be one that is refused. */
export async function allProjects(db: Db): Promise<Project[]> {
  const rows = await db
    .selectFrom('projects')
    .selectAll()
    .where('repository', 'is not', null)
    .where('forge', 'in', FORGES)
    .orderBy('name')
    .execute()
  return rows.map(toProject)
}

/** Those whose forge this version does not know, so that they are not in the list; by name. */
export async function projectsOfUnknownForges(db: Db): Promise<{ name: string; forge: string }[]> {
  return db.selectFrom('projects').select(['name', 'forge']).where('forge', 'not in', FORGES).orderBy('name').execute()
}

/** @throws {Fault} `not_found` */
export async function findProjectByName(db: Db, name: string): Promise<Project> {
  const row = await db
    .selectFrom('projects')
    .selectAll()
    .where('name', '=', name)
    .where('repository', 'is not', null)
    .executeTakeFirst()
  if (row === undefined)
    throw new Fault('not_found', `There is no project "${name}". Add it with: moose init`, { name })
  return toProject(row)
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
  const all = db.selectFrom('projects').selectAll()
  const rows = await (projectId === null
    ? all.where('repository', 'is not', null).limit(2)
    : all.where('id', '=', projectId)
  ).execute()
  const [row] = rows
  if (row !== undefined && rows.length === 1) return openable(toProject(row))
  const message =
    row === undefined
      ? 'No project is set up. Add the repository with: moose init'
      : 'The work order names no project and there are several. Set its project_id.'
  throw new Fault('project_required', message)
}

/** Those of some ids that no project has. */
export async function unknownProjects(db: Db, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const known = await db.selectFrom('projects').select('id').where('id', 'in', ids).execute()
  const there = new Set(known.map(({ id }) => id))
  return ids.filter((id) => !there.has(id))
}

/**
 * Does something while no attempt can begin in a project, if nothing of it is unfinished and nothing was begun or ended
 * for so many days.
 *
 * @returns whether it was done
 */
export async function whileUnused(
  db: Db,
  { projectId, days }: { projectId: string; days: number },
  act: () => Promise<void>,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    // A new attempt refers to the project and so has to wait for this lock.
    const { rows } = await sql<{ id: string }>`
      select id from projects where id = ${projectId} and created_at < ${longAgo(days)} for update
    `.execute(transaction)
    if (rows.length === 0 || (await isUsed(transaction, projectId, days))) return false
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

function toProject(row: Selectable<Database['projects']>): Project {
  if (row.repository === null) {
    const message = `Project "${row.name}" has no repository. Set projects.repository to a git URL or an absolute path.`
    throw new Fault('project_required', message, { project: row.name })
  }
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
  }
}

function toView(project: Project): ProjectView {
  return {
    id: project.id,
    name: project.name,
    repository: shownRepository(project.repository),
    default_branch: project.defaultBranch,
    forge: project.forge,
  }
}
