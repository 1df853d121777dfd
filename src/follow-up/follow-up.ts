import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { findVerifiable } from '../attempt/verify-only/what-to-verify.ts'
import type { Clock } from '../clock.ts'
import { MOOSE } from '../contract/actor.ts'
import { FollowUpView, GIVEN_UP, LEFT_BEHIND, RED_OPTIONAL } from '../contract/evidence/follow-up.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import { wantedProposer } from '../db/escalations/order-escalations.ts'
import {
  allowedReaction,
  type BegunFollowUp,
  beginFollowUp,
  followUpsOf,
  keepRerun,
  type NewFollowUp,
  noteFollowUp,
} from '../db/follow-ups.ts'
import { noteFollowed, type SeenToMerge } from '../db/pull-requests/merge-asked.ts'
import { type Followed, followedPullRequest, type Look, type SeenAs } from '../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { type Paused, pausedAmong, readPausing } from '../db/work-orders/failure-rows.ts'
import { findWorkOrder, moveWorkOrder, wrongStatus } from '../db/work-orders/work-orders.ts'
import { toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Sighting, WatchedPullRequest } from '../ports/pull-request.ts'
import type { CheckFact, FollowUpForge, FollowUpForges, PullRequestFacts } from '../ports/pull-request-facts.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { approvalOf } from './approval.ts'
import { asksModel, type Decision, onceMore, type Reaction, SAID } from './decide.ts'
import { createFailures, type Failures, failingOf, judge, judgeExplained } from './failures.ts'
import {
  byOthers,
  changesRequestedBy,
  type Known,
  openThreadsIn,
  type State,
  strangersIn,
  unansweredBy,
  unapprovedBy,
  waitsForReviewer,
} from './fold.ts'
import { rerun, settleReruns } from './reruns.ts'
import { answerReviews, taskOf } from './task.ts'
import { type Asked, askFacts, forget, keyOf, type Told } from './told.ts'

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
  const asked: Asked = { told: new Map(), again: new Map() }
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
        await followOne({ ...deps, failures }, { of, as }, known, signal)
          // Last: what is merged by rule goes by the state that is kept by then.
          .then((seen) =>
            seen === null || isSaidHidden(of, known.facts)
              ? undefined
              : noteFollowed(deps.db, of, as, { ...followedIn(of, known), ...seen, at }),
          )
          .catch(deps.onError)
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

/** What was said on the forge of it is not known, or not all of it; the local forge has nothing said. */
function isSaidHidden({ project }: WatchedPullRequest, { knows }: PullRequestFacts): boolean {
  return project.forge === 'github' && !knows.reviews
}

type Seen = {
  of: WatchedPullRequest
  as: SeenAs
  row: Followed
  facts: PullRequestFacts
  known: Known
  past: readonly BegunFollowUp[]
}

type Following = FollowUpDeps & { failures: Failures }

/** What is judged by what Moose has made and done for its order. */
type SeenOfOrder = Pick<SeenToMerge, 'unanswered' | 'approval'>

/** @returns null: nothing is judged of it, as of `followedPullRequest` */
async function followOne(
  deps: Following,
  { of, as }: Pick<Seen, 'of' | 'as'>,
  told: Told,
  signal: AbortSignal,
): Promise<SeenOfOrder | null> {
  const { db, forges, clock } = deps
  const forge = forges[of.project.forge]
  const row = await followedPullRequest(db, of, as)
  if (row === null) return null
  const facts = withKnown(told.facts, row)
  const past = await followUpsOf(db, of.workOrderId)
  const now = clock.now()
  const isRerunning = await settleReruns(db, forge, { of, facts, past, now, signal })
  const known = { ...knownOf(row, past), isRerunning, toldAt: told.at, now }
  const seen: Seen = { of, as, row, facts, known, past }
  // A thread that is not told would count as answered.
  if (!isSaidHidden(of, facts)) await answerReviews(db, forge, seen, signal)
  const read = (check: CheckFact) => forge.failureOf(of, check, signal)
  const asking = { key: keyOf(of), headSha: facts.head_sha, now, signal }
  const failuresOf: FailuresOf = (failing, isRead) =>
    deps.failures.of(failing, { ...asking, read: isRead ? read : null })
  await reactTo(deps, { ...seen, failuresOf }, signal)
  return { unanswered: unansweredBy(facts, known), approval: approvalOf(facts, known) }
}

