import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { MergeAsked } from '../contract/evidence/merge-asked.ts'
import { recordIn } from '../contract/evidence/pull-request-record.ts'
import { askedOfForges } from '../db/pull-requests/merge-asked.ts'
import type { Database } from '../db/schema.ts'
import { allowancesOfAll } from '../db/work-orders/allowed-changes.ts'
import { type MergeCandidate, mergeCandidateIds, mergeCandidates } from '../db/work-orders/merge-candidates.ts'
import { type MergeRefusal, refusalsBeforeRisk, riskRefusal } from '../director/may-merge.ts'
import { isUnreadForLong, type MergeFacts } from '../director/merge-facts.ts'
import { createRisks, type ToJudge } from '../director/order-risk.ts'
import { actByRule, askedToMerge, isAskedFor, type MergeActs } from './act-by-rule.ts'

type Db = Kysely<Database>

/** What the rules say of an open pull request: it is merged where none refuses; `asked`: what has come of that. */
export type MergeVerdict = { order: MergeCandidate; refusals: readonly MergeRefusal[]; asked: MergeAsked | null }

/**
 * What every rule says of the pull requests of some orders in review, by the orders' ids. Orders in projects of the merge policy
 * `manual` are not there, but those whose forge was asked to merge by itself.
 */
export async function mergeVerdicts(
  db: Db,
  ids: readonly string[],
  here: Here,
): Promise<ReadonlyMap<string, MergeVerdict>> {
  const riskOfOrder = createRisks(db)
  const verdicts = new Map<string, MergeVerdict>()
  for (const { order, refusals } of await beforeRisk(db, ids, here)) {
    const last = riskRefusal(await riskOfOrder(toJudge(order)), order.auto_merge)
    verdicts.set(order.id, { order, refusals: [...refusals, ...last], asked: order.merge_asked })
  }
  return verdicts
}

/** Rules that have nothing against it any more after some minutes, or the next look. */
const ENDS_BY_ITSELF: ReadonlySet<string> = new Set(['checks_may_begin', 'newer_base'])
/** Rules that refuse what is new until a look has read it. */
const ENDS_WITH_A_LOOK: ReadonlySet<string> = new Set(['follow_up', 'unseen'])
/** What a forge was asked to merge and has not for so long may wait for what never comes. */
const LATE_AFTER_MS = 24 * 3_600_000
/** Orders whose risk is found for a list. */
const MOST_COMING = 20

/** What a merge by rule waits for; `isLate`: its forge was asked for it more than a day ago, and a person has to look there. */
export type Coming = { said: string; isLate: boolean }

/** Of those of some orders whose pull request is merged without a human, what that waits for, by the orders' ids. */
export async function comingByRule(db: Db, ids: readonly string[], here: Here): Promise<ReadonlyMap<string, Coming>> {
  const riskOfOrder = createRisks(db)
  const coming = new Map<string, Coming>()
  const isPassed = ({ refusals, isNew }: Judged) =>
    refusals.every(
      ({ rule, isPassing }) => isPassing === true || ENDS_BY_ITSELF.has(rule) || (isNew && ENDS_WITH_A_LOOK.has(rule)),
    )
  for (const { order, refusals } of (await beforeRisk(db, ids, here)).filter(isPassed)) {
    const { merge_asked: asked, head_sha: head } = order
    const isAsked = asked?.is === 'waiting' && asked.head_sha === head
    const [refusal] = refusals
    if (isAsked) coming.set(order.id, comingAsAsked(order, here.now.getTime() - Date.parse(asked.at)))
    // What is neither asked for nor waits is being merged, or is of a higher risk.
    if (isAsked || refusal === undefined || asked?.is === 'switched_off' || coming.size >= MOST_COMING) continue
    if (riskRefusal(await riskOfOrder(toJudge(order)), order.auto_merge).length === 0)
      coming.set(order.id, { said: `it is to be merged by rule, and waits: ${refusal.reason}`, isLate: false })
  }
  return coming
}

function comingAsAsked(order: MergeCandidate, sinceMs: number): Coming {
  const isLate = sinceMs > LATE_AFTER_MS
  return { said: `${askedToMerge(order)}${isLate ? ', and has not for more than a day' : ''}`, isLate }
}

/** When it is judged, how often pull requests are looked at, and why nothing is merged by rule then; null: nothing stops it. */
type Here = { now: Date; stopped: string | null; lookIntervalMs: number }
/** `isNew`: it was not looked at since it was opened, verified or answered, and a look is to come. */
type Judged = { order: MergeCandidate; refusals: readonly MergeRefusal[]; isNew: boolean }

/** What the rules say that need no more than two queries for all of some orders. */
async function beforeRisk(db: Db, ids: readonly string[], here: Here): Promise<Judged[]> {
  if (ids.length === 0) return []
  const candidates = await mergeCandidates(db, ids)
  const allowances = await allowancesOfAll(
    db,
    candidates.map(({ id }) => id),
  )
  return candidates.map((order) => {
    const { merge_policy: policy, auto_merge: most, is_approved: isApproved, is_as_made: isAsMade, forge } = order
    const { is_in_review: isInReview } = order
    const of = { pull: order, scope: order.files_in_scope, hasHeldChanges: allowances.has(order.id) }
    const own = { ...here, policy, most, forge, isApproved, isAsMade, isInReview, ...of }
    const facts: MergeFacts = { ...own, seen: seenOf(order), mergedBeside: order.merged_beside }
    const isNew = order.follow_up === null && !isUnreadForLong(facts)
    return { order, refusals: refusalsBeforeRisk(facts), isNew }
  })
}

