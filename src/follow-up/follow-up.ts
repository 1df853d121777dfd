import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { findVerifiable } from '../attempt/verify-only/what-to-verify.ts'
import type { Clock } from '../clock.ts'
import { MOOSE } from '../contract/actor.ts'
import type { FollowUpView } from '../contract/evidence/follow-up.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { allowedReaction, beginFollowUp, followUpsOf, keepRerun, type NewFollowUp } from '../db/follow-ups.ts'
import { noteFollowed, type SeenToMerge } from '../db/pull-requests/merge-asked.ts'
import { followedPullRequest, type Look } from '../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { findWorkOrder, moveWorkOrder, wrongStatus } from '../db/work-orders/work-orders.ts'
import { toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Sighting, WatchedPullRequest } from '../ports/pull-request.ts'
import type { CheckFact, FollowUpForge, FollowUpForges } from '../ports/pull-request-facts.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { approvalOf } from './approval.ts'
import { changesRequestedBy, openThreadsIn, unansweredBy } from './asked.ts'
import { asksModel, type Decision, onceMore, type Reaction, SAID } from './decide.ts'
import { createFailures, type Failures, judge, judgeExplained } from './failures.ts'
import type { State } from './fold.ts'
import { rerun, settleReruns } from './reruns.ts'
import {
  isSaidHidden,
  isSettledUnmarked,
  type Judging,
  knownOf,
  noteStanding,
  type Seen,
  withKnown,
} from './standing.ts'
import { answerReviews, taskOf } from './task.ts'
import { type AskedFacts, askAgainLater, askFacts, forget, keyOf, type Told } from './told.ts'
import { waiting, whatWaits } from './waits.ts'

export type FollowUpDeps = {
  db: Kysely<Database>
  pool: Pool
  forges: FollowUpForges
  workspaces: Pick<Workspaces, 'keptCommit'>
  clock: Clock
  /** Whether an order that is made pending is carried out: nothing is reacted to otherwise. */
  isTakenOn: () => Promise<boolean>
  /** How many orders in a row that fail alike pause their project or proposer, as of now; 0: none. */
  pauseAfter: () => Promise<number>
  onError: (error: unknown) => void
}

/** Follows what becomes of open pull requests, and reacts to it within bounds that the database keeps. */
export type FollowUps = {
  /**
   * What a look has seen: of those that an order is in review with, facts are asked for where something has changed.
   *
   * @param look what has seen it; left out: nothing was seen since
   */
  saw(sightings: readonly Sighting[], signal: AbortSignal, look?: Look): Promise<void>
}

export function createFollowUps(deps: FollowUpDeps): FollowUps {
  const asked: AskedFacts = { told: new Map(), again: new Map() }
  const failures = createFailures()
  return {
    async saw(sightings, signal, look) {
      const open = sightings.filter(({ of, pullRequest }) => pullRequest.state === 'open' && of.known.state === 'open')
      for (const { of } of sightings.filter(({ pullRequest }) => pullRequest.state !== 'open')) {
        forget(asked, of)
        failures.forget(keyOf(of))
      }
      const awaited = open.filter(({ of }) => of.isAwaited)
      const at = look === undefined ? deps.clock.now() : look.began
      await askFacts(deps, asked, { awaited, look: look ?? null }, signal)
      for (const { of, mark } of awaited) {
        if (signal.aborted) return
        const known = asked.told.get(keyOf(of))
        // What it was told before is not how it stands now.
        if (known?.mark !== mark) continue
        const as = { mark, look: look ?? null }
        const follow = async () => {
          const seen = await followOne({ ...deps, failures }, { of, as }, known, signal)
          if (seen === null) return
          const { view, ...toMerge } = seen
          if (isSettledUnmarked(view)) askAgainLater(asked, of, deps.clock.now().getTime())
          // Last: what is merged by rule goes by the state that is kept by then.
          if (!isSaidHidden(of, known.facts))
            await noteFollowed(deps.db, of, as, { ...followedIn(of, known), ...toMerge, at })
        }
        await follow().catch(deps.onError)
      }
    },
  }
}

function followedIn({ project }: WatchedPullRequest, { facts }: Told): Omit<SeenToMerge, 'at' | keyof SeenOfOrder> {
  const { head_sha: headSha, absent_checks: absentChecks } = facts
  const isAutoMerged = project.forge === 'local' || facts.state !== 'open' ? null : facts.auto_merge !== null
  const said = { openThreads: openThreadsIn(facts), changesRequested: changesRequestedBy(facts) }
  return { headSha, isAutoMerged, absentChecks, ...said }
}

type Following = FollowUpDeps & { failures: Failures }

/** What is judged by what Moose has made and done for its order. */
type SeenOfOrder = Pick<SeenToMerge, 'unanswered' | 'approval'>

/** @returns null: nothing is judged of it, as of `followedPullRequest`, or its order has moved */
async function followOne(
  deps: Following,
  { of, as }: Pick<Seen, 'of' | 'as'>,
  told: Told,
  signal: AbortSignal,
): Promise<(SeenOfOrder & { view: FollowUpView }) | null> {
  const { db, forges, clock } = deps
  const forge = forges[of.project.forge]
  const row = await followedPullRequest(db, of, as)
  if (row === null) return null
  const facts = withKnown(told.facts, row)
  const past = await followUpsOf(db, of.workOrderId)
  const now = clock.now()
  const isRerunning = await settleReruns(db, forge, { of, facts, past, now, signal })
  const known = { ...knownOf(row, of, past), isRerunning, toldAt: told.at, now }
  const seen: Seen = { of, as, row, facts, known, past }
  // A thread that is not told would count as answered.
  if (!isSaidHidden(of, facts)) await answerReviews(db, forge, seen, signal)
  const read = (check: CheckFact) => forge.failureOf(of, check, signal)
  const asking = { key: keyOf(of), headSha: facts.head_sha, now, signal }
  const failuresOf: FailuresOf = (failing, isRead) =>
    deps.failures.of(failing, { ...asking, read: isRead ? read : null })
  const view = await reactTo(deps, { ...seen, failuresOf }, signal)
  return view === null ? null : { view, unanswered: unansweredBy(facts, known), approval: approvalOf(facts, known) }
}

