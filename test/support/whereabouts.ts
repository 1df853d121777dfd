import type { LastAttempt, PullRequestSeen, Whereabouts } from '../../src/db/work-orders/order-whereabouts.ts'
import type { Intake } from '../../src/orchestrator/why/facts.ts'

export const ID = '1a2b3c4d-0000-4000-8000-000000000000'
export const OTHER = '5e6f7a8b-0000-4000-8000-000000000000'
export const NOW = new Date('2026-03-30T22:00:00.000Z')
export const BEFORE = new Date('2026-03-30T21:00:00.000Z')

export const ATTEMPT: LastAttempt = {
  number: 2,
  status: 'running',
  claimedAt: BEFORE,
  endedAt: null,
  host: 'ada',
  pid: 42,
  isWorkerAlive: true,
  step: { name: 'verify', try: 2, status: 'running', startedAt: BEFORE },
}
const UNKNOWN = { conflict: null, follow_up: null, failed_verification: null, tried_resolution: null }
export const PULL: PullRequestSeen = {
  attempt: 1,
  number: 7,
  url: 'https://forge.example/pull/7',
  state: 'open',
  head_sha: 'a'.repeat(40),
  seen_head_sha: 'a'.repeat(40),
  checks: 'SUCCESS',
  review: 'APPROVED',
  ended_at: null,
  created_at: BEFORE,
  base: 'main',
  branch: 'feature/greet',
  ...UNKNOWN,
  reverted: null,
  merged_unverified: null,
  merged_by: null,
  seen_open_threads: 0,
  seen_draft: false,
  seen_base: null,
  outside_scope: [],
}
export const INTAKE: Intake = {
  isPolling: true,
  isService: true,
  others: 0,
  stop: null,
  isEnabled: true,
  places: { maxConcurrent: 3, perRepository: 2, running: 1 },
  disk: null,
}

export const order = (more: Partial<Whereabouts> = {}): Whereabouts => ({
  id: ID,
  status: 'pending',
  phase: null,
  isApproved: true,
  isAsApproved: true,
  project: 'sample',
  hasRemovedProject: false,
  files: 1,
  reason: null,
  rejection: null,
  updatedAt: BEFORE,
  cost: '0.5',
  waitsFor: [],
  reactions: [],
  attempt: null,
  madeBy: null,
  pull: null,
  ...more,
})
