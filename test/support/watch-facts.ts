import type { BudgetPeriod } from '../../src/contract/budget.ts'
import type { EventView } from '../../src/contract/events.ts'
import type { OrchestratorStatus } from '../../src/contract/orchestrator.ts'
import type { InboxEntry } from '../../src/contract/why/inbox.ts'
import type { ListedWorkOrder } from '../../src/contract/work-orders.ts'
import { forEachState, type OrderState } from '../../src/work-order/order-state.ts'

const AT = '2026-01-31T12:00:00.000Z'

/** `00000007-0000-…` of 7. */
export function idOf(number: number): string {
  return `${String(number).padStart(8, '0')}-0000-4000-8000-000000000000`
}

const STANDS: Record<OrderState, Pick<ListedWorkOrder, 'status' | 'phase' | 'approved'>> = {
  unapproved: { status: 'pending', phase: null, approved: false },
  waiting: { status: 'pending', phase: null, approved: true },
  running: { status: 'in_progress', phase: 'proposing', approved: true },
  review: { status: 'in_progress', phase: 'in_review', approved: true },
  blocked: { status: 'blocked', phase: null, approved: true },
  failed: { status: 'failed', phase: null, approved: true },
  completed: { status: 'completed', phase: null, approved: true },
  cancelled: { status: 'cancelled', phase: null, approved: true },
}

/** An order as a list has it. */
export function listed(number: number, state: OrderState, more: Partial<ListedWorkOrder> = {}): ListedWorkOrder {
  return {
    id: idOf(number),
    title: `Order ${number}`,
    description: '',
    acceptance_criteria: [],
    files_in_scope: ['a.txt'],
    context: [],
    depends_on: [],
    risk_level: 'low',
    ...STANDS[state],
    state,
    hidden_text: [],
    project: 'sample',
    status_reason: null,
    attempts: 0,
    github_branch: null,
    github_pr_url: null,
    github_pr_number: null,
    proposer: null,
    estimated_cost: null,
    actual_cost: null,
    budget_usd: null,
    metadata: {},
    created_at: AT,
    updated_at: AT,
    completed_at: state === 'completed' ? AT : null,
    shortened: [],
    pull_request_closed: false,
    replayed: false,
    running_since: state === 'running' ? AT : null,
    why: { kind: 'next', short: `${state} for a reason`, code: null, orders: [], until: null },
    ...more,
  }
}

export function inboxOf(kind: string, order: ListedWorkOrder | null, more: Partial<InboxEntry> = {}): InboxEntry {
  const sentence = `It waits as ${kind}.`
  const none = { evidence: [], worst_case_usd: null, next: ['moose budget'], since: AT }
  return { kind, work_order: order, sentence, ...none, ...more }
}

const PERIOD: BudgetPeriod = { spent_usd: 1.23, reserved_usd: 0, soft_cap_usd: null, hard_cap_usd: 10, left_usd: 8.77 }

export function statusWith(states: Partial<Record<OrderState, number>>): OrchestratorStatus {
  return {
    polling: true,
    interval_ms: 1_000,
    max_concurrent: 2,
    max_per_repository: null,
    executing_count: 0,
    executing_work_orders: [],
    last_poll: null,
    total_executed: 0,
    total_failed: 0,
    errors: [],
    work_orders: { pending: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0, blocked: 0 },
    states: { ...forEachState(() => 0), ...states },
    paused_providers: [],
    github: { tracked_pull_requests: 0, api_calls_last_hour: 0, last_look: null },
    budget: {
      status: 'normal',
      emergency_stop: { active: false, by_hand: false, reason: null },
      today: PERIOD,
      this_month: { ...PERIOD, spent_usd: 20, hard_cap_usd: 100 },
      unresolved: { count: 0, amount_usd: 0 },
      disputed: 0,
    },
    workers: [],
    last_event_id: '0',
    pid: 1,
    home: '/home/moose',
    version: '0.1.0',
    sandbox: 'bubblewrap',
    database_url: 'postgres://localhost/moose',
  }
}

export function eventOf(number: number, order: number, more: Partial<EventView> = {}): EventView {
  const data = { duration_ms: 1_000, cost_usd: 0 }
  const known = { attempt: 1, step: 'propose', type: 'progress', message: `event ${number}`, data, at: AT }
  return { id: String(number), work_order_id: idOf(order), ...known, ...more }
}
