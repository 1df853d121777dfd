import {
  FOLLOW_UP_KINDS,
  type FollowUpCount,
  type FollowUpKind,
  type FollowUpView,
} from '../contract/evidence/follow-up.ts'
import type { CheckFact, PullRequestFacts } from '../ports/pull-request-facts.ts'
import { type Asked, digest } from './asked.ts'
import { isBehind, type Known, type State } from './fold.ts'

/** A reaction that was begun. */
export type Past = {
  kind: FollowUpKind
  headSha: string
  fingerprint: string
  /** A model was asked to resolve a conflict in it. */
  isResolving: boolean
  /** A human has allowed it beyond the bounds, which do not count it. */
  isAllowed: boolean
  /** `succeeded`, or what ended it; null: it is under way, or was never begun. */
  outcome: string | null
  /** What conflicted where no model could be asked, as its state said it, and why none could; null: it ended otherwise. */
  byHand: { conflict: string; why: string } | null
}

export type Reaction = { kind: FollowUpKind; fingerprint: string } & (
  | { kind: 'base'; resolves: boolean }
  /** Of each run that failed, one of its checks. */
  | { kind: 'rerun'; checks: readonly CheckFact[] }
  | { kind: 'checks'; failing: readonly CheckFact[] }
  | { kind: 'review'; asked: readonly Asked[] }
)

/**
 * `isExhausted`: something is to be done, and Moose may do no more of it; `refused`: what the bounds refuse, or what waits; `isLeftBehind`: all
 * that it lacks is a newer base, which was merged in with success as often as the bounds allow; `isOptional`: all that is wrong is a
 * red check that its forge does not require, and of which nothing can be read; `waitsFor`: what keeps a model from being asked.
 */
export type Decision =
  | { reaction: Reaction; why: string }
  | {
      reaction: null
      why: string
      isExhausted: boolean
      refused?: Reaction
      isLeftBehind?: true
      isOptional?: true
      waitsFor?: Waited
    }

export type Waited = NonNullable<FollowUpView['waits_for']>

/** Whether a model is asked in it: a base that git merges is verified alone, and mended only where that fails. */
export function asksModel(reaction: Reaction, { is }: Pick<State, 'is'>): boolean {
  return reaction.kind === 'checks' || reaction.kind === 'review' || (reaction.kind === 'base' && is === 'conflict')
}

/** How often Moose reacts, for one commit of the branch and for an order in all; whatever comes of it counts. */
export const MOST: Record<FollowUpKind, { perHead: number; perOrder: number }> = {
  base: { perHead: 3, perOrder: 10 },
  rerun: { perHead: 1, perOrder: 3 },
  checks: { perHead: 1, perOrder: 2 },
  review: { perHead: 1, perOrder: 3 },
}
/** Of an order, conflicts that a model is asked to resolve. */
export const MOST_RESOLUTIONS = 2

/** Of what was begun, by kind; none of a kind that was not. */
export function countsOf(past: readonly (Pick<Past, 'kind'> & { isAllowed: boolean })[]): FollowUpCount[] {
  return FOLLOW_UP_KINDS.flatMap((kind) => {
    const alike = past.filter((one) => one.kind === kind)
    const most = MOST[kind].perOrder + alike.filter(({ isAllowed }) => isAllowed).length
    return alike.length === 0 ? [] : [{ kind, done: alike.length, most }]
  })
}

/** What is done about a state: one reaction, or none, and why. The same inputs are reacted to once. */
export function decide(state: State, facts: PullRequestFacts, known: Known, past: readonly Past[]): Decision {
  if (state.is === 'conflict') return onBase(state, facts, past)
  if (state.is === 'behind') {
    const decided = onBase(state, facts, past)
    if (decided.reaction !== null) return decided
    const left = leftBehind(facts, past)
    if (left !== null) return left
    // Nothing is wrong with it otherwise: it can be merged as it stands, or be verified by hand.
    return { ...decided, isExhausted: isBaseRefused(facts, past) }
  }
  // What a human has given back has failed the checks: nothing verifies it again by itself.
  if (state.is === 'unverified') return { reaction: null, why: state.because, isExhausted: state.isLeft }
  if (state.is === 'red') return onRed(state, facts, known, past)
  if (state.is === 'reviewed') return onReview(state, facts, known, past)
  return { reaction: null, why: state.because, isExhausted: false }
}

