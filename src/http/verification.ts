import path from 'node:path'
import type { Kysely } from 'kysely'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { reasonOf } from '../db/database-fault.ts'
import { allProjects, protectionsOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { allowancesOfAll } from '../db/work-orders/allowed-changes.ts'
import type { ProjectConfig } from '../ports/execution.ts'
import type { Project } from '../work-order/project.ts'
import { allowanceFor } from '../work-order/protection/held-change.ts'
import { protectionBy } from '../work-order/protection/protected-paths.ts'
import { verificationOf } from '../work-order/proves.ts'
import type { HttpDeps } from './http-deps.ts'

/** A repository on this machine is asked where its base stands; for no longer than this. */
const LOOK_MS = 2_000

type Deps = Pick<HttpDeps, 'adapters' | 'log'> & { db: Kysely<Database> }

/** What has to be known of an order; `id` is null of one that is not filed. */
type Verifiable = Pick<WorkOrderView, 'project' | 'acceptance_criteria' | 'files_in_scope'> & { id: string | null }
type Verified = Required<Pick<WorkOrderView, 'verification' | 'protected_scope'>>

/**
 * Orders with what the checks of their projects will say of them, as far as that is known without the network: by the base
 * that was fetched last, or that of a repository on this machine.
 */
export async function withVerification<Order extends Verifiable>(
  deps: Deps,
  orders: readonly Order[],
): Promise<(Order & Verified)[]> {
  if (orders.length === 0) return []
  const projects = await allProjects(deps.db)
  const protect = await protectedScopes(deps.db, projects, orders)
  const known = new Map<string, Promise<ProjectConfig | null>>()
  return Promise.all(
    orders.map(async (order) => {
      const project = projectOf(projects, order)
      const protected_scope = protect(order)
      if (project === null) return { ...order, verification: null, protected_scope }
      const config = known.get(project.id) ?? lastConfig(deps, project)
      known.set(project.id, config)
      const read = await config
      const verification = read === null ? null : verificationOf(read.checks, order.acceptance_criteria)
      return { ...order, verification, protected_scope }
    }),
  )
}

type ProtectedScope = NonNullable<WorkOrderView['protected_scope']>

/** What of the scopes of some orders a human has to allow, and whether that is said already. */
async function protectedScopes(
  db: Kysely<Database>,
  projects: readonly Project[],
  orders: readonly Verifiable[],
): Promise<(order: Verifiable) => ProtectedScope> {
  const concerned = orders.flatMap((order) => projectOf(projects, order) ?? [])
  const rules = await protectionsOf(db, [...new Set(concerned.map(({ id }) => id))])
  const protections = new Map([...rules].map(([id, rule]) => [id, protectionBy(rule)]))
  const allowances = await allowancesOfAll(
    db,
    orders.flatMap(({ id }) => (id === null ? [] : [id])),
  )
  return (order) => {
    const project = projectOf(projects, order)
    const protection = project === null ? undefined : protections.get(project.id)
    if (protection === undefined) return []
    const own = (order.id === null ? undefined : allowances.get(order.id)) ?? []
    return order.files_in_scope.flatMap((path) => {
      const why = protection.whyProtected(path)
      const allowed = allowanceFor({ path, why: '', fingerprint: null }, '', own) !== undefined
      return why === null ? [] : [{ path, why, allowed }]
    })
  }
}

/** The project of an order: the one it names, or the only one; null: neither. */
export function projectOf(projects: readonly Project[], { project }: Verifiable): Project | null {
  const [only, second] = projects
  const found =
    project === null ? (second === undefined ? only : undefined) : projects.find(({ name }) => name === project)
  return found === undefined ? null : found
}

/** Null: it is not known, or cannot be read; `moose check` says why. */
async function lastConfig(deps: Deps, project: Project): Promise<ProjectConfig | null> {
  try {
    const sha = await knownBase(deps, project)
    return sha === null ? null : await deps.adapters.bases.configOf(project, sha)
  } catch (error) {
    deps.log.debug({ reason: reasonOf(error), project: project.name }, 'what checks will say is not known')
    return null
  }
}

/**
 * Where the base stands, without the network: as it was fetched last, or as a repository on this machine has it now.
 *
 * @returns null: it was not fetched yet
 * @throws {Fault} as `Workspaces.fetchBase`
 */
export async function knownBase({ adapters: { workspaces } }: Pick<Deps, 'adapters'>, project: Project) {
  return path.isAbsolute(project.repository)
    ? await workspaces.fetchBase(project, AbortSignal.timeout(LOOK_MS))
    : await workspaces.lastBase(project)
}
