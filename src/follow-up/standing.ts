import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { FollowUpView, GIVEN_UP, LEFT_BEHIND, RED_OPTIONAL } from '../contract/evidence/follow-up.ts'
import { type BegunFollowUp, noteFollowUp } from '../db/follow-ups.ts'
import type { Followed, SeenAs } from '../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { recordEvent } from '../db/work-order-events.ts'
import type { WatchedPullRequest } from '../ports/pull-request.ts'
import type { CheckFact, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { strangersIn, unapprovedBy, waitsForReviewer } from './asked.ts'
import { type Decision, SAID } from './decide.ts'
import { type Failures, failingOf } from './failures.ts'
import { byOthers, type Known, type State } from './fold.ts'

/** What was said on the forge of it is not known, or not all of it; the local forge has nothing said. */
export function isSaidHidden({ project }: WatchedPullRequest, { knows }: PullRequestFacts): boolean {
  return project.forge === 'github' && !knows.reviews
}

/** A pull request that was looked at, with what is known of it. */
export type Seen = {
  of: WatchedPullRequest
  as: SeenAs
  row: Followed
  facts: PullRequestFacts
  known: Known
  past: readonly BegunFollowUp[]
}

/** What is read of red checks; null: it is not known yet. */
export type Judging = (failing: readonly CheckFact[]) => ReturnType<Failures['of']>

/** With what is known of it here, where the forge was asked before, or does not tell. */
export function withKnown(asTold: PullRequestFacts, { head_sha, conflict }: Followed): PullRequestFacts {
  const holds = conflict !== null && conflict.head_sha === asTold.head_sha && conflict.base_sha === asTold.base_sha
  const merging = holds ? { mergeability: 'conflict' as const, conflict_files: conflict.files } : {}
  return { ...asTold, known_head_sha: head_sha, ...merging }
}

export function knownOf(
  row: Followed,
  { project }: Pick<WatchedPullRequest, 'project'>,
  past: readonly BegunFollowUp[],
): Omit<Known, 'now' | 'toldAt' | 'isRerunning'> {
  return {
    base: row.base,
    projectBase: project.defaultBranch,
    verifiedBase: row.base_sha,
    ours: row.made,
    handsOff: row.hands_off,
    adopted: row.adopted_sha,
    isGivenUp: row.given_up_at !== null,
    answered: past.flatMap(answeredIn),
    failed: past.flatMap(({ keys, notDone, outcome }) => (isAnswer(outcome) ? notDone : keys)),
  }
}

/** Null: it is under way. */
const isAnswer = (outcome: string | null) => outcome === null || outcome === 'succeeded'

/** Keys of what it has done, or may have. */
function answeredIn({ keys, notDone, outcome }: BegunFollowUp): string[] {
  return isAnswer(outcome) ? keys.filter((key) => !notDone.includes(key)) : []
}

/**
 * Keeps how it was seen to stand, and says so in the log where that is new.
 *
 * @param seen `reading` has red checks read
 * @returns how it stands
 */
export async function noteStanding(
  { db, clock }: { db: Kysely<Database>; clock: Clock },
  seen: Seen & { reading: Judging },
  state: State,
  decision: Decision,
): Promise<FollowUpView> {
  const { of, as, row, facts, known } = seen
  const handsOff = byOthers(facts, known)
  const view = await viewOf(seen, { state, decision, isLeftAlone: handsOff !== null, at: clock.now() })
  const isSame = (less: Parameters<typeof isSameView>[2]) =>
    row.hands_off === handsOff && isSameView(row.follow_up, view, less)
  if (isSame({})) return view
  await db.transaction().execute(async (transaction) => {
    if (!(await noteFollowUp(transaction, of, { view, handsOff, as }))) return
    // What red checks say is no part of the sentence.
    if (isSame({ failing: undefined })) return
    const { workOrderId, attempt } = of
    const next = decision.reaction === null ? '' : `: ${SAID[decision.reaction.kind]}`
    const message = `pull request #${of.number}: ${view.why}${next}${untilWhat(seen, view)}`
    await recordEvent(transaction, { workOrderId, attempt, type: 'pull_request', message })
  })
  return view
}

/** Of one about which nothing is done what to type. */
function untilWhat({ of, facts, known }: Seen, { state, code }: FollowUpView): string {
  const id = of.workOrderId.slice(0, 8)
  if (code === 'hands_off') return `; nothing is done about it until: moose adopt ${id}`
  const { base, projectBase } = known
  if (state !== 'retargeted' || base === projectBase) return ''
  const isThere = of.project.forge === 'local' || facts.base === projectBase
  const there = isThere ? '' : `its base on GitHub is ${projectBase} and `
  return `; nothing is done about it until ${there}it is verified with that: moose verify ${id}`
}

/** Whether it may be settled by what changes no mark, such as a comment that is hidden. */
export function isSettledUnmarked({ unapproved, code, state }: FollowUpView): boolean {
  return unapproved !== undefined || (code === 'follow_up_exhausted' && state === 'reviewed')
}

type Judged = { state: State; decision: Decision; isLeftAlone: boolean; at: Date }

async function viewOf(
  seen: Seen & { reading: Judging },
  { state, decision, isLeftAlone, at }: Judged,
): Promise<FollowUpView> {
  const { of, facts } = seen
  const { reaction } = decision
  const isExhausted = reaction === null && decision.isExhausted
  const isHandsOff = isLeftAlone || state.is === GIVEN_UP
  const standsAs =
    reaction !== null ? null : decision.isLeftBehind ? LEFT_BEHIND : decision.isOptional ? RED_OPTIONAL : null
  return {
    state: standsAs === null ? state.is : standsAs,
    why: `${decision.why}${besides(facts, decision)}`,
    code: isHandsOff ? 'hands_off' : isExhausted ? 'follow_up_exhausted' : null,
    at: at.toISOString(),
    // The local forge has none to show.
    ...(of.project.forge === 'github' && !facts.knows.checks ? { checks_hidden: true } : {}),
    // Of a conversation that is not known it is not known either whether all of it was answered.
    ...(isSaidHidden(of, facts) ? { conversation_hidden: true } : { ...answeredWith(seen), ...unapproved(seen) }),
    ...(reaction === null && decision.waitsFor !== undefined ? { waits_for: decision.waitsFor } : {}),
    ...(await redIn(seen, decision)),
  }
}

/** What could not be read, and the accounts whose requests are not carried out. */
function besides(facts: PullRequestFacts, { why }: Decision): string {
  const strangers = strangersIn(facts)
  const ignored =
    strangers.length === 0 ? '' : `; what ${strangers.slice(0, 5).join(', ')} asked for is not done: no write access`
  const unread = facts.unread === null || why.includes(facts.unread) ? '' : `; ${facts.unread}`
  return `${unread}${ignored}`
}

function unapproved({ facts, past }: Seen): Pick<FollowUpView, 'unapproved'> {
  const by = unapprovedBy(
    facts,
    past.map((one) => ({ keys: answeredIn(one), madeSha: one.madeSha })),
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

/** @param less what is not compared */
function isSameView(
  before: unknown,
  view: FollowUpView,
  less: Partial<Record<keyof FollowUpView, undefined>>,
): boolean {
  if (typeof before !== 'object' || before === null) return false
  return isDeepStrictEqual({ ...before, at: view.at, ...less }, { ...view, ...less })
}
