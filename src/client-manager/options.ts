import type { EscalationOption, OfferedOption } from '../contract/why/escalation.ts'
import type { OptionRecord } from '../db/escalations/order-escalations.ts'
import { asWord } from '../db/proposer-configs.ts'
import { isSuspendCode } from '../db/work-orders/suspended-orders.ts'
import { shownUsd, Usd } from '../money.ts'
import type { ForeseenRetry } from '../orchestrator/orchestrator.ts'
import type { CandidateView } from '../ports/routing.ts'
import { type HeldCommit, heldKey } from '../work-order/protection/held-change.ts'

/** What the options of an escalation are derived from. */
export type OptionFacts = {
  /** As much of the order's id as commands are shown with. */
  shortId: string
  /** The code of the fault that stopped it. */
  cause: string
  /** The cap that refused the money, by the fault's details: `order`, `day`, …; null: none did. */
  refusedBy: string | null
  /** Commands that raise the caps above the order which have no room for the call that was refused; null: all have, or none was. */
  raise: string | null
  /** USD its next call may cost; null: it waits for no money. */
  needed: Usd | null
  /** Its own cap with what is gone of it; null: it has none, or the caps cannot be read. */
  cap: { cap: Usd; gone: Usd } | null
  /** USD of one attempt by proposer: the same tokens, at the price of each. One whose price is not known is not there. */
  costs: ReadonlyMap<string, number>
  /** USD that its attempts have cost on average; null: not known. */
  averageUsd: number | null
  /** The proposer it would be given to now; null: none can be called. */
  next: string | null
  /** The proposer it was given to last; null: it was given to none. Of an open pull request the one that made the change. */
  last: string | null
  /** The one that a human has wanted instead since; null: none. */
  wanted: string | null
  /** Those that may be called now, the best first. */
  candidates: readonly Pick<CandidateView, 'proposer' | 'able' | 'reserves_usd'>[]
  /** The most USD that a call for it has reserved so far, by proposer. */
  reserved: ReadonlyMap<string, Usd>
  /** What of its commit is held; null: nothing is. */
  held: HeldCommit | null
  /** Whether its last attempt left a commit of what it asks for now. */
  hasCommit: boolean
  /** Git cannot merge its base into it, so that no verification could begin. */
  isConflicting: boolean
  /** No model may resolve what conflicts. */
  isLeftByHand: boolean
  /** Of its open pull request: what Moose has verified is on its branch, and only its forge says no. */
  isHeldUpOnForge: boolean
  /** What a retry does; null: it is in review. */
  retry: ForeseenRetry | null
  /** Of its open pull request: Moose keeps its hands off it, has used up what it may do, or does not find it; null: it is not in review. */
  review: ReviewCause | null
  records: readonly OptionRecord[]
}

type ReviewCause = 'hands_off' | 'exhausted' | 'lost'

/** What may be decided about an order that is stopped, with what each is expected to cost. */
export function optionsFor(facts: OptionFacts): OfferedOption[] {
  const offers = facts.review === null ? ofStopped(facts) : ofReview(facts, facts.review)
  return offers.flatMap((offer) => (offer === null ? [] : [withRecord(offer, facts)]))
}

function ofStopped(facts: OptionFacts): (Offer | null)[] {
  return [allow(facts), retry(facts), model(facts), amend(facts), verify(facts), ABORT]
}

/** On top of another push no model is asked to make anything before it is given back. */
function ofReview(facts: OptionFacts, review: ReviewCause): (Offer | null)[] {
  if (review === 'lost') return [END]
  if (review === 'hands_off') return [ADOPT, VERIFY_BRANCH, CLOSE]
  // One more reaction would find the same.
  if (facts.isLeftByHand) return [anew(facts), CLOSE]
  const isIdle = facts.isConflicting || facts.isHeldUpOnForge
  return [onceMore(facts), onceMoreBy(facts), anew(facts), isIdle ? null : VERIFY_BRANCH, CLOSE]
}

type Offer = Pick<OfferedOption, 'option' | 'sentence' | 'expected_cost_usd' | 'budget_usd' | 'proposer'> & {
  option: EscalationOption
  held?: string
  /** Beside the order and the option. */
  words?: string
}

const FREE = { expected_cost_usd: 0, budget_usd: null, proposer: null }