/** Where each merge of the base has passed, the last of them leaves what can be merged as it stands; null: that is not so. */
function leftBehind(facts: PullRequestFacts, past: readonly Past[]): Decision | null {
  const merges = past.filter(({ kind }) => kind === 'base')
  const counted = merges.filter(({ isAllowed }) => !isAllowed)
  const havePassed = merges.every(({ outcome }) => outcome === 'succeeded')
  const isOfNow = merges.some(({ fingerprint }) => fingerprint === ofBase(facts))
  if (counted.length < MOST.base.perOrder || !havePassed || isOfNow) return null
  const why = `${facts.base} has moved on; ${merges.length} merges of it passed the checks, and no more are made for one order`
  return { reaction: null, why, isExhausted: false, isLeftBehind: true }
}

/** Whether the bounds refuse the base, other than that it was merged in, or is being merged in, with success. */
function isBaseRefused(facts: PullRequestFacts, past: readonly Past[]): boolean {
  const same = past.findLast(({ kind, fingerprint }) => kind === 'base' && fingerprint === ofBase(facts))
  return same === undefined || (same.outcome !== null && same.outcome !== 'succeeded')
}

function onBase({ is, because }: State, facts: PullRequestFacts, past: readonly Past[]): Decision {
  const byHand = is === 'conflict' ? byHandBefore(because, facts, past) : null
  if (byHand !== null) return { reaction: null, why: `${because}; ${asClause(byHand)}`, isExhausted: true }
  const resolutions = past.filter(({ isResolving, isAllowed }) => isResolving && !isAllowed)
  const resolves = resolutions.length < MOST_RESOLUTIONS
  const decision = bounded({ kind: 'base', fingerprint: ofBase(facts), resolves }, because, facts, past)
  if (decision.reaction === null || resolves || is !== 'conflict') return decision
  const why = `${because}; a model was asked to resolve a conflict ${times(MOST_RESOLUTIONS)}, and is asked no more by Moose itself`
  return { reaction: null, why, isExhausted: true, refused: decision.reaction }
}

/** Why no model could be asked when the same commit conflicted alike, with whichever commit of the base; null: it never did. */
function byHandBefore(because: string, { head_sha: head }: PullRequestFacts, past: readonly Past[]): string | null {
  const same = past.findLast(({ headSha, byHand }) => headSha === head && byHand?.conflict === because)
  return same === undefined || same.byHand === null ? null : same.byHand.why
}