async function reactTo(
  deps: FollowUpDeps,
  seen: Seen & { failuresOf: FailuresOf },
  signal: AbortSignal,
): Promise<void> {
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
  if (!(await mayReact()))
    return await noteStanding(deps, standing, state, { reaction: null, why: decision.why, isExhausted: false })
  // Another process may have seen something else while this one was reading.
  if ((await followedPullRequest(db, of, as)) === null) return
  await react(deps, forges[of.project.forge], { ...seen, state, signal, allowedBy }, decision).then(
    (done) => noteStanding(deps, standing, state, done),
    async (error: unknown) => {
      const { code, message } = toFault(error)
      if (code !== 'work_order_conflict') throw error
      // Where the order has moved meanwhile, what it moved for is looked at first.
      if ((await findWorkOrder(db, of.workOrderId)).phase !== 'in_review') return
      await noteStanding(deps, standing, state, { reaction: null, why: message, isExhausted: true })
    },
  )
}

/** `isRead` false: what was read before counts, if anything was. */
type FailuresOf = (failing: readonly CheckFact[], isRead: boolean) => ReturnType<Failures['of']>
type Judging = (failing: readonly CheckFact[]) => ReturnType<Failures['of']>

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

/** With what is known of it here, where the forge was asked before, or does not tell. */
function withKnown(asTold: PullRequestFacts, { head_sha, conflict }: Followed): PullRequestFacts {
  const holds = conflict !== null && conflict.head_sha === asTold.head_sha && conflict.base_sha === asTold.base_sha
  const merging = holds ? { mergeability: 'conflict' as const, conflict_files: conflict.files } : {}
  return { ...asTold, known_head_sha: head_sha, ...merging }
}

function knownOf(row: Followed, past: readonly BegunFollowUp[]): Omit<Known, 'now' | 'toldAt' | 'isRerunning'> {
  return {
    base: row.base,
    verifiedBase: row.base_sha,
    ours: row.made,
    handsOff: row.hands_off,
    adopted: row.adopted_sha,
    isGivenUp: row.given_up_at !== null,
    answered: past.flatMap(({ keys, notDone, outcome }) =>
      isAnswer(outcome) ? keys.filter((key) => !notDone.includes(key)) : [],
    ),
    failed: past.flatMap(({ keys, notDone, outcome }) => (isAnswer(outcome) ? notDone : keys)),
  }
}

/** Null: it is under way. */
const isAnswer = (outcome: string | null) => outcome === null || outcome === 'succeeded'

async function noteStanding(
  deps: FollowUpDeps,
  seen: Seen & { reading: Judging },
  state: State,
  decision: Decision,
): Promise<void> {
  const { db, clock } = deps
  const { of, as, row, facts, known } = seen
  const handsOff = byOthers(facts, known)
  const isExhausted = decision.reaction === null && decision.isExhausted
  const isLeftAlone = handsOff !== null || state.is === GIVEN_UP
  const code = isLeftAlone ? 'hands_off' : isExhausted ? 'follow_up_exhausted' : null
  const standsAs =
    decision.reaction !== null ? null : decision.isLeftBehind ? LEFT_BEHIND : decision.isOptional ? RED_OPTIONAL : null
  const strangers = strangersIn(facts)
  const ignored =
    strangers.length === 0 ? '' : `; what ${strangers.slice(0, 5).join(', ')} asked for is not done: no write access`
  const unread = facts.unread === null || decision.why.includes(facts.unread) ? '' : `; ${facts.unread}`
  const why = `${decision.why}${unread}${ignored}`
  // The local forge has none to show.
  const isHidden = of.project.forge === 'github' && !facts.knows.checks
  // Of a conversation that is not known it is not known either whether all of it was answered.
  const said = isSaidHidden(of, facts) ? { conversation_hidden: true } : { ...answeredWith(seen), ...unapproved(seen) }
  const waits = decision.reaction === null && decision.waitsFor !== undefined ? { waits_for: decision.waitsFor } : {}
  const more = { ...(isHidden ? { checks_hidden: true } : {}), ...said, ...waits, ...(await redIn(seen, decision)) }
  const view = { state: standsAs === null ? state.is : standsAs, why, code, at: clock.now().toISOString(), ...more }
  if (row.hands_off === handsOff && isSameView(row.follow_up, view)) return
  await db.transaction().execute(async (transaction) => {
    if (!(await noteFollowUp(transaction, of, { view, handsOff, as }))) return
    const next = decision.reaction === null ? '' : `: ${SAID[decision.reaction.kind]}`
    const back =
      code !== 'hands_off' ? '' : `; nothing is done about it until: moose adopt ${of.workOrderId.slice(0, 8)}`
    const message = `pull request #${of.number}: ${why}${next}${back}`
    await recordEvent(transaction, { workOrderId: of.workOrderId, attempt: of.attempt, type: 'pull_request', message })
  })
}