function withRecord({ words, ...offer }: Offer, { shortId, records }: OptionFacts): OfferedOption {
  const record = records.find(({ option }) => option === offer.option)
  const { chosen, ended, ended_well } = record === undefined ? { chosen: 0, ended: 0, ended_well: 0 } : record
  const command = `moose decide ${shortId} ${offer.option}${words === undefined ? '' : ` ${words}`}`
  return { ...offer, held: offer.held === undefined ? null : offer.held, command, chosen, ended, ended_well }
}

function allow({ held }: OptionFacts): Offer | null {
  if (held === null) return null
  const what = held.count === 1 ? 'the change that is held' : `the ${held.count} changes that are held`
  const sentence = `Allows ${what} of the commit ${held.headSha.slice(0, 12)}; the attempt goes on and publishes it.`
  const key = heldKey(held)
  return { option: 'allow', ...FREE, sentence, held: key, words: `--held ${key}` }
}

/** What is held would be held again. */
function retry(facts: OptionFacts): Offer | null {
  const { cause, retry: again } = facts
  if (cause === 'protected_change' || again === null) return null
  const { sentence, cost } = again
  if (cost === 'none') return { option: 'retry', ...FREE, sentence }
  const offer = retried(facts, facts.needed === null ? sentence : GOES_ON)
  return cost === 'unknown' ? { ...offer, expected_cost_usd: null } : offer
}

/** Whether its cap has room is said of the cap. */
const GOES_ON = 'Its attempt goes on where it rests.'

/** @param sentence what is done; a cap that is raised for it is told at its end */
function retried(facts: OptionFacts, sentence: string): Offer {
  const asked = { proposer: askedAgain(facts), expectedUsd: ownCost(facts, askedAgain(facts)) }
  const budget = raisedCap(facts, asked)
  return {
    option: 'retry',
    sentence: `${sentence.replace(/\.$/, '')}${withCap(budget)}.${raisedFirst(facts)}`,
    expected_cost_usd: asked.expectedUsd,
    budget_usd: budget === null ? null : budget.toNumber(),
    proposer: null,
  }
}

function raisedFirst({ raise }: OptionFacts): string {
  return raise === null ? '' : ` The cap that refused its call is to be raised first: ${raise}`
}

/** What becomes of an open pull request is done by the proposer that made the change. */
function askedAgain({ review, next, last }: OptionFacts): string | null {
  return review === null && next !== null ? next : last
}

/** Of an attempt by a proposer that is not chosen for its price: as its attempts so far where that is not known. */
function ownCost({ costs, averageUsd }: OptionFacts, proposer: string | null): number | null {
  const known = proposer === null ? undefined : costs.get(proposer)
  return known === undefined ? averageUsd : known
}

function model(facts: OptionFacts): Offer | null {
  const others = facts.candidates.filter(({ proposer }) => proposer !== facts.last)
  const isNew = ({ proposer }: { proposer: string }) => proposer !== facts.wanted
  const other = others.find((one) => one.able && isNew(one)) ?? others.find(isNew) ?? others[0]
  if (other === undefined) return null
  const { proposer } = other
  const known = facts.costs.get(proposer)
  const expectedUsd = known === undefined ? null : known
  const budget = raisedCap(facts, { proposer, expectedUsd })
  return {
    option: 'model',
    sentence: `A new attempt is given to ${proposer}${withCap(budget)}.${raisedFirst(facts)}`,
    expected_cost_usd: expectedUsd,
    budget_usd: budget === null ? null : budget.toNumber(),
    proposer,
    words: `--proposer ${asWord(proposer)}`,
  }
}

function amend(facts: OptionFacts): Offer {
  const expectedUsd = ownCost(facts, facts.next)
  const budget = raisedCap(facts, { proposer: facts.next, expectedUsd })
  return {
    option: 'amend',
    sentence: `The order is changed, approved as changed, and tried again${withCap(budget)}.${raisedFirst(facts)}`,
    expected_cost_usd: expectedUsd,
    budget_usd: budget === null ? null : budget.toNumber(),
    proposer: null,
    words: '-f order.yaml',
  }
}

/** An attempt that rests goes on with its commit. */
function verify({ hasCommit, cause, isConflicting }: OptionFacts): Offer | null {
  if (!hasCommit || isConflicting || isSuspendCode(cause)) return null
  const sentence =
    'No model is called: the checks are run again on the commit that is there; if they pass, it is published.'
  return { option: 'verify', ...FREE, sentence }
}

