import type { WorkOrderView } from '../../contract/work-orders.ts'
import { reasonOf } from '../../db/database-fault.ts'
import { allProjects } from '../../db/projects.ts'
import type { Project } from '../../work-order/project.ts'
import type { HttpDeps } from '../http-deps.ts'
import type { HttpEnv } from '../http-env.ts'
import { projectOf } from '../verification.ts'
import { type BaseFiles, isThere } from './base-files.ts'

type Parts = Pick<HttpEnv['Variables'], 'deps' | 'baseFiles'>

/** Orders with what of their files to read the base does not have, as far as that is known without the network. */
export async function withMissingContext<Order extends WorkOrderView>(
  { deps, baseFiles }: Parts,
  orders: readonly Order[],
): Promise<(Order & Required<Pick<WorkOrderView, 'missing_context'>>)[]> {
  const isNamed = orders.some(({ context }) => context.length > 0)
  const projects = isNamed ? await allProjects(deps.db) : []
  const known = new Map<string, Promise<BaseFiles | null>>()
  return Promise.all(
    orders.map(async (order) => {
      const project = order.context.length === 0 ? null : projectOf(projects, order)
      if (project === null) return { ...order, missing_context: [] }
      const base = known.get(project.id) ?? baseFiles(deps, project, false).catch(withoutFiles(deps, project))
      known.set(project.id, base)
      const files = await base
      return {
        ...order,
        missing_context: files === null ? [] : order.context.filter((path) => !isThere(files.paths, path)),
      }
    }),
  )
}

/** Whether files are there is told where it is known. */
export function withoutFiles({ log }: Pick<HttpDeps, 'log'>, { name }: Project): (error: unknown) => null {
  return (error) => {
    log.debug({ reason: reasonOf(error), project: name }, 'the files of the base are not known')
    return null
  }
}