/** By what its pull request changes, and the checks that have verified it. */
function toJudge(order: MergeCandidate): ToJudge {
  const record = recordIn(order.body)
  const changed_files = record === null ? [] : record.files.map(({ path }) => path)
  return { ...order, changed_files, checks: record === null ? null : record.checks.length }
}

function seenOf({ followed_sha: sha, followed_since: since, followed_at: at, ...seen }: MergeCandidate) {
  if (sha === null || since === null || at === null) return null
  const said = { changesRequested: seen.seen_changes_requested, unanswered: seen.seen_unanswered }
  const { followed_mark: mark, seen_open_threads: openThreads, seen_absent_checks: absentChecks } = seen
  return { sha, since, at, mark, openThreads, ...said, absentChecks }
}

/** Read at once. */
const PAGE = 200

/** Where that cannot be read nothing is asked for, and what a rule refuses is taken back. */
async function stoppedBy({ whyStopped, onError }: MergeByRuleDeps): Promise<string | null> {
  return await whyStopped().catch((error: unknown) => {
    onError(error)
    return null
  })
}

const TAKES_BACK = 'orders are not taken on any more'

/** Of which orders what was asked for has still to be taken back; `all`: of those at the next look; null: of none. */
type TakingBack = { of: 'all' | Set<string> | null }

/** Keeps what has still to be taken back, without what has ended since. */
async function stillAsked(db: Db, takingBack: TakingBack): Promise<TakingBack['of']> {
  const { of } = takingBack
  if (of === null) return null
  const asked = (await askedOfForges(db)).map(({ work_order_id: id }) => id)
  const left = new Set(asked.filter((id) => of === 'all' || of.has(id)))
  // Meanwhile it may have been stopped anew, or gone on.
  if (takingBack.of === of) takingBack.of = left
  return left
}

/** @param id of one order; null: of any */
async function hereOf(acts: MergeByRuleDeps, { of }: TakingBack, id: string | null): Promise<Here> {
  const isTakenBack = of !== null && (of === 'all' || id === null || of.has(id))
  const { lookIntervalMs } = acts
  return { now: acts.clock.now(), lookIntervalMs, stopped: isTakenBack ? TAKES_BACK : await stoppedBy(acts) }
}

type MergeByRuleDeps = Omit<MergeActs, 'signal'> & {
  clock: Clock
  lookIntervalMs: number
  /** Why nothing is to be merged by rule by any process, e.g. an emergency stop; null: nothing says so. */
  whyStopped: () => Promise<string | null>
}

export type MergeByRule = AsyncDisposable & {
  look(): void
  /**
   * Takes back what forges were asked for by now, at once and at each look until that is done: each once, as another process may ask
   * again. Rejects never.
   */
  takeBack(): Promise<void>
  /** Orders are taken on again. */
  goOn(): void
}

/**
 * Merges what may be merged without a human, or has its forge do so, beside everything else; one look at a time. On GitHub that is
 * only what was looked at since this process began: reviews and threads of before may be others by now.
 */
export function createMergeByRule(acts: MergeByRuleDeps): MergeByRule {
  const { db, onError } = acts
  const stopping = new AbortController()
  const began = acts.clock.now()
  const isOfBefore = ({ forge, followed_at: at }: MergeCandidate) => forge !== 'local' && (at === null || at < began)
  let looking: Promise<void> | null = null
  let isDue = false
  const takingBack: TakingBack = { of: null }
  async function mergeAll(): Promise<void> {
    const riskOfOrder = createRisks(db)
    const ids = await mergeCandidateIds(db)
    const left = await stillAsked(db, takingBack)
    for (let at = 0; at < ids.length; at += PAGE) {
      for (const { order, refusals } of await beforeRisk(db, ids.slice(at, at + PAGE), await here(null))) {
        if (stopping.signal.aborted) return
        if (refusals.length > 0 ? !isAskedFor(order) : isOfBefore(order)) continue
        await mergeOne(order.id, riskOfOrder)
      }
    }
    if (left instanceof Set && takingBack.of === left && left.size === 0) takingBack.of = null
  }
  const here = (id: string | null) => hereOf(acts, takingBack, id)
  async function mergeOne(id: string, riskOfOrder: ReturnType<typeof createRisks>): Promise<void> {
    // Anew: a merge of the one before may have moved its base.
    const [now] = await beforeRisk(db, [id], await here(id))
    if (now === undefined) return
    const { order, refusals } = now
    const all = refusals.length > 0 ? refusals : riskRefusal(await riskOfOrder(toJudge(order)), order.auto_merge)
    if (all.length === 0 && isOfBefore(order)) return
    const wentThrough = await actByRule({ ...acts, signal: stopping.signal }, order, all).catch(onError)
    if (wentThrough === true && takingBack.of instanceof Set) takingBack.of.delete(id)
  }
  async function whileDue(): Promise<void> {
    while (isDue) {
      isDue = false
      await mergeAll().catch(onError)
    }
    looking = null
  }
  function look(): void {
    if (stopping.signal.aborted) return
    isDue = true
    looking ??= whileDue()
  }
  return {
    look,
    async takeBack() {
      takingBack.of = 'all'
      look()
      await looking
    },
    goOn: () => void (takingBack.of = null),
    async [Symbol.asyncDispose]() {
      isDue = false
      stopping.abort()
      await looking
    },
  }
}
