import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { findVerifiable } from '../attempt/verify-only/what-to-verify.ts'
import type { Clock } from '../clock.ts'
import { MOOSE } from '../contract/actor.ts'
import { type FollowUpView, LEFT_BEHIND } from '../contract/evidence/follow-up.ts'
import { actingAs } from '../db/audit/acting-as.ts'
import {
  allowedReaction,
  type BegunFollowUp,
  beginFollowUp,
  followUpsOf,
  keepRerun,
  type NewFollowUp,
  noteFollowUp,
} from '../db/follow-ups.ts'
import { noteFollowed, type SeenToMerge } from '../db/merge-asked.ts'
import type { Database } from '../db/schema.ts'
import { type Followed, followedPullRequest } from '../db/seen-pull-requests.ts'
import { recordEvent } from '../db/work-order-events.ts'
import { findWorkOrder, moveWorkOrder, wrongStatus } from '../db/work-orders/work-orders.ts'
import { toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Sighting, WatchedPullRequest } from '../ports/pull-request.ts'
import type { FollowUpForge, FollowUpForges, PullRequestFacts } from '../ports/pull-request-facts.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { type Decision, decide, onceMore, type Reaction } from './decide.ts'
import { byOthers, fold, type Known, openThreadsIn, type State, strangersIn, waitsForReviewer } from './fold.ts'
import { rerun, settleReruns } from './reruns.ts'
import { answerReviews, taskOf } from './task.ts'

export type FollowUpDeps = {
  db: Kysely<Database>
  pool: Pool
  forges: FollowUpForges
  workspaces: Pick<Workspaces, 'keptCommit'>
  clock: Clock
  /** Whether an order that is made pending is carried out: nothing is reacted to otherwise. */
  isTakenOn: () => Promise<boolean>
  onError: (error: unknown) => void
}

/** Follows what becomes of open pull requests, and reacts to it within bounds that the database keeps. */
export type FollowUps = {
  /**
   * What a look has seen: of those that an order is in review with, facts are asked for where something has changed.
   *
   * @param began when the look began; left out: now
   */
  saw(sightings: readonly Sighting[], signal: AbortSignal, began?: Date): Promise<void>
}

/** What was last told of a pull request, and since when; the same mark tells the same. */
type Told = { mark: string; facts: PullRequestFacts; at: Date }

export function createFollowUps(deps: FollowUpDeps): FollowUps {
  const told = new Map<string, Told>()
  return {
    async saw(sightings, signal, began = deps.clock.now()) {
      const open = sightings.filter(({ of, pullRequest }) => pullRequest.state === 'open' && of.known.state === 'open')
      for (const { of, pullRequest } of sightings) if (pullRequest.state !== 'open') told.delete(keyOf(of))
      const awaited = open.filter(({ of }) => of.isAwaited)
      await askFacts(deps, told, awaited, signal)
      for (const { of, mark } of awaited) {
        if (signal.aborted) return
        const known = told.get(keyOf(of))
        // What it was told before is not how it stands now.
        if (known?.mark !== mark) continue
        const { facts } = known
        await followOne(deps, of, known, signal)
          // Last: what is merged by rule goes by the state that is kept by then.
          .then(() => noteFollowed(deps.db, of, { ...followedIn(of, facts), at: began }))
          .catch(deps.onError)
      }
    },
  }
}

function followedIn({ project }: WatchedPullRequest, facts: PullRequestFacts): Omit<SeenToMerge, 'at'> {
  const isAutoMerged = project.forge === 'local' || facts.state !== 'open' ? null : facts.auto_merge !== null
  return { headSha: facts.head_sha, isAutoMerged, openThreads: openThreadsIn(facts) }
}

async function askFacts(
  { forges, clock, onError }: FollowUpDeps,
  told: Map<string, Told>,
  awaited: readonly Sighting[],
  signal: AbortSignal,
): Promise<void> {
  const changed = awaited.filter(({ of, mark }) => told.get(keyOf(of))?.mark !== mark)
  // Numbers are those of one project.
  for (const [project, some] of Map.groupBy(changed, ({ of }) => of.project)) {
    const found = await forges[project.forge]
      .factsOf(
        some.map(({ of }) => of),
        signal,
      )
      .catch((error: unknown) => {
        onError(error)
        return []
      })
    for (const { of, mark } of some) {
      const facts = found.find(({ number }) => number === of.number)
      if (facts !== undefined) told.set(keyOf(of), { mark, facts, at: clock.now() })
    }
  }
}

const keyOf = ({ workOrderId, attempt }: WatchedPullRequest) => `${workOrderId} ${attempt}`

type Seen = {
  of: WatchedPullRequest
  row: Followed
  facts: PullRequestFacts
  known: Known
  past: readonly BegunFollowUp[]
}