/** @returns how it stands; null: its order has moved, or something else was seen of it meanwhile */
async function reactTo(
  deps: FollowUpDeps,
  seen: Seen & { failuresOf: FailuresOf },
  signal: AbortSignal,
): Promise<FollowUpView | null> {
  const { db, forges } = deps
  const { of, as, row, facts, failuresOf } = seen
  const mayReact = async () => row.isApproved && (await deps.isTakenOn())
  const reading: Judging = async (failing) => failuresOf(failing, await mayReact())
  const standing = { ...seen, reading }
  const { state, decision: within } = await judgeRead(seen, reading)
  const isRefused = within.reaction === null && within.isExhausted
  const allowedBy = isRefused ? await allowedReaction(db, of.workOrderId, facts.head_sha) : null
  const decision = onceMore(within, allowedBy)
  if (decision.reaction === null) return await noteStanding(deps, standing, state, decision)
  if (!(await mayReact())) return await noteStanding(deps, standing, state, waiting(decision, { why: decision.why }))
  // Another process may have seen something else while this one was reading.
  if ((await followedPullRequest(db, of, as)) === null) return null
  return await react(deps, forges[of.project.forge], { ...seen, state, signal, allowedBy }, decision).then(
    (done) => noteStanding(deps, standing, state, done),
    async (error: unknown) => {
      const { code, message } = toFault(error)
      if (code !== 'work_order_conflict') throw error
      // Where the order has moved meanwhile, what it moved for is looked at first.
      if ((await findWorkOrder(db, of.workOrderId)).phase !== 'in_review') return null
      return await noteStanding(deps, standing, state, { ...waiting(decision, { why: message }), isExhausted: true })
    },
  )
}

/** `isRead` false: what was read before counts, if anything was. */
type FailuresOf = (failing: readonly CheckFact[], isRead: boolean) => ReturnType<Failures['of']>

/** Red checks are read before a model is asked to mend them. */
async function judgeRead({ facts, known, past }: Seen, failuresOf: Judging): Promise<ReturnType<typeof judge>> {
  const judged = judge(facts, known, past)
  const { state, decision } = judged
  const { reaction } = decision
  if (reaction?.kind !== 'checks') return judged
  const red = await failuresOf(reaction.failing)
  if (red === null) return judged
  return judgeExplained({ state, decision: { ...decision, reaction } }, red, { facts, known, past })
}

type Allowed = { state: State; signal: AbortSignal; allowedBy: string | null; failuresOf: FailuresOf }

/** @returns the decision, or that it waits */
async function react(
  { db, pool, workspaces, pauseAfter }: FollowUpDeps,
  forge: FollowUpForge,
  { of, facts, state, signal, allowedBy, failuresOf }: Seen & Allowed,
  decision: Decision & { reaction: Reaction },
): Promise<Decision> {
  const { reaction, why } = decision
  const { kind, fingerprint } = reaction
  const { workOrderId } = of
  const { head_sha: headSha, base_sha: baseSha } = facts
  const inputs = { workOrderId, kind, headSha, baseSha, fingerprint, because: why, allowedBy }
  if (kind === 'rerun') {
    const id = await faultPoint('follow_up', () => beginFollowUp(db, { ...inputs, task: null, attempt: null }))
    if (id === null) return decision
    const now = await rerun(db, forge, { of, checks: reaction.checks, signal })
    await keepRerun(db, id, { before: null, now })
    return decision
  }
  const { attempt: verifies, proposer } = await findVerifiable(db, { ...workspaces, pool }, workOrderId)
  const waits = asksModel(reaction, state) ? await whatWaits(db, of, { maker: proposer, pauseAfter }) : null
  if (waits !== null)
    return waiting(decision, { why: `${why}; its reaction waits. ${waits.because}`, waitsFor: waits.for })
  const red = reaction.kind === 'checks' ? await failuresOf(reaction.failing, true) : []
  const task = reaction.kind === 'base' ? null : taskOf(reaction, red === null ? [] : red, facts.base)
  const resolves = kind === 'base' && reaction.resolves
  const begin = (transaction: Kysely<Database>) =>
    beginAttempt(transaction, { ...inputs, task }, { verifies, resolves })
  await faultPoint('follow_up', () => actingAs(db, MOOSE).transaction().execute(begin))
  return decision
}

/** Makes the order pending for the attempt, once for these inputs. */
async function beginAttempt(
  db: Kysely<Database>,
  inputs: Omit<NewFollowUp, 'attempt'>,
  how: { verifies: number; resolves: boolean },
): Promise<void> {
  const order = await findWorkOrder(db, inputs.workOrderId)
  const follows = await beginFollowUp(db, { ...inputs, attempt: order.attempts + 1 })
  if (follows === null) return
  const because = `${inputs.because}: ${SAID[inputs.kind]}`
  const move = {
    from: ['in_progress'],
    inPhase: 'in_review',
    to: 'pending',
    reason: null,
    because,
    ...how,
    follows,
  } as const
  if (!(await moveWorkOrder(db, order.id, move))) throw wrongStatus(order, 'followed up')
}
