import type { Obstacle } from '../../budget/headroom.ts'
import { isoTime } from '../../clock.ts'
import { atPullRequest } from '../../contract/evidence/follow-up.ts'
import type { Why } from '../../contract/why/why.ts'
import type { ProviderPause } from '../../db/provider-pauses.ts'
import type { FailureRow } from '../../db/work-orders/failure-rows.ts'
import type { Verdict } from '../../db/work-orders/next-orders.ts'
import type { Whereabouts } from '../../db/work-orders/order-whereabouts.ts'
import type { SuspendedOrder } from '../../db/work-orders/suspended-orders.ts'
import type { Fault } from '../../faults/fault.ts'
import { shownUsd, statedUsd, type Usd } from '../../money.ts'
import type { Allowance } from '../../work-order/protection/held-change.ts'
import type { Idle } from './following.ts'

/** How orders are taken on now. */
export type Intake = {
  /** Whether the process that answers takes orders on. */
  isPolling: boolean
  /** Whether it is a service or a worker; false: a command without one. */
  isService: boolean
  /** Other processes that live and may take orders on. */
  others: number
  /** Why nothing is called or taken on: `emergency_stop`, or `config_invalid` for a row that cannot be read; null: nothing keeps it. */
  stop: Fault | null
  /** `orchestrator_enabled` of `system_config`. */
  isEnabled: boolean
  /** Null: they cannot be read; `stop` says so. */
  places: { maxConcurrent: number; perRepository: number | null; running: number } | null
  /** `disk_full`; null: there is room. */
  disk: Fault | null
}

/** Everything that the answer about one order is derived from. */
export type WhyFacts = {
  order: Whereabouts
  intake: Intake
  /** Of an approved order that waits; null: it is none, or is behind all that a claim looks at. */
  verdict: Verdict | null
  /** Of an order that is blocked until a condition is met; null: it is none. */
  resting: Resting | null
  /** What keeps open pull requests from being reacted to; null: nothing, or the order is in review with none. */
  idle: Idle
  /** Of an open pull request that is merged without a human what that waits for; null: it is not, or nothing is known of it. */
  byRule: string | null
  now: Date
}

/** What a suspended order waits for, by the look that resumes orders. */
export type Resting = {
  order: SuspendedOrder
  /** Whether the next look resumes it, unless everything is stopped. */
  isReleased: boolean
  /** Whether a retry begins a new attempt instead, of one that rests by a cap: it is not what was approved any more. */
  isAnew: boolean
  /** What its next call may cost; null: it waits for no money, or does not say. */
  needed: Usd | null
  /** The cap in its way; null: none, or the ledger cannot be added up. */
  cap: Obstacle | null
  isLedgerSound: boolean
  /** Of the provider it waits for; null: there is none. */
  pause: ProviderPause | null
  /** The failed orders that have the project or the proposer paused which it waits for; null: there are none. */
  row: FailureRow | null
  /** What humans allowed of its changes. */
  allowances: readonly Allowance[]
}

/** What is being done about its open pull request, where that is why it is not in review; null: nothing is. */
export function atPullOf({ status, phase, isApproved, attempt, pull, reactions }: Whereabouts) {
  const under = reactions.findLast(({ kind, outcome }) => outcome === null && kind !== 'rerun')
  const order = { status, phase, approved: isApproved, attempt: attempt === null ? null : attempt.number }
  return atPullRequest(order, pull, under === undefined ? null : under.kind)
}

/** What most answers leave out, filled in. */
export function answer(
  said: Omit<Why, 'code' | 'orders' | 'until'> & Partial<Pick<Why, 'code' | 'orders' | 'until'>>,
): Why {
  return { code: null, orders: [], until: null, ...said }
}

/** As much of an id as commands are shown with. */
export function short(id: string): string {
  return id.slice(0, 8)
}

/** Which attempt it is of, and where it runs or ran. */
export function attemptEvidence({
  attempt,
  status: of,
}: Pick<Whereabouts, 'attempt'> & Partial<Pick<Whereabouts, 'status'>>): Why['evidence'] {
  if (attempt === null) return []
  const { number, status, step, host, pid } = attempt
  const at = step === null ? '' : `, ${step.status === 'running' ? 'at' : 'last at'} ${step.name}`
  // A worker that is started again is the same one in another process: which one an attempt ran in is not known afterwards.
  const process = status === 'running' ? ` (process ${pid})` : ''
  const where = host === null ? '' : `, on ${host}${process}`
  return [
    {
      name: 'attempt',
      text: `${number}, ${status === 'blocked' ? (of === 'cancelled' ? 'not resumed' : 'suspended') : status}${at}${where}`,
    },
  ]
}

