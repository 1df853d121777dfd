import { isoTime } from '../../clock.ts'
import { type FollowUpKind, type FollowUpView, failingLines, REACTIONS } from '../../contract/evidence/follow-up.ts'
import { howLastEnded, type LastReaction, notDoneLines } from '../../contract/evidence/last-reaction.ts'
import { mergedByText } from '../../contract/evidence/merged-by.ts'
import type { Revert, UnverifiedMerge } from '../../contract/evidence/revert.ts'
import { nextInReview, reviewOf } from '../../contract/evidence/review.ts'
import type { Why } from '../../contract/why/why.ts'
import type { PullRequestSeen, Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import { countsOf, SAID } from '../../follow-up/decide.ts'
import { type OrderState, orderState } from '../../work-order/order-state.ts'
import { unmetOf } from './dependencies.ts'
import { answer, atPullOf, attemptEvidence, costEvidence, short, type WhyFacts } from './facts.ts'
import { followingOf } from './following.ts'
import { whyItRests } from './resting.ts'
import { whyItWaits } from './waiting.ts'

/** What an order waits for, or why it stands where it stands. */
export function whyOf(facts: WhyFacts): Why {
  return ANSWERS[stateOf(facts.order)](facts)
}

export function stateOf({ status, phase, isApproved }: Whereabouts): OrderState {
  return orderState({ status, phase, approved: isApproved })
}

const ANSWERS: Record<OrderState, (facts: WhyFacts) => Why> = {
  unapproved: ({ order }) => whyUnapproved(order),
  waiting: (facts) => withPull(facts.order, whyItWaits(facts)),
  running: ({ order }) => whyItRuns(order),
  review: whyInReview,
  blocked: whyItRests,
  failed: ({ order }) => whyItFailed(order),
  completed: ({ order }) => whyItIsOver(order, 'completed'),
  cancelled: ({ order }) => whyItIsOver(order, 'cancelled'),
}

/** What waits for an open pull request stands with it: it is in review again when that has ended. */
function withPull(order: Whereabouts, why: Why): Why {
  const { pull } = order
  const at = atPullOf(order)
  if (at === null || pull === null) return why
  const url = pull.url === null ? '' : `, ${pull.url}`
  return {
    ...why,
    short: `pull request #${at.number}: ${at.doing}; ${why.short}`,
    sentence: `It is in review with pull request #${at.number}: ${at.doing}. ${why.sentence}`,
    evidence: [{ name: 'pull request', text: `#${pull.number}, ${pull.state}${url}` }, ...why.evidence],
  }
}

function whyUnapproved(order: Whereabouts): Why {
  const { ended, evidence } = unmetOf(order)
  const id = short(order.id)
  const first = ended === null ? [] : [...ended.next, `moose edit ${id} --depends-on none`]
  return answer({
    kind: 'unapproved',
    short: `is not approved${ended === null ? '' : `, and ${ended.short}`}`,
    sentence: `It is not approved, so it is not run.${ended === null ? '' : ` ${ended.sentence}`}`,
    evidence: [
      { name: 'approved', text: 'no' },
      { name: 'scope', text: scopeOf(order.files) },
      ...evidence,
      ...costEvidence(order),
    ],
    next: [`moose show ${id}`, ...first, `moose approve ${id}`, `moose reject ${id}`],
  })
}

function whyItRuns(order: Whereabouts): Why {
  const { attempt, id } = order
  const follow = `moose logs -f ${short(id)}`
  if (attempt === null || attempt.status !== 'running') {
    const sentence = 'It is in progress and no process carries it out; the next service that starts puts it right.'
    const evidence = attemptEvidence(order)
    return answer({
      kind: 'running',
      short: 'no process carries it out',
      sentence,
      evidence,
      next: ['moose up', 'moose doctor'],
    })
  }
  const { number, step, isWorkerAlive } = attempt
  const since = isoTime(step === null ? attempt.claimedAt : step.startedAt)
  const what = `attempt ${number}${step === null ? ' begins' : `, ${step.name}${step.try === 1 ? '' : `, try ${step.try}`}`}`
  const reaction = reactionOf(order, number)
  const gone = 'Its process does not answer any more; another takes it over as soon as one is up.'
  return answer({
    kind: 'running',
    short: `${what}${reaction === null ? '' : ` for ${reaction.on}`}${isWorkerAlive ? `, since ${since}` : '; its process does not answer'}`,
    sentence: `It runs: ${what}, since ${since}.${reaction === null ? '' : ` ${reaction.sentence}`}${isWorkerAlive ? '' : ` ${gone}`}`,
    evidence: [
      ...attemptEvidence(order),
      ...(reaction === null ? [] : reaction.evidence),
      { name: 'claimed', text: isoTime(attempt.claimedAt) },
      { name: 'worker', text: isWorkerAlive ? 'alive' : 'its lease has run out' },
      ...costEvidence(order),
    ],
    next: isWorkerAlive ? [follow, `moose cancel ${short(id)}`] : ['moose up', follow],
  })
}

/** What a running attempt does about the open pull request of its order; null: it is about none. */
function reactionOf({ last, pull }: Whereabouts, attempt: number) {
  if (last === null || pull === null || last.outcome !== null || last.attempt !== attempt) return null
  const on = `pull request #${pull.number}`
  const at = pull.url === null ? '' : `, ${pull.url}`
  const sentence = `It is about ${on}${at}: ${last.because}; ${SAID[last.kind]}.`
  const failing = failingRows(pull).map(([name, text]) => ({ name, text }))
  return { on, sentence, evidence: [{ name: 'pull request', text: `#${pull.number}, ${pull.state}${at}` }, ...failing] }
}

function whyInReview({ order, idle, byRule }: WhyFacts): Why {
  const { pull, id } = order
  const following = followingOf(order, idle)
  const review = reviewOf(pull)
  const { advice } = review
  const because = review.needs === 'merge' && byRule !== null ? byRule : review.because
  const named = pull === null ? 'its pull request' : `pull request #${pull.number}`
  const rows: [string, string | null][] =
    pull === null
      ? []
      : [
          ['pull request', `#${pull.number}, ${pull.state}${pull.url === null ? '' : `, ${pull.url}`}`],
          ['commit', pull.head_sha],
          ['on its branch', pull.seen_head_sha],
          ['checks', pull.checks],
          ['review', pull.review],
          ['follow-up', followedText(pull.follow_up)],
          ...failingRows(pull),
          ['open since', isoTime(pull.created_at)],
          ...reactionRows(order),
          ...(order.last === null ? [] : lastRows(order.last)),
        ]
  const sentence = `It is in review with ${named}: ${because}${/[.!?…]$/.test(because) ? '' : '.'}`
  return answer({
    kind: 'review',
    short: `${named}: ${because}${following === null ? '' : `; ${following.short}`}`,
    sentence: [sentence, following?.sentence, advice].filter((said) => typeof said === 'string').join(' '),
    evidence: [...rows.flatMap(([name, text]) => (text === null ? [] : [{ name, text }])), ...costEvidence(order)],
    next: [...(following === null ? [] : following.next), ...nextInReview(short(id), review)],
  })
}

function failingRows({ follow_up: followUp }: Pick<PullRequestSeen, 'follow_up'>): [string, string][] {
  const failing = followUp === null || followUp.failing === undefined ? [] : followUp.failing
  return failingLines(failing).map((line) => ['failed check', line])
}

function followedText(followUp: FollowUpView | null): string | null {
  return followUp === null ? null : `${followUp.state.replaceAll('_', ' ')}: ${followUp.why}`
}

/** What was done about its pull requests, of each kind how often, the most, and how it ended. */
function reactionRows({ reactions }: Whereabouts): [string, string][] {
  return countsOf(reactions).map(({ kind, done, most }) => {
    const ends = reactions.filter((one) => one.kind === kind).map(({ outcome }) => endOf(kind, outcome))
    return [REACTIONS[kind], `${done} of ${most}: ${ends.join(', ')}`]
  })
}

/** How the last of them ended, and what is left of what it was about. */
function lastRows(last: LastReaction): [string, string | null][] {
  return [['tried last', howLastEnded(last)], ...notDoneLines(last).map((line): [string, string] => ['not done', line])]
}

function endOf(kind: FollowUpKind, outcome: string | null): string {
  if (outcome === null) return 'under way'
  if (outcome === 'merge_conflict') return 'git could not merge'
  if (outcome === 'merge_held') return 'a human has to allow what it holds'
  if (outcome === 'succeeded') return outcome
  if (kind !== 'rerun') return `ended with ${outcome}`
  if (outcome === 'refused') return 'the forge refused it'
  return outcome === 'asked' ? 'run again' : `run again, ${outcome}`
}

function whyItFailed(order: Whereabouts): Why {
  const { attempt, reason, id, isApproved } = order
  const code = reason === null ? null : reason.code
  const at = attempt === null || attempt.step === null ? '' : ` at ${attempt.step.name}`
  const said = reason === null ? '' : `: ${saidOf(reason)}`
  const unrepaired = reason === null ? null : unrepairedOf(reason)
  const who = attempt === null ? 'It' : `Attempt ${attempt.number}`
  const again = isApproved ? [] : [`moose approve ${short(id)}`]
  const verify = order.madeBy === null ? [] : [`moose verify ${short(id)}`]
  return answer({
    kind: 'failed',
    code,
    short: `${code === null ? 'failed' : code}${at}${unrepaired === null ? '' : ` (not repaired further: ${unrepaired})`}${said}`,
    sentence: withUnrepaired(`${who} failed${at}${code === null ? '' : ` with ${code}`}${said}`, unrepaired),
    evidence: [...attemptEvidence(order), { name: 'ended', text: isoTime(order.updatedAt) }, ...costEvidence(order)],
    next: [
      `moose logs ${short(id)}`,
      `moose edit ${short(id)}`,
      ...again,
      ...verify,
      `moose retry ${short(id)}`,
      `moose retry ${short(id)} --fresh`,
    ],
  })
}

/** Of a check that failed one line of what it printed: the whole of it belongs to no list. */
function saidOf({ code, message, details }: NonNullable<Whereabouts['reason']>): string {
  const { check, said, exit_code: exitCode } = details === undefined ? {} : details
  if (code !== 'check_failed' || typeof check !== 'string' || typeof said !== 'string') return message
  const how = typeof exitCode === 'number' ? `failed with exit code ${exitCode}` : 'failed'
  return `Check "${check}" ${how}${said === '' ? '.' : `: ${said}`}`
}

/** Why the change was not mended any more; null: nothing says so. */
function unrepairedOf({ details }: NonNullable<Whereabouts['reason']>): string | null {
  const why = details?.['unrepaired']
  return typeof why === 'string' ? why : null
}

/** The sentence, and a further one where `saidOf` left it out. */
function withUnrepaired(sentence: string, unrepaired: string | null): string {
  if (unrepaired === null || sentence.includes(unrepaired)) return sentence
  return `${sentence}${sentence.endsWith('.') ? '' : '.'} It was not repaired further: ${unrepaired}.`
}

function whyItIsOver(order: Whereabouts, kind: 'completed' | 'cancelled'): Why {
  const { pull, rejection, givenUpBy, id } = order
  const revert = pull === null ? null : pull.reverted
  const isBack = revert === null ? '' : `, and its change was reverted ${revertedText(revert, pull)}`
  const other = pull === null ? null : pull.merged_unverified
  const at = other === null ? '' : ` at ${unverifiedText(other)}`
  const by = pull === null ? '' : mergedByText(pull.merged_by)
  const state =
    pull === null
      ? null
      : `pull request #${pull.number} ${pull.state === 'open' ? 'is' : 'was'} ${pull.state}${by}${at}${isBack}`
  const givenUp = givenUpBy === null ? null : `${givenUpBy} gave it up${state === null ? '' : `; ${state}`}`
  const because =
    kind === 'cancelled' && rejection !== null ? `it was rejected: ${rejection}` : givenUp === null ? state : givenUp
  const seen = revert === null ? '' : `, as was seen at ${revert.seen_at}`
  return answer({
    kind,
    short: because === null ? kind : `${kind}: ${because}`,
    sentence: because === null ? `It is ${kind}.` : `It is ${kind}: ${because}${seen}.`,
    evidence: [
      { name: kind, text: isoTime(order.updatedAt) },
      ...(pull === null ? [] : [{ name: 'pull request', text: `#${pull.number}, ${pull.state}${by}` }]),
      ...(other === null ? [] : [{ name: 'not verified', text: other.merged_sha }]),
      ...(revert === null ? [] : [{ name: 'reverted', text: `${revertedText(revert, pull)}, at ${revert.at}` }]),
      ...costEvidence(order),
      ...endedBefore(order, kind),
    ],
    next: kind === 'completed' ? [] : [`moose retry ${short(id)}`],
  })
}

/** The attempt that has ended it; of a completed one that was not the last, the last says nothing of its end and is named so. */
function endedBefore(order: Whereabouts, kind: 'completed' | 'cancelled'): Why['evidence'] {
  const { attempt, pull } = order
  if (kind === 'cancelled' || attempt === null || pull === null) return attemptEvidence(order)
  const merged = pull.verified_by === null ? pull.attempt : pull.verified_by
  if (merged === attempt.number) return attemptEvidence(order)
  const later = attemptEvidence(order).map(({ text }) => ({ name: 'last attempt', text }))
  return [{ name: 'merged attempt', text: `${merged}` }, ...later]
}

function unverifiedText({ verified_sha: verified, merged_sha: merged }: UnverifiedMerge): string {
  return `${merged.slice(0, 12)}, which Moose has not verified: ${verified.slice(0, 12)} was`
}

function revertedText({ by }: Revert, pull: Whereabouts['pull']): string {
  return `on ${pull?.base}${by === null ? '' : ` by ${by.slice(0, 12)}`}`
}

function scopeOf(files: number): string {
  if (files === 0) return 'no file; it would fail at once'
  return `${files} ${files === 1 ? 'file' : 'files'} may change`
}
