import path from 'node:path'
import type { Kysely } from 'kysely'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { reasonOf } from '../db/database-fault.ts'
import { allProjects } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import type { ProjectConfig } from '../ports/execution.ts'
import type { Project } from '../work-order/project.ts'
import { verificationOf } from '../work-order/proves.ts'
import type { HttpDeps } from './http-deps.ts'

/** A repository on this machine is asked where its base stands; for no longer than this. */
const LOOK_MS = 2_000

type Deps = Pick<HttpDeps, 'adapters' | 'log'> & { db: Kysely<Database> }

/**
 * Orders with what the checks of their projects will say of them, as far as that is known without the network: by the base
 * that was fetched last, or that of a repository on this machine.
 */
export async function withVerification<Order extends WorkOrderView>(
  deps: Deps,
  orders: readonly Order[],
): Promise<Order[]> {
  if (orders.length === 0) return []
  const projects = await allProjects(deps.db)
  const known = new Map<string, Promise<ProjectConfig | null>>()
  return Promise.all(
    orders.map(async (order) => {
      const project = projectOf(projects, order)
      if (project === null) return { ...order, verification: null }
      const config = known.get(project.id) ?? lastConfig(deps, project)
      known.set(project.id, config)
      const read = await config
      return { ...order, verification: read === null ? null : verificationOf(read.checks, order.acceptance_criteria) }
    }),
  )
}

function projectOf(projects: readonly Project[], { project }: WorkOrderView): Project | null {
  const [only, second] = projects
  const found =
    project === null ? (second === undefined ? only : undefined) : projects.find(({ name }) => name === project)
  return found === undefined ? null : found
}

/** Null: it is not known, or cannot be read; `moose check` says why. */
async function lastConfig({ adapters, log }: Deps, project: Project): Promise<ProjectConfig | null> {
  const { workspaces, bases } = adapters
  try {
    const sha = path.isAbsolute(project.repository)
      ? await workspaces.fetchBase(project, AbortSignal.timeout(LOOK_MS))
      : await workspaces.lastBase(project)
    return sha === null ? null : await bases.configOf(project, sha)
  } catch (error) {
    log.debug({ reason: reasonOf(error), project: project.name }, 'what checks will say is not known')
    return null
  }
}
