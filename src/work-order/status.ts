/**
 * The state machine of a work order. The database holds the same lists (migration 0001 the CHECK constraint, 0026 the
 * transitions); a test compares them.
 */
export const STATUSES = ['pending', 'in_progress', 'completed', 'failed', 'cancelled', 'blocked'] as const
export type Status = (typeof STATUSES)[number]

/** Where an `in_progress` order stands; null in every other status. */
export const PHASES = ['routing', 'proposing', 'applying', 'verifying', 'publishing', 'in_review'] as const
export type Phase = (typeof PHASES)[number]

/** Every legal change of status. Nothing leaves `completed`; from review an order is `pending` only to be verified. */
export const TRANSITIONS: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['in_progress', 'cancelled', 'blocked', 'failed', 'completed'],
  in_progress: ['completed', 'failed', 'cancelled', 'blocked', 'pending'],
  blocked: ['pending', 'cancelled', 'in_progress', 'completed'],
  failed: ['pending', 'cancelled', 'in_progress', 'completed'],
  cancelled: ['pending', 'in_progress', 'completed'],
  completed: [],
}

/**
 * Those of them that only a pull request of the order makes: an open one puts it `in_progress`, at once `in_review`; a
 * merged one completes it.
 */
export const BY_PULL_REQUEST: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['completed'],
  in_progress: [],
  blocked: ['in_progress', 'completed'],
  failed: ['in_progress', 'completed'],
  cancelled: ['in_progress', 'completed'],
  completed: [],
}

/** @param byPullRequest whether a pull request of the order makes the change */
export function canMove(from: Status, to: Status, byPullRequest: boolean): boolean {
  return TRANSITIONS[from].includes(to) && (byPullRequest || !BY_PULL_REQUEST[from].includes(to))
}

/** Ended orders change only when a human asks for a retry, or when a pull request of theirs does. */
export function isEnded(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
