import type { Kysely } from 'kysely'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { projectOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder, moveWorkOrder, wrongStatus } from '../db/work-orders.ts'
import type { Forges } from '../pipeline/ports/pull-request.ts'
import { recordPullRequestEnd } from '../results/record-pull-request-end.ts'
import type { Project } from '../work-order/project.ts'
import type { Orchestrator } from './orchestrator.ts'

type Deps = {
  db: Kysely<Database>
  forges: Forges
  /** Ends suspended attempts that nobody will resume. */
  endAbandoned: () => Promise<void>
}

/**
 * What a human decides about an order, with the faults of `Orchestrator`.
 *
 * @param stopAttempt ends the attempt of a cancelled order, if it runs in this process
 */
export function createDecisions(
  deps: Deps,
  stopAttempt: (workOrderId: string) => void,
): Pick<Orchestrator, 'cancel' | 'retry' | 'merge' | 'close'> {
  return {
    cancel: async (idOrPrefix) => stopAttempt(await cancelOrder(deps, idOrPrefix)),
    retry: (idOrPrefix) => retryOrder(deps, idOrPrefix),
    merge: (idOrPrefix) => decidePullRequest(deps, idOrPrefix, 'merge'),
    close: (idOrPrefix) => decidePullRequest(deps, idOrPrefix, 'close'),
  }
}

/** @returns the order's id */
async function cancelOrder(deps: Deps, idOrPrefix: string): Promise<string> {
  const { id } = await findWorkOrder(deps.db, idOrPrefix)
  const from = ['pending', 'in_progress', 'blocked', 'failed'] as const
  const move = { from, exceptPhase: 'in_review', to: 'cancelled', reason: null } as const
  if (await moveWorkOrder(deps.db, id, move)) {
    await deps.endAbandoned()
    return id
  }
  const order = await findWorkOrder(deps.db, id)
  if (order.phase !== 'in_review') throw wrongStatus(order, 'cancelled')
  await endPullRequest(deps, order, 'close')
  return id
}

/** Makes an ended or blocked order pending; its approval stays as it is. A suspended attempt goes on, a cancelled one not. */
async function retryOrder({ db, endAbandoned }: Deps, idOrPrefix: string): Promise<void> {
  await endAbandoned()
  const order = await findWorkOrder(db, idOrPrefix)
  const move = { from: ['failed', 'blocked', 'cancelled'], to: 'pending', reason: null } as const
  if (!(await moveWorkOrder(db, order.id, move))) throw wrongStatus(order, 'retried')
}

/** Merges or closes the pull request of an order in review, and records how it ended. */
async function decidePullRequest(deps: Deps, idOrPrefix: string, decision: 'merge' | 'close'): Promise<void> {
  const order = await findWorkOrder(deps.db, idOrPrefix)
  await endPullRequest(deps, order, decision)
}

async function endPullRequest(deps: Deps, order: WorkOrderView, decision: 'merge' | 'close'): Promise<void> {
  if (order.phase !== 'in_review' || order.github_pr_number === null) {
    throw wrongStatus(order, decision === 'merge' ? 'merged' : 'closed')
  }
  const project = await projectOfAttempt(deps, order)
  const forge = deps.forges[project.forge]
  const pullRequest =
    decision === 'merge'
      ? await forge.merge(project, order.github_pr_number)
      : await forge.close(project, order.github_pr_number)
  await recordPullRequestEnd(deps.db, { workOrderId: order.id, attempt: order.attempts, pullRequest })
}

/** Where the last attempt was carried out; that stands even when a project was added since. */
async function projectOfAttempt({ db }: Deps, order: WorkOrderView): Promise<Project> {
  const row = await db
    .selectFrom('attempts')
    .select('project_id')
    .where('work_order_id', '=', order.id)
    .where('number', '=', order.attempts)
    .executeTakeFirst()
  return projectOf(db, row === undefined ? null : row.project_id)
}
