import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { type Actor, MOOSE } from '../contract/actor.ts'
import type { MergeAsked } from '../contract/evidence/merge-asked.ts'
import { forgeName } from '../contract/evidence/merged-by.ts'
import { projectOf } from '../db/projects.ts'
import { keepMergeAsked, mergeAskedIn } from '../db/pull-requests/merge-asked.ts'
import { findPullRequestOfAttempt } from '../db/pull-requests/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import type { MergeCandidate } from '../db/work-orders/merge-candidates.ts'
import type { MergeRefusal } from '../director/may-merge.ts'
import { isRunning } from '../director/merge-facts.ts'
import { type Fault, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { FollowUpForge, FollowUpForges, OfPullRequest } from '../ports/pull-request-facts.ts'

export type MergeActs = {
  db: Kysely<Database>
  clock: Clock
  forges: FollowUpForges
  /** Merges the pull request an order is in review with. */
  merge: (workOrderId: string, by: Actor) => Promise<void>
  /** Whether orders are taken on here: nothing is asked for otherwise, and what was asked for is taken back all the same. */
  isTakenOn: () => Promise<boolean>
  onError: (error: unknown) => void
  signal: AbortSignal
}

/** How long what was refused is left alone where nothing about it has changed: settings of a forge change unseen. */
const AFTER_REFUSAL_MS = 24 * 3_600_000
const AFTER_FAULT_MS = 300_000
/** The branch stands elsewhere, or the order has moved: the next look at the pull request sees that. */
const AFTER_CONFLICT_MS = 60_000
/** Whether its forge merges it by itself is not read from a look that began sooner after that was agreed. */
const SHOWN_WITHIN_MS = 5_000
/** A process that has asked a forge for so long is taken for gone; no other one asks it, or takes that back, before. */
const ASKS_WITHIN_MS = 300_000

/**
 * Merges a pull request that no rule refuses, or has its forge merge it by itself; takes that back where its branch has moved or a
 * rule refuses now. A forge is asked once for a commit: what was asked is kept before, so that a crash leaves it to be looked for.
 *
 * @returns whether it was taken back
 */
export async function actByRule(
  acts: MergeActs,
  order: MergeCandidate,
  refusals: readonly MergeRefusal[],
): Promise<boolean> {
  const { merge_asked: asked, head_sha: head } = order
  const [refusal] = refusals
  if (asked?.is === 'asking' && !isAgain(asked, acts.clock.now())) return false
  // What is not known for a moment takes nothing back.
  if (asked !== null && isAskedFor(order) && asked.head_sha === head && isPassing(refusals)) return false
  if (asked !== null && isSwitchedOff(order, asked)) {
    await leaveOff(acts, order, asked)
    return false
  }
  if (asked !== null && isAskedFor(order) && (refusal !== undefined || asked.head_sha !== head)) {
    const why = refusal === undefined ? 'another commit is to be merged' : refusal.reason
    return await withdraw(acts, order, { asked, why })
  }
  if (refusal !== undefined || !isDue(order, acts.clock.now()) || !(await acts.isTakenOn())) return false
  await ask(acts, order)
  return false
}

function isPassing(refusals: readonly MergeRefusal[]): boolean {
  return refusals.length > 0 && refusals.every((refusal) => refusal.isPassing === true)
}

/** Whether its forge merges it by itself, or may do so. */
export function isAskedFor({ merge_asked: asked }: Pick<MergeCandidate, 'merge_asked'>): boolean {
  return asked?.is === 'asking' || asked?.is === 'waiting'
}

/** Whether a look that began well after its forge had agreed to merge it saw that it does not. */
function isSwitchedOff(order: MergeCandidate, asked: MergeAsked): boolean {
  const { head_sha: head, followed_sha: seen, followed_at: at, seen_auto_merge: isOn } = order
  if (asked.is !== 'waiting' || asked.head_sha !== head || seen !== head || at === null || isOn !== false) return false
  return at.getTime() >= Date.parse(asked.at) + SHOWN_WITHIN_MS
}

async function leaveOff(acts: MergeActs, order: MergeCandidate, asked: MergeAsked): Promise<void> {
  const why = `auto-merge was switched off on ${forgeName(order.forge)}, and is not asked for again at this commit`
  const off: MergeAsked = { ...asked, is: 'switched_off', why, at: acts.clock.now().toISOString() }
  if (await keepMergeAsked(acts.db, keyOf(order), { before: asked, now: off }))
    await tell(acts, order, ` is no longer merged by rule: ${why}`)
}

function isDue(order: MergeCandidate, now: Date): boolean {
  const { merge_asked: asked, head_sha: head } = order
  if (asked === null || asked.head_sha !== head || asked.is === 'asking') return true
  if (asked.is !== 'refused') return false
  return asked.of !== knownOf(order) || isAgain(asked, now)
}

function isAgain({ again_at: at }: MergeAsked, now: Date): boolean {
  return at !== null && Date.parse(at) <= now.getTime()
}

const after = (at: Date, ms: number) => new Date(at.getTime() + ms).toISOString()

/** Where this is the same, its forge says the same. */
function knownOf({ head_sha, checks, review, follow_up, merged_beside }: MergeCandidate): string {
  return JSON.stringify([head_sha, checks, review, follow_up?.state, merged_beside?.number])
}

async function withdraw(
  acts: MergeActs,
  order: MergeCandidate,
  { asked, why }: { asked: MergeAsked; why: string },
): Promise<boolean> {
  // Before: after a crash it is not known whether its forge still merges it.
  const now = acts.clock.now()
  const unsure: MergeAsked = { ...asked, is: 'asking', at: now.toISOString(), again_at: after(now, ASKS_WITHIN_MS) }
  if (!(await keepMergeAsked(acts.db, keyOf(order), { before: asked, now: unsure }))) return false
  const { forge, of } = await pullOn(acts, order)
  const left = await faultPoint('withdraw_merge', () => forge.withdrawMerge(of, acts.signal)).catch(
    async (error: unknown) => {
      const fault = toFault(error)
      // What is merged already is seen by the next look.
      if (!acts.signal.aborted && fault.code !== 'work_order_conflict')
        await keepNotTakenBack(acts, order, { asked, unsure }, saidBy(fault))
      throw error
    },
  )
  if (!(await keepMergeAsked(acts.db, keyOf(order), { before: unsure, now: null }))) return true
  if (asked.is === 'waiting' || asked.why !== null) await tell(acts, order, takenBackText(order, why, left))
  return true
}

/** @param left the login of a person who has asked its forge for the same, which stays */
function takenBackText({ forge }: MergeCandidate, why: string, left: string | null): string {
  const name = forgeName(forge)
  return left === null
    ? `: ${name} was told not to merge it: ${why}`
    : ` is not merged by rule: ${why}; ${name} still merges it when everything that it requires has passed, because ${left} asked for that there`
}

/** Its forge may merge it still: it is told again in a while. */
async function keepNotTakenBack(
  acts: MergeActs,
  order: MergeCandidate,
  { asked, unsure }: { asked: MergeAsked; unsure: MergeAsked },
  said: string,
): Promise<void> {
  const why = `it is not known whether ${forgeName(order.forge)} still merges it by itself: ${said}`
  const now: MergeAsked = { ...unsure, why, again_at: after(acts.clock.now(), AFTER_CONFLICT_MS) }
  const isKept = await keepMergeAsked(acts.db, keyOf(order), { before: unsure, now })
  if (isKept && asked.why !== why) await tell(acts, order, `: ${why}`)
}

async function ask(acts: MergeActs, order: MergeCandidate): Promise<void> {
  const { db, clock, signal } = acts
  const { head_sha, merge_asked: before } = order
  const at = clock.now()
  const base = { head_sha, of: knownOf(order), at: at.toISOString(), why: null, again_at: null }
  const asking: MergeAsked = { ...base, is: 'asking', again_at: after(at, ASKS_WITHIN_MS) }
  if (!(await keepMergeAsked(db, keyOf(order), { before, now: asking }))) return
  const became = async (now: MergeAsked, message: string | null) => {
    const isKept = await keepMergeAsked(db, keyOf(order), { before: asking, now })
    if (isKept && message !== null) await tell(acts, order, message)
    if (!isKept && now.is === 'waiting') await withdrawOrphan(acts, order)
  }
  const refused = async (why: string, afterMs: number) => {
    const isNews = before?.why !== why
    await became(
      { ...base, is: 'refused', why, again_at: after(at, afterMs) },
      isNews ? ` is not merged by rule: ${why}` : null,
    )
  }
  try {
    const { forge, of } = await pullOn(acts, order)
    const what = { headSha: head_sha, mark: order.followed_mark }
    const answer = await faultPoint('ask_merge', () => forge.mergeWhenReady(of, what, signal))
    if (answer.outcome === 'unavailable') return await refused(answer.why, AFTER_REFUSAL_MS)
    // The end of its checks is a change, at which it is asked for again.
    const unsettledMs = isRunning(order) ? AFTER_REFUSAL_MS : AFTER_FAULT_MS
    if (answer.outcome === 'unsettled') return await refused(answer.why, unsettledMs)
    if (answer.outcome === 'waiting')
      return await became({ ...base, is: 'waiting', at: clock.now().toISOString() }, `: ${askedToMerge(order)}`)
    // Its forge would merge it at once.
    if (isRunning(order)) return await refused('its checks had not ended when it was last looked at', AFTER_REFUSAL_MS)
    await acts.merge(order.id, MOOSE)
  } catch (error) {
    // Whoever stops this process has another one ask again.
    if (signal.aborted) {
      await became({ ...asking, again_at: asking.at }, null)
      throw error
    }
    const fault = toFault(error)
    acts.onError(fault)
    await refused(saidBy(fault), fault.code === 'work_order_conflict' ? AFTER_CONFLICT_MS : AFTER_FAULT_MS)
  }
}

/** Takes back what was asked for by a process that was taken for gone meanwhile; not where another one has asked for the same. */
async function withdrawOrphan(acts: MergeActs, order: MergeCandidate): Promise<void> {
  const row = await findPullRequestOfAttempt(acts.db, keyOf(order))
  const asked = row === null ? null : mergeAskedIn(row.merge_asked)
  if (asked !== null && (asked.is === 'asking' || asked.is === 'waiting') && asked.head_sha === order.head_sha) return
  const { forge, of } = await pullOn(acts, order)
  await forge.withdrawMerge(of, acts.signal)
}

function saidBy({ message }: Fault): string {
  const [said = ''] = message.split('\n')
  return said
}

/** What was asked of its forge, which has not done it yet. */
export function askedToMerge({ forge, head_sha: head }: Pick<MergeCandidate, 'forge' | 'head_sha'>): string {
  return `${forgeName(forge)} was asked to merge it at ${head.slice(0, 12)} when everything that it requires has passed`
}

async function pullOn(
  { db, forges }: MergeActs,
  order: MergeCandidate,
): Promise<{ forge: FollowUpForge; of: OfPullRequest }> {
  const project = await projectOf(db, order.project_id)
  const { id: workOrderId, attempt, number, node_id: nodeId } = order
  return { forge: forges[project.forge], of: { project, workOrderId, attempt, number, nodeId } }
}

const keyOf = ({ id, attempt }: MergeCandidate) => ({ workOrderId: id, attempt })

async function tell({ db }: MergeActs, { id, attempt, number }: MergeCandidate, what: string): Promise<void> {
  const message = `pull request #${number}${what}`
  await recordEvent(db, { workOrderId: id, attempt, type: 'pull_request', message })
}
