import type { Kysely } from 'kysely'
import type { OrderChanges } from '../contract/changes.ts'
import { allProjects, protectionsOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { filesOfDiff } from '../work-order/diff-files.ts'
import { heldFrom } from '../work-order/protection/held-change.ts'
import { protectionBy } from '../work-order/protection/protected-paths.ts'
import { isInScope } from '../work-order/scope.ts'
import { projectOf } from './verification.ts'
import { workOrderDetail } from './work-order-detail.ts'

type Found = { id: string; changes: OrderChanges | null }

/**
 * What an order has changed, file by file: what is held of it, while a human has to allow that, else its pull request.
 *
 * @throws {Fault} `work_order_not_found`
 */
export async function orderChanges(db: Kysely<Database>, idOrPrefix: string): Promise<Found> {
  const order = await workOrderDetail(db, idOrPrefix)
  const { id, pull_request: pull, status_reason: reason, files_in_scope: scope } = order
  const isHeld = order.status === 'blocked' && reason?.code === 'protected_change'
  const held = isHeld ? reason.details?.['diff'] : undefined
  const diff = typeof held === 'string' ? held : pull?.diff
  if (diff === undefined) return { id, changes: null }
  const project = projectOf(await allProjects(db), order)
  const rules = project === null ? undefined : (await protectionsOf(db, [project.id])).get(project.id)
  const protection = protectionBy(rules === undefined ? { protect: [], unprotect: [] } : rules)
  const listed = isHeld ? heldFrom(reason.details)?.held : undefined
  const whyHeld = new Map(listed?.flatMap(({ path, why, fingerprint }) => (fingerprint === null ? [[path, why]] : [])))
  const { files, cut } = filesOfDiff(diff)
  const views = files.map((file) => {
    const why = whyHeld.get(file.path)
    return {
      ...file,
      in_scope: isInScope(file.path, scope),
      protected: why === undefined ? protection.whyProtected(file.path) : why,
    }
  })
  return { id, changes: { source: typeof held === 'string' ? 'held' : 'pull_request', files: views, cut } }
}
