import { againstMerge } from '../../contract/evidence/against-merge.ts'
import { failingLines, reactionsText } from '../../contract/evidence/follow-up.ts'
import { mergedByText } from '../../contract/evidence/merged-by.ts'
import { reviewOf } from '../../contract/evidence/review.ts'
import type { WorkOrderDetail } from '../../contract/work-orders.ts'
import { ago, shortId } from './humanize.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

/** Where its pull request is; one of the forge `local` is in no place where people or programs would judge it. */
export function placeOf({ pull_request: pull, github_pr_url: url }: WorkOrderDetail): string {
  if (url === null) return ''
  if (!url.startsWith('local:')) return ` ${url}`
  return pull === null ? '' : ', without reviews and CI'
}

/** What the last look at the pull request found; null before the first look and when there is nothing to report. */
export function seenOnGitHub(order: WorkOrderDetail): string | null {
  const { pull_request: pull } = order
  if (pull === null) return null
  const moved = movedByOthers(order)
  const found = [
    ...(pull.checks === null ? [] : [`checks ${pull.checks}`]),
    ...(pull.review === null ? [] : [`review ${pull.review}`]),
    ...(moved === null ? [] : [`branch moved to ${moved.slice(0, 12)} by another push`]),
  ]
  return found.length === 0 ? null : found.join(', ')
}

/** Why an open pull request cannot be merged as it is: it conflicts, or was verified and failed; null: nothing is known. */
export function mergingOf({ pull_request: pull }: WorkOrderDetail): string | null {
  if (pull === null || pull.state !== 'open') return null
  const { needs, because } = reviewOf(pull)
  return needs === 'mend' || needs === 'resolve' || needs === 'by_hand' || needs === 'lost' ? because : null
}

/** Reviews and check runs that are named on the page. */
const MOST_NAMED = 10

/** Who has reviewed it, and how; null: no review is known. */
export function reviewsOf({ pull_request: pull }: WorkOrderDetail): string | null {
  const reviews = pull?.reviews
  if (reviews === undefined || reviews === null || reviews.length === 0) return null
  return namedOf(
    reviews.map(({ by, state }) => `${by === null ? 'an account that is gone' : by} ${state}`),
    reviews.length,
  )
}

/** Those that hold it up come first; null: none is known. */
export function checkRunsOf({ pull_request: pull }: WorkOrderDetail): string | null {
  const runs = pull?.check_runs
  if (runs === undefined || runs === null || runs.length === 0) return null
  const failing = runs.filter(({ state }) => !WENT_WELL.has(state))
  const texts = [...failing, ...runs.filter((run) => !failing.includes(run))].map(
    ({ name, state }) => `${name} ${state}`,
  )
  const count = pull?.check_run_count
  return namedOf(texts, count === undefined || count === null ? texts.length : count)
}

/** Words of GitHub for a check run that holds nothing up. */
const WENT_WELL: ReadonlySet<string> = new Set(['SUCCESS', 'NEUTRAL', 'SKIPPED'])

/** @param count of all of them, also those that were not told */
function namedOf(texts: readonly string[], count: number): string {
  const named = texts.slice(0, MOST_NAMED).map((text) => oneLine(text, LONGEST_TITLE))
  return count > named.length ? `${named.join(', ')}, and ${count - named.length} more` : named.join(', ')
}

/** The commit that another push has put on the branch of the pull request; null when it holds the verified one. */
export function movedByOthers({ pull_request: pull }: WorkOrderDetail): string | null {
  if (pull === null || pull.state !== 'open' || pull.seen_head_sha === pull.head_sha) return null
  return pull.seen_head_sha
}

/** How an open pull request stands, and what Moose has done about it; null: it was not followed yet. */
export function followedOf(order: WorkOrderDetail): string | null {
  const { pull_request: pull } = order
  const followUp = pull?.follow_up
  if (pull === null || followUp === undefined || followUp === null) return null
  // It was looked at before the order was stopped.
  if (pull.state === 'open' && order.phase === null) return null
  const { state, why, failing = [] } = followUp
  const done = pull.reactions === undefined ? '' : ` (${reactionsText(pull.reactions)})`
  const told = pull.last_reaction === undefined ? [] : pull.last_reaction.told
  const red = failingLines(failing).map((line) => `failed check: ${line}`)
  return [`${state.replaceAll('_', ' ')}: ${why}${done}`, ...told, ...red].join('; ')
}