async function followOne(deps: FollowUpDeps, of: WatchedPullRequest, told: Told, signal: AbortSignal): Promise<void> {
  const { db, forges, clock } = deps
  const forge = forges[of.project.forge]
  const row = await followedPullRequest(db, of)
  if (row === null) return
  const facts = withKnown(told.facts, row)
  const past = await followUpsOf(db, of.workOrderId)
  const now = clock.now()
  const isRerunning = await settleReruns(db, forge, { of, facts, past, now, signal })
  const known = { ...knownOf(row, past), isRerunning, toldAt: told.at, now }
  const seen: Seen = { of, row, facts, known, past }
  await answerReviews(db, forge, seen, signal)
  const state = fold(facts, known)
  const within = decide(state, facts, known, past)
  const isRefused = within.reaction === null && within.isExhausted
  const allowedBy = isRefused ? await allowedReaction(db, of.workOrderId, facts.head_sha) : null
  const decision = onceMore(within, allowedBy)
  if (decision.reaction === null) return await noteStanding(deps, seen, state, decision)
  if (!row.isApproved || !(await deps.isTakenOn()))
    return await noteStanding(deps, seen, state, { reaction: null, why: decision.why, isExhausted: false })
  await react(deps, forge, { ...seen, signal, allowedBy }, decision).then(
    () => noteStanding(deps, seen, state, decision),
    async (error: unknown) => {
      const { code, message } = toFault(error)
      if (code !== 'work_order_conflict') throw error
      // Where the order has moved meanwhile, what it moved for is looked at first.
      if ((await findWorkOrder(db, of.workOrderId)).phase !== 'in_review') return
      await noteStanding(deps, seen, state, { reaction: null, why: message, isExhausted: true })
    },
  )
}

/** With what is known of it here, where the forge was asked before, or does not tell. */
function withKnown(asTold: PullRequestFacts, { head_sha, conflict }: Followed): PullRequestFacts {
  const holds = conflict !== null && conflict.head_sha === asTold.head_sha && conflict.base_sha === asTold.base_sha
  const merging = holds ? { mergeability: 'conflict' as const, conflict_files: conflict.files } : {}
  return { ...asTold, known_head_sha: head_sha, ...merging }
}

function knownOf(row: Followed, past: readonly BegunFollowUp[]): Omit<Known, 'now' | 'toldAt' | 'isRerunning'> {
  return {
    verifiedBase: row.base_sha,
    ours: row.made,
    handsOff: row.hands_off,
    adopted: row.adopted_sha,
    answered: past.flatMap(({ keys }) => keys),
  }
}

async function noteStanding(deps: FollowUpDeps, seen: Seen, state: State, decision: Decision): Promise<void> {
  const { db, clock } = deps
  const { of, row, facts, known } = seen
  const handsOff = byOthers(facts, known)
  const isExhausted = decision.reaction === null && decision.isExhausted
  const code = handsOff !== null ? 'hands_off' : isExhausted ? 'follow_up_exhausted' : null
  const isLeftBehind = decision.reaction === null && decision.isLeftBehind === true
  const strangers = strangersIn(facts)
  const ignored =
    strangers.length === 0 ? '' : `; what ${strangers.slice(0, 5).join(', ')} asked for is left: no write access`
  const why = `${decision.why}${ignored}`
  // The local forge has none to show.
  const isHidden = of.project.forge === 'github' && !facts.knows.checks
  const more = { ...(isHidden ? { checks_hidden: true } : {}), ...answeredWith(seen) }
  const view = { state: isLeftBehind ? LEFT_BEHIND : state.is, why, code, at: clock.now().toISOString(), ...more }
  if (row.hands_off === handsOff && isSameView(row.follow_up, view)) return
  await db.transaction().execute(async (transaction) => {
    if (!(await noteFollowUp(transaction, of, { view, handsOff }))) return
    const next = decision.reaction === null ? '' : `: ${SAID[decision.reaction.kind]}`
    const back = handsOff === null ? '' : `; Moose keeps its hands off until: moose adopt ${of.workOrderId.slice(0, 8)}`
    const message = `pull request #${of.number}: ${why}${next}${back}`
    await recordEvent(transaction, { workOrderId: of.workOrderId, attempt: of.attempt, type: 'pull_request', message })
  })
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

const SAID: Record<Reaction['kind'], string> = {
  base: 'the base is merged in, and the checks are run',
  rerun: 'the checks are run again, in case they are flaky',
  checks: 'the model that made the change is told what failed',
  review: 'the model that made the change is told what is asked for',
}

async function react(
  { db, pool, workspaces }: FollowUpDeps,
  forge: FollowUpForge,
  { of, facts, signal, allowedBy }: Seen & { signal: AbortSignal; allowedBy: string | null },
  { reaction, why }: Decision & { reaction: Reaction },
): Promise<void> {
  const { kind, fingerprint } = reaction
  const { workOrderId } = of
  const { head_sha: headSha, base_sha: baseSha } = facts
  const inputs = { workOrderId, kind, headSha, baseSha, fingerprint, because: why, allowedBy }
  if (kind === 'rerun') {
    const id = await faultPoint('follow_up', () => beginFollowUp(db, { ...inputs, task: null, attempt: null }))
    if (id === null) return
    const now = await rerun(db, forge, { of, checks: reaction.checks, signal })
    return await keepRerun(db, id, { before: null, now })
  }
  const { attempt: verifies } = await findVerifiable(db, { ...workspaces, pool }, workOrderId)
  const task = kind === 'base' ? null : await taskOf(forge, { of, base: facts.base }, reaction, signal)
  const resolves = kind === 'base' && reaction.resolves
  const begin = (transaction: Kysely<Database>) =>
    beginAttempt(transaction, { ...inputs, task }, { verifies, resolves })
  await faultPoint('follow_up', () => actingAs(db, MOOSE).transaction().execute(begin))
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