function unapproved({ facts, past }: Seen): Pick<FollowUpView, 'unapproved'> {
  const by = unapprovedBy(
    facts,
    past.map(({ keys, notDone, outcome, madeSha }) => {
      return { keys: isAnswer(outcome) ? keys.filter((key) => !notDone.includes(key)) : [], madeSha }
    }),
  )
  return by.length === 0 ? {} : { unapproved: by }
}

/** The red checks that a model mends, or would. */
async function redIn(
  { row, reading }: Pick<Seen, 'row'> & { reading: Judging },
  decision: Decision,
): Promise<Pick<FollowUpView, 'failing'>> {
  const about = decision.reaction === null ? decision.refused : decision.reaction
  if (about?.kind !== 'checks') return {}
  const before = FollowUpView.safeParse(row.follow_up)
  const known = before.success && before.data.failing !== undefined ? before.data.failing : []
  return { failing: failingOf(about.failing, await reading(about.failing), known) }
}

/** The commit that was made for what reviews ask for, where only the reviewer can go on. */
function answeredWith({ facts, known, past }: Seen): Pick<FollowUpView, 'answered_with'> {
  const last = past.findLast(({ kind }) => kind === 'review')
  if (last === undefined || last.outcome !== 'succeeded' || last.madeSha === null) return {}
  return waitsForReviewer(facts, known) ? { answered_with: last.madeSha } : {}
}

function isSameView(before: unknown, view: FollowUpView): boolean {
  if (typeof before !== 'object' || before === null) return false
  return isDeepStrictEqual({ ...before, at: view.at }, view)
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
  const paused = asksModel(reaction, state) ? await whatPauses(db, of, proposer, await pauseAfter()) : null
  if (paused !== null)
    return {
      reaction: null,
      why: `${why}; its reaction waits. ${paused.fault.message}`,
      isExhausted: false,
      waitsFor: paused.by,
    }
  const red = reaction.kind === 'checks' ? await failuresOf(reaction.failing, true) : []
  const task = reaction.kind === 'base' ? null : taskOf(reaction, red === null ? [] : red, facts.base)
  const resolves = kind === 'base' && reaction.resolves
  const begin = (transaction: Kysely<Database>) =>
    beginAttempt(transaction, { ...inputs, task }, { verifies, resolves })
  await faultPoint('follow_up', () => actingAs(db, MOOSE).transaction().execute(begin))
  return decision
}

/** What keeps its model from being asked, so that no order leaves its review only to wait; null: nothing. */
async function whatPauses(
  db: Kysely<Database>,
  { project, workOrderId }: WatchedPullRequest,
  maker: string,
  pauseAfter: number,
): Promise<Paused | null> {
  const pausing = await readPausing(db, pauseAfter)
  const wanted = await wantedProposer(db, workOrderId)
  return pausedAmong(pausing, { project, proposer: wanted === null ? maker : wanted })
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
