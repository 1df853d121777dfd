import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { MergeAsked } from '../contract/evidence/merge-asked.ts'
import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { protectionsOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { allowancesOfAll } from '../db/work-orders/allowed-changes.ts'
import { type MergeCandidate, mergeCandidates } from '../db/work-orders/merge-candidates.ts'
import { scopeHistory } from '../db/work-orders/scope-history.ts'
import { type MergeRefusal, mayMerge } from '../director/may-merge.ts'
import { riskOf } from '../director/risk-rules.ts'
import { protectionBy } from '../work-order/protection/protected-paths.ts'
import { actByRule, type MergeActs } from './act-by-rule.ts'

type Db = Kysely<Database>

/** What the rules say of an open pull request: it is merged where none refuses; `asked`: what has come of that. */
export type MergeVerdict = { order: MergeCandidate; refusals: readonly MergeRefusal[]; asked: MergeAsked | null }

/**
 * What the rules say of the pull requests of orders in review, by the orders' ids. Orders in projects of the merge policy `manual`
 * are not there, but those whose forge was asked to merge by itself.
 *
 * @param ids of these orders alone; null: of all
 */
export async function mergeVerdicts(
  db: Db,
  ids: readonly string[] | null,
  now: Date,
): Promise<ReadonlyMap<string, MergeVerdict>> {
  const candidates = ids?.length === 0 ? [] : await mergeCandidates(db, ids)
  const allowances = await allowancesOfAll(
    db,
    candidates.map(({ id }) => id),
  )
  const verdicts = new Map<string, MergeVerdict>()
  for (const order of candidates) {
    const refusals = await refusalsOf(db, order, { hasHeldChanges: allowances.has(order.id), now })
    verdicts.set(order.id, { order, refusals, asked: order.merge_asked })
  }
  return verdicts
}

async function refusalsOf(
  db: Db,
  order: MergeCandidate,
  more: { hasHeldChanges: boolean; now: Date },
): Promise<MergeRefusal[]> {
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
  const { merge_policy: policy, auto_merge: most, is_approved: isApproved, is_in_review: isInReview, forge } = order
  const own = { policy, most, forge, risk, isApproved, isInReview, pull: order }
  return mayMerge({ ...own, ...more, seen: seenOf(order), mergedBeside: order.merged_beside })
}

function seenOf({ followed_sha: sha, followed_since: since, followed_at: at }: MergeCandidate) {
  return sha === null || since === null || at === null ? null : { sha, since, at }
}

/** Merges what may be merged without a human, or has its forge do so, beside everything else; one look at a time. */
export function createMergeByRule(
  acts: Omit<MergeActs, 'signal'> & { clock: Clock },
): { look(): void } & AsyncDisposable {
  const { db, clock, onError } = acts
  const stopping = new AbortController()
  let looking: Promise<void> | null = null
  let isDue = false
  async function mergeAll(): Promise<void> {
    const verdicts = await mergeVerdicts(db, null, clock.now())
    for (const [id, { refusals, asked }] of verdicts) {
      if (stopping.signal.aborted) return
      if (refusals.length > 0 && asked === null) continue
      // Anew: a merge of the one before may have moved its base.
      const now = (await mergeVerdicts(db, [id], clock.now())).get(id)
      if (now === undefined) continue
      await actByRule({ ...acts, signal: stopping.signal }, now.order, now.refusals).catch(onError)
    }
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
      if (stopping.signal.aborted) return
      isDue = true
      looking ??= whileDue()
    },
    async [Symbol.asyncDispose]() {
      isDue = false
      stopping.abort()
      await looking
    },
  }
}