/** Of what becomes of an open pull request. */
function onceMore(facts: OptionFacts): Offer {
  const offer = retried(facts, 'One more reaction to the pull request is allowed.')
  return { ...offer, sentence: `${offer.sentence} ${THEN_AGAIN}` }
}

function onceMoreBy(facts: OptionFacts): Offer | null {
  const offer = model(facts)
  if (offer === null) return null
  return {
    ...offer,
    sentence: `One more reaction to the pull request is allowed, by ${offer.proposer}${capOf(offer)}. ${THEN_AGAIN}`,
  }
}

/** What an option says of the cap that it gives the order; empty: it stays. */
function withCap(budget: Usd | null): string {
  return budget === null ? '' : `, with a cap of ${shownUsd(budget)}`
}

function capOf({ budget_usd: budget }: Offer): string {
  return withCap(budget === null ? null : new Usd(budget))
}

const THEN_AGAIN = 'If that does not mend it, a decision is asked for again.'

function anew(facts: OptionFacts): Offer {
  const offer = amend(facts)
  const what = 'The pull request is closed unmerged; the order is changed, approved as changed, and tried again'
  return { ...offer, sentence: `${what} from the start${capOf(offer)}.` }
}

const ADOPT: Offer = {
  option: 'adopt',
  ...FREE,
  sentence: 'Moose follows the pull request again. What its branch holds is verified first.',
}

const VERIFY_BRANCH: Offer = {
  option: 'verify',
  ...FREE,
  sentence: 'No model is called: the checks are run on what its branch holds now; if they pass, that can be merged.',
}

const CLOSE: Offer = {
  option: 'abort',
  ...FREE,
  sentence: 'The pull request is closed unmerged, and the order is cancelled.',
}

const END: Offer = {
  option: 'abort',
  ...FREE,
  sentence: 'The order is cancelled, and nothing is closed on its forge.',
}

const ABORT: Offer = { option: 'abort', ...FREE, sentence: 'The order is cancelled.' }

const WHOLE_CENTS = 2

/**
 * A cap with which one attempt goes through, in whole cents: beside what is gone there is room for what it is expected to cost, and
 * for the most that its last call can. Null: the one it has is enough, or it has none.
 */
function raisedCap(
  facts: OptionFacts,
  { proposer, expectedUsd }: { proposer: string | null; expectedUsd: number | null },
): Usd | null {
  const { cap } = facts
  if (cap === null) return null
  const enough = cap.gone.plus(expectedUsd === null ? 0 : expectedUsd).plus(nextCall(facts, proposer))
  return enough.lessThanOrEqualTo(cap.cap) ? null : enough.toDecimalPlaces(WHOLE_CENTS, Usd.ROUND_UP)
}

/** The most that the next call can cost, as far as it is known. */
function nextCall({ needed, refusedBy, candidates, reserved }: OptionFacts, proposer: string | null): Usd {
  const reserves = candidates.find((candidate) => candidate.proposer === proposer)?.reserves_usd
  const before = proposer === null ? undefined : reserved.get(proposer)
  return Usd.max(
    new Usd(reserves === null || reserves === undefined ? 0 : reserves),
    before === undefined ? new Usd(0) : before,
    refusedBy === 'order' && needed !== null ? needed : new Usd(0),
  )
}

/**
 * That a cap which the answer names leaves no room for the next call; null: it does.
 *
 * @param proposer which one is asked; null: the one that an answer without a name is given to
 */
export function shortOfRoom(facts: OptionFacts, named: Usd, proposer: string | null): string | null {
  if (facts.cap === null) return null
  const left = named.minus(facts.cap.gone)
  const { refusedBy, needed } = facts
  const refused = refusedBy === 'order' ? needed : null
  // An attempt that rests goes on with the call that was refused.
  const call =
    proposer === null && refused !== null ? refused : nextCall(facts, proposer === null ? askedAgain(facts) : proposer)
  if (left.greaterThanOrEqualTo(call)) return null
  return (
    `The cap is too low: the next call may cost up to ${shownUsd(call)}, and a cap of ${shownUsd(named)} has ${shownUsd(left)} left, ` +
    `so the order would be blocked before it. Choose again with a higher cap: moose decide ${facts.shortId}`
  )
}
