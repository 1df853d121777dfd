import type { Kysely } from 'kysely'
import { type Actor, MOOSE } from '../contract/actor.ts'
import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { protectionsOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { allowancesOfAll } from '../db/work-orders/allowed-changes.ts'
import { type MergeCandidate, mergeCandidates } from '../db/work-orders/merge-candidates.ts'
import { scopeHistory } from '../db/work-orders/scope-history.ts'
import { type MergeRefusal, mayMerge } from '../director/may-merge.ts'
import { riskOf } from '../director/risk-rules.ts'
import { protectionBy } from '../work-order/protection/protected-paths.ts'

type Db = Kysely<Database>
/** Merges the pull request an order is in review with. */
type Merge = (workOrderId: string, by: Actor) => Promise<void>

/**
 * Why the pull requests of orders in review are not merged by rule, by their ids; of one that is to be merged the list is empty.
 * Orders in projects of the merge policy `manual` are not there.
 *
 * @param ids of these orders alone; null: of all
 */
export async function mergeRefusals(
  db: Db,
  ids: readonly string[] | null,
): Promise<ReadonlyMap<string, readonly MergeRefusal[]>> {
  const candidates = ids?.length === 0 ? [] : await mergeCandidates(db, ids)
  const allowances = await allowancesOfAll(
    db,
    candidates.map(({ id }) => id),
  )
  const refusals = new Map<string, MergeRefusal[]>()
  for (const order of candidates) refusals.set(order.id, await refusalsOf(db, order, allowances.has(order.id)))
  return refusals
}

async function refusalsOf(db: Db, order: MergeCandidate, hasHeldChanges: boolean): Promise<MergeRefusal[]> {
  const { project_id: projectId, files_in_scope: files } = order
  const rules = (await protectionsOf(db, [projectId])).get(projectId)
  const protection = rules === undefined ? undefined : protectionBy(rules)
  const protected_scope = files.flatMap((path) => {
    const why = protection === undefined ? null : protection.whyProtected(path)
    return why === null ? [] : [{ path, why }]
  })
  const record = recordIn(order.body)
  const history = await scopeHistory(db, { id: order.id, projectId, files })
  const risk = riskOf({ ...order, protected_scope, checks: record === null ? null : record.checks.length, history })
  const { merge_policy: policy, auto_merge: most, is_approved: isApproved, forge } = order
  return mayMerge({ policy, most, forge, risk, isApproved, hasHeldChanges, pull: order })
}

/** Merges what may be merged without a human, beside everything else; one look at a time. */
export function createMergeByRule(
  db: Db,
  { merge, onError }: { merge: Merge; onError: (error: unknown) => void },
): { look(): void; [Symbol.asyncDispose](): Promise<void> } {
  let looking: Promise<void> | null = null
  let isDue = false
  async function mergeAll(): Promise<void> {
    const refusals = await mergeRefusals(db, null)
    for (const [id, refused] of refusals) if (refused.length === 0) await merge(id, MOOSE).catch(onError)
  }
  async function whileDue(): Promise<void> {
    while (isDue) {
      isDue = false
      await mergeAll().catch(onError)
    }
    looking = null
  }
  return {
    look() {
      isDue = true
      looking ??= whileDue()
    },
    async [Symbol.asyncDispose]() {
      isDue = false
      await looking
    },
  }
}