/** Orders of a row of failures that are named. */
const MOST_OF_ROW = 10

/** Of a row of failures what the last one says first, as what it has to type is of that order alone, and which orders failed. */
export function rowEvidence({ message, orders }: Pick<FailureRow, 'message' | 'orders'>): Why['evidence'] {
  const [said = ''] = message.split('\n')
  return [
    { name: 'last failure', text: said },
    ...orders.slice(-MOST_OF_ROW).map((id) => ({ name: 'failed order', text: short(id) })),
  ]
}

export function costEvidence({ cost, status }: Whereabouts): Why['evidence'] {
  if (cost === null) return []
  const isOver = status === 'completed' || status === 'cancelled'
  return [{ name: 'cost', text: `${shownUsd(statedUsd(cost))}${isOver ? '' : ' so far'}` }]
}

/** When the UTC day or month of a moment ends. */
export function endOf(period: 'day' | 'month', at: Date): string {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  return isoTime(new Date(period === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)))
}

/** Nothing is called or taken on at all. */
export function stoppedAnswer({ stop, isEnabled }: Intake, now: Date): Why | null {
  if (stop !== null && stop.code === 'emergency_stop') {
    const byHand = stop.details['by_hand'] === true
    return answer({
      kind: 'emergency_stop',
      code: stop.code,
      short: 'waits for the end of the emergency stop',
      sentence: `It waits. ${stop.message}`,
      evidence: [{ name: 'emergency stop', text: byHand ? 'by hand' : 'the day has reached emergency_kill' }],
      next: byHand ? ['moose budget resume'] : ['moose budget', 'moose budget cap kill USD'],
      until: byHand ? null : endOf('day', now),
    })
  }
  if (stop === null && isEnabled) return null
  const off =
    'The row orchestrator_enabled of system_config is false: nothing is taken on. Set it to true, or delete it.'
  const why = stop === null ? off : stop.message
  return answer({
    kind: 'settings',
    code: stop === null ? null : stop.code,
    short: stop === null ? 'waits: orchestrator_enabled is false' : 'waits: a row of system_config cannot be read',
    sentence: `It waits. ${why}`,
    evidence: [{ name: 'system_config', text: stop === null ? 'orchestrator_enabled is false' : stop.message }],
    next: ['moose status'],
  })
}

/** Whatever may start now waits for who takes it on, or for room on the disk. */
export function startingAnswer(
  { id }: Pick<Whereabouts, 'id'>,
  { isPolling, isService, others, disk }: Intake,
  soon: Pick<Why, 'short' | 'sentence' | 'evidence'>,
): Why {
  if (disk !== null) {
    const evidence = [{ name: 'disk', text: disk.message }]
    const sentence = `It waits for room. ${disk.message}`
    return answer({
      kind: 'disk',
      code: disk.code,
      short: 'waits for room on the disk',
      sentence,
      evidence,
      next: ['moose doctor --fix'],
    })
  }
  const run = `moose run ${short(id)}`
  if (isPolling) return answer({ kind: 'next', ...soon, next: [`moose logs -f ${short(id)}`] })
  const fleet = [
    { name: 'polling', text: isService ? 'off' : 'no service of this home is up' },
    { name: 'other processes', text: others === 0 ? 'none is up' : `${others} up, which may take it on` },
  ]
  if (others > 0) return answer({ kind: 'next', ...soon, evidence: [...soon.evidence, ...fleet], next: [run] })
  return answer({
    kind: 'service',
    short: isService ? 'waits for the service, whose polling is off' : 'waits for a service; none is up',
    sentence: isService
      ? 'It may start now and waits for the service, whose polling is off.'
      : 'It may start now, and no service is up that would take it on.',
    evidence: [...soon.evidence, ...fleet],
    next: [isService ? 'moose start' : 'moose up --start', run],
  })
}
