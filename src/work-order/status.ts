/**
 * The state machine of a work order. The database holds the same lists (migration 0001 the CHECK constraint, 0002 the
 * transitions); a test compares them.
 */
export const STATUSES = ['pending', 'in_progress', 'completed', 'failed', 'cancelled', 'blocked'] as const
export type Status = (typeof STATUSES)[number]

/** Where an `in_progress` order stands; null in every other status. */
export const PHASES = ['routing', 'proposing', 'applying', 'verifying', 'publishing', 'in_review'] as const
export type Phase = (typeof PHASES)[number]

/** Every legal change of status. Nothing leaves `completed`. */
export const TRANSITIONS: Readonly<Record<Status, readonly Status[]>> = {
  pending: ['in_progress', 'cancelled', 'blocked', 'failed'],
  in_progress: ['completed', 'failed', 'cancelled', 'blocked'],
  blocked: ['pending', 'cancelled'],
  failed: ['pending', 'cancelled'],
  cancelled: ['pending'],
  completed: [],
}

export function canMove(from: Status, to: Status): boolean {
  return TRANSITIONS[from].includes(to)
}

/** Ended orders change only when a human asks for a retry. */
export function isEnded(status: Status): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