function asClause(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`
}

/**
 * What the bounds refuse, once, where a human has allowed one more reaction.
 *
 * @param allowedBy the answer that allows it, for which it is made once; null: there is none
 */
export function onceMore(decision: Decision, allowedBy: string | null): Decision {
  if (decision.reaction !== null || !decision.isExhausted || decision.refused === undefined || allowedBy === null)
    return decision
  const { refused, why } = decision
  const again = { ...refused, fingerprint: digest(refused.fingerprint, allowedBy) }
  return {
    reaction: again.kind === 'base' ? { ...again, resolves: true } : again,
    why: `${why}; a human allows one more`,
  }
}

/** A newer base is taken in first: what mends the check may be there. Then it is run again, and then a model mends it. */
function onRed(
  state: State & { is: 'red' },
  facts: PullRequestFacts,
  { verifiedBase }: Known,
  past: readonly Past[],
): Decision {
  const { because, failing } = state
  if (isBehind(facts, verifiedBase)) {
    const base = onBase(state, facts, past)
    if (base.reaction !== null) return base
  }
  const checks = ofRuns(failing)
  if (checks.length > 0) {
    const rerun = bounded({ kind: 'rerun', fingerprint: digest(facts.head_sha), checks }, because, facts, past)
    if (rerun.reaction !== null) return rerun
  }
  const names = failing.map(({ name }) => name).toSorted()
  return bounded({ kind: 'checks', fingerprint: digest(facts.head_sha, names), failing }, because, facts, past)
}

/** What was tried and not done is tried again beside something new alone, also where less is left of it. */
function onReview(
  { because, asked }: State & { is: 'reviewed' },
  facts: PullRequestFacts,
  { failed }: Known,
  past: readonly Past[],
): Decision {
  const fingerprint = digest(asked.map(({ key }) => key))
  const reaction = { kind: 'review', fingerprint, asked } as const
  const hasEnded = past.some((one) => one.fingerprint === fingerprint && one.outcome !== 'succeeded')
  if (hasEnded || asked.some(({ key }) => !failed.includes(key))) return bounded(reaction, because, facts, past)
  const why = `${because}; ${TRIED.review} and not done; it is tried once; ${SETTLE}`
  return { reaction: null, why, isExhausted: true, refused: reaction }
}

/** What ends a request of which nothing more is made: what the forge tells of it then. */
const SETTLE = 'where it is settled, resolve its thread, hide its comment or approve the pull request'

/** Of each run that can be made again, one of its checks. */
export function ofRuns(checks: readonly CheckFact[]): CheckFact[] {
  const runs = checks.flatMap((check) => (check.actions === null ? [] : [[check.actions.run_id, check] as const]))
  return [...new Map(runs).values()]
}

function ofBase({ head_sha, base_sha }: PullRequestFacts): string {
  return digest(head_sha, base_sha)
}

function bounded(reaction: Reaction, because: string, facts: PullRequestFacts, past: readonly Past[]): Decision {
  const { kind, fingerprint } = reaction
  const alike = past.filter((one) => one.kind === kind)
  const { perHead, perOrder } = MOST[kind]
  const refused = (why: string): Decision => ({
    reaction: null,
    why: `${because}; ${why}`,
    isExhausted: true,
    refused: reaction,
  })
  const same = alike.findLast((one) => one.fingerprint === fingerprint)
  if (same !== undefined) return refused(onceDone(same))
  const counted = alike.filter(({ isAllowed }) => !isAllowed)
  const allowed = alike.length - counted.length
  const ofThese = allowed === 0 ? '' : `, of these ${allowed} that a human allowed`
  if (counted.length >= perOrder)
    return refused(`${TRIED[kind]} ${times(alike.length)}${ofThese}, and no more is done for one order`)
  if (counted.filter(({ headSha }) => headSha === facts.head_sha).length >= perHead)
    return refused(`${TRIED[kind]} for this commit, and no more is done for it`)
  return { reaction, why: because }
}

/** What a reaction does, as the log says it. */
export const SAID: Record<FollowUpKind, string> = {
  base: 'the base is merged in, and the checks are run',
  rerun: 'the checks are run again, in case they are flaky',
  checks: 'the model that made the change is told what failed',
  review: 'the model that made the change is told what is asked for',
}

/** What was done with success, what was tried however it ended, and what is under way. */
const DONE: Record<FollowUpKind, string> = {
  base: 'the base was merged in and verified',
  rerun: 'the checks were run again',
  checks: 'a repair was made',
  review: 'what the review asks for was done',
}
const TRIED: Record<FollowUpKind, string> = {
  base: 'a merge of the base was tried',
  rerun: 'the checks were run again',
  checks: 'a repair was tried',
  review: 'what a review asks for was tried',
}
const BEGUN: Record<FollowUpKind, string> = {
  base: 'a merge of the base',
  rerun: 'another run of the checks',
  checks: 'a repair',
  review: 'what the review asks for',
}

function onceDone({ kind, outcome }: Past): string {
  if (outcome === null) return `${BEGUN[kind]} is under way; it is tried once for each commit`
  if (outcome === 'merge_conflict') return `${TRIED[kind]}, and git could not merge; it is tried once for each commit`
  if (outcome === 'merge_held')
    return `${TRIED[kind]}, and a human has to allow what it holds; it is tried once for each commit`
  if (outcome === 'budget_exceeded')
    return `${TRIED[kind]}, and a cap had no room for its call; raise that cap (moose budget), and allow one more (moose decide)`
  if (kind !== 'rerun' && outcome !== 'succeeded')
    return `${TRIED[kind]}, which ended with ${outcome}; it is tried once for each commit`
  return `${DONE[kind]}, and that is done once`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