/** What is to be known beside its state: by what it was merged, that another commit was merged than the verified one, that its change was taken back. */
export function sinceMerged(pull: NonNullable<WorkOrderDetail['pull_request']>): string {
  const { reverted, merged_unverified: other, merged_by } = pull
  const isOther = other !== undefined && other !== null
  const isBack = reverted !== undefined && reverted !== null
  return `${harmless(mergedByText(merged_by ?? null))}${isOther ? ', at a commit that was not verified' : ''}${isBack ? ', reverted since' : ''}`
}

/** What took its merged change back; null: nothing is known to have. */
export function revertText({ pull_request: pull }: WorkOrderDetail, now: Date): string | null {
  if (pull?.reverted === undefined || pull.reverted === null) return null
  const { by, seen_at: seenAt } = pull.reverted
  const commit = by === null ? '' : ` by ${harmless(by.slice(0, 12))}`
  return `on ${oneLine(pull.base, LONGEST_TITLE)}${commit}, seen ${ago(new Date(seenAt), now)}`
}

/** The commit it was merged at, where Moose has verified another one; null: nothing is known of that. */
export function unverifiedText({ pull_request: pull }: WorkOrderDetail): string | null {
  if (pull?.merged_unverified === undefined || pull.merged_unverified === null) return null
  const { verified_sha: verified, merged_sha: merged } = pull.merged_unverified
  return `merged at ${harmless(merged.slice(0, 12))}; what was proved is of ${harmless(verified.slice(0, 12))}`
}

/** What a person does next with an order in review. */
export function nextForReview(order: WorkOrderDetail): string {
  const id = shortId(order.id)
  const { pull_request: pull } = order
  const review = reviewOf(pull)
  const close = `or: moose close ${id}`
  const verify = `then: moose verify ${id}`
  if (review.needs === 'lost')
    return `look at it on GitHub   to end the order, which closes nothing there: moose cancel ${id}`
  if (review.code === 'follow_up_exhausted')
    return `moose decide ${id}   or, once it is mended: moose verify ${id}   ${close}`
  if (pull !== null && review.needs === 'mend')
    return `moose logs ${id}   mend it on ${harmless(pull.branch)} and push that   ${verify}   ${close}`
  const byHand = pull === null ? '' : `merge ${harmless(pull.base)} into ${harmless(pull.branch)} by hand and push that`
  if (review.needs === 'by_hand') return `${byHand}   ${verify}   ${close}`
  if (review.needs === 'resolve') return `moose verify ${id} --resolve   or: ${byHand}   ${verify}   ${close}`
  const at = harmless(String(order.github_pr_url))
  if (movedByOthers(order) !== null) {
    const then = review.code === 'hands_off' ? `then give it back: moose adopt ${id}   or: moose verify ${id}` : verify
    return `look at what was pushed to the branch: ${at}   ${then}   ${close}`
  }
  if (pull !== null && review.needs !== 'merge' && review.needs !== 'weigh')
    return `see what holds it up: moose why ${id}   ${close}`
  const against = weighed(order)
  const first = against === null ? '' : `weigh first: ${against}   `
  const adopt = review.code === 'hands_off' ? `or give it back: moose adopt ${id}   ` : ''
  const verified = review.isLeftBehind ? `or: moose verify ${id}   ` : ''
  return `${first}moose show ${id} --diff   then: moose merge ${id}   ${adopt}${verified}${close}`
}

/** What a person weighs before the open pull request of an order is merged; null: nothing is known to speak against it. */
export function weighed({ pull_request: pull }: Pick<WorkOrderDetail, 'pull_request'>): string | null {
  if (pull === null || pull.state !== 'open') return null
  const { needs, because } = reviewOf(pull)
  const against = needs === 'weigh' || needs === 'answer' ? [because] : againstMerge(pull)
  return against.length === 0 ? null : oneLine(against.join('; '), MOST_WEIGHED)
}

const MOST_WEIGHED = 500
