import type { Phase, Status } from './status.ts'

/** A pull request of one of an order's attempts. */
export type PullRequestFacts = {
  attempt: number
  number: number
  /** Null: on the forge `local`. */
  url: string | null
  state: 'open' | 'merged' | 'closed'
  /** Null while it is open. */
  ended_at: Date | null
}

export type OrderFacts = {
  status: Status
  phase: Phase | null
  /** Those of the pull request it is in review with, or was last; null: there was none. */
  github_pr_number: number | null
  github_pr_url: string | null
}

/** Where an order moves, and the pull request it is in review with or completed by. */
export type Standing<Pull> = { to: 'completed' | 'in_progress'; on: Pull } | { to: 'cancelled' }

/**
 * Where its pull requests put an order; null: it stays where it is. A merge completes it, whatever it was, and is final.
 * Otherwise an attempt that is under way continues. Otherwise an open pull request has it in review: of several, that of the
 * latest attempt. An order in review whose pull requests are all closed is cancelled.
 *
 * @param order.isUnderWay an attempt of it runs, or is suspended and will be resumed
 */
export function standing<Pull extends PullRequestFacts>(
  order: OrderFacts & { isUnderWay: boolean },
  pulls: readonly Pull[],
): Standing<Pull> | null {
  if (order.status === 'completed') return null
  const merged = pulls.filter(({ state }) => state === 'merged').sort(byEnd)[0]
  if (merged !== undefined) return { to: 'completed', on: merged }
  if (order.isUnderWay) return null
  const isInReview = order.phase === 'in_review'
  const open = pulls
    .filter(({ state }) => state === 'open')
    .sort(byAttempt)
    .at(-1)
  if (open === undefined) return isInReview ? { to: 'cancelled' } : null
  return isInReview && standsOn(order, pulls) === open ? null : { to: 'in_progress', on: open }
}

/** The pull request an order is in review with, or was last; null: none of these. Two projects may have the same number. */
export function standsOn<Pull extends Pick<PullRequestFacts, 'attempt' | 'number' | 'url'>>(
  { github_pr_number: number, github_pr_url: url }: Pick<OrderFacts, 'github_pr_number' | 'github_pr_url'>,
  pulls: readonly Pull[],
): Pull | null {
  const found = pulls
    .filter((pull) => pull.number === number && (pull.url === null || pull.url === url))
    .sort(byAttempt)
    .at(-1)
  return found === undefined ? null : found
}

type NumberedAttempt = { attempt: number }

function byAttempt(one: NumberedAttempt, other: NumberedAttempt): number {
  return one.attempt - other.attempt
}

function byEnd(one: PullRequestFacts, other: PullRequestFacts): number {
  return Number(one.ended_at) - Number(other.ended_at) || byAttempt(one, other)
}
