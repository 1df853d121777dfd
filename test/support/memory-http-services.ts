import { randomUUID } from 'node:crypto'
import { EventEmitter, on } from 'node:events'
import type { ProjectView } from '../../src/contract/projects.ts'
import type { EventView, WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import type { HttpServices } from '../../src/http/http-services.ts'
import { createLog } from '../../src/log.ts'
import { BUDGET_LINE, memoryBudget } from './memory-budget.ts'

const NOW = '2026-01-31T12:00:00.000Z'

const ROUTE = {
  title: 'Do it',
  policy: { mode: 'auto' as const, min_outcomes: 50, known_outcomes: 0, success_floor: null, explore: true },
  decision: {
    selected_proposer: 'small',
    reason: 'It is the only one.',
    confidence: 0.9,
    routing_metadata: { complexity_score: 0.1, hard_stop_required: false },
  },
  past: [],
}
const NO_ROUTES = {
  attempts: 0,
  changed: 0,
  compared: 0,
  was: { cost_usd: 0, merged: 0 },
  would_be: { expected_cost_usd: 0, expected_merged: 0 },
}

export type MemoryServices = HttpServices & {
  budget: ReturnType<typeof memoryBudget>
  orders: Map<string, WorkOrderDetail>
  /** Ids of orders whose change came from a recording, for the list. */
  replayed: Set<string>
  /** Puts an order there. */
  place(order?: Partial<WorkOrderDetail>): WorkOrderDetail
  /** Stores an event and tells the subscribers. */
  publish(event: Partial<EventView> & { work_order_id: string }): EventView
  /** What the orchestrator was told, oldest first. */
  told: string[]
  /** Subscriptions that are open now. */
  subscriptions(): number
}

/** The services of the API in memory: orders, projects, events, and an orchestrator that does as it is told at once. */
export function memoryHttpServices(): MemoryServices {
  const orders = new Map<string, WorkOrderDetail>()
  const events: EventView[] = []
  const projects: ProjectView[] = []
  const replayed = new Set<string>()
  const news = new EventEmitter().setMaxListeners(0)
  const told: string[] = []
  const stopping = new AbortController()
  let open = 0
  const place = (order: Partial<WorkOrderDetail> = {}) => {
    const placed = { ...newOrder(), ...order }
    orders.set(placed.id, placed)
    return placed
  }
  const find = (idOrPrefix: string) => {
    const found = [...orders.values()].find(({ id }) => id.startsWith(idOrPrefix))
    if (found === undefined) throw new Fault('work_order_not_found', `There is no work order "${idOrPrefix}".`)
    return found
  }
  const change = (id: string, changes: Partial<WorkOrderDetail>) => place({ ...find(id), ...changes })
  const after = (workOrderId: string | null, afterId: string) =>
    events.filter(
      (event) => Number(event.id) > Number(afterId) && (workOrderId === null || event.work_order_id === workOrderId),
    )
  return {
    orders,
    replayed,
    place,
    told,
    subscriptions: () => open,
    publish: (event) => {
      const stored = { ...newEvent(events.length + 1), ...event }
      events.push(stored)
      news.emit('news')
      return stored
    },
    workOrders: {
      add: async (added) =>
        added.map(({ project = null, budget_usd = null, ...order }) =>
          place({ ...order, project, budget_usd: usd(budget_usd) }),
        ),
      list: async ({ status, limit }) =>
        [...orders.values()]
          .filter((order) => status === undefined || order.status === status)
          .slice(-limit)
          .map((order) => ({ ...order, shortened: [], replayed: replayed.has(order.id) })),
      find: async (id) => find(id),
      detail: async (id) => find(id),
      edit: async (id, { budget_usd, ...edit }) => {
        if (find(id).status === 'completed') throw new Fault('work_order_conflict', 'It is completed.')
        if (budget_usd !== undefined) change(id, { budget_usd: usd(budget_usd) })
        if (Object.keys(edit).length === 0) return find(id)
        return place(Object.assign(change(id, { approved: false }), edit))
      },
      approve: async (id) => change(id, { approved: true }),
      reject: async (id, reason) => change(id, { status: 'cancelled', metadata: { rejection_reason: reason } }),
    },
    projects: {
      add: async ({ default_branch, forge = 'local', ...project }) => {
        const known = projects.find(({ name }) => name === project.name)
        if (known !== undefined) return { project: known, added: false, login_left_out: false }
        const added = { id: randomUUID(), default_branch: default_branch ?? 'main', forge, ...project }
        projects.push(added)
        return { project: added, added: true, login_left_out: false }
      },
      list: async () => projects,
    },
    events: {
      list: async (workOrderId, afterId) => after(workOrderId, afterId).slice(0, 500),
      subscribe: async function* ({ workOrderId, afterId, signal }) {
        open += 1
        const heard = on(news, 'news', { signal })
        let last = afterId
        try {
          for (;;) {
            for (const event of after(workOrderId, last)) {
              yield event
              last = event.id
            }
            await heard.next()
          }
        } catch (error) {
          if (!signal.aborted) throw error
        } finally {
          open -= 1
        }
      },
    },
    budget: memoryBudget(told),
    routing: {
      explain: async (id) => ({ ...ROUTE, work_order_id: find(id).id }),
      replay: async () => ({ policy: ROUTE.policy, summary: NO_ROUTES, attempts: [] }),
    },
    orchestrator: {
      start: async (intervalMs) => {
        told.push(`start ${intervalMs}`)
        return intervalMs ?? 10_000
      },
      startUnattended: async () => void told.push('start unattended'),
      stop: () => void told.push('stop'),
      status: async () => ({ ...STATUS, last_event_id: String(events.length) }),
      execute: async (id) => {
        told.push(`execute ${id}`)
        return { ...EXECUTION, work_order_id: id }
      },
      cancel: async (id) => void change(id, { status: 'cancelled' }),
      retry: async (id) => void change(id, { status: 'pending' }),
      merge: async (id) => void change(id, { status: 'completed', phase: null }),
      close: async (id) => void change(id, { status: 'cancelled', phase: null }),
      drain: async () => stopping.abort(),
      stopping: stopping.signal,
    },
    manager: {
      decideRetry: async ({ attempt, current_proposer }) => ({
        should_retry: true,
        attempt_number: attempt + 1,
        max_attempts: 3,
        next_proposer: current_proposer,
        strategy: 'same_model',
        reasoning: 'It tries once more.',
      }),
      route: async (request) => {
        if (!request.approved_by_director) throw new Fault('work_order_not_approved', 'The order is not approved.')
        return {
          selected_proposer: 'small-model',
          reason: 'cheapest that is able',
          confidence: 0.9,
          routing_metadata: { complexity_score: request.complexity_score, hard_stop_required: false },
        }
      },
    },
    proposeForApi: async (request) => ({ content: request.task_description, cost: 0, proposer_used: 'small-model' }),
    githubWebhook: {
      secret: 'webhook-secret',
      take: async ({ id }) => {
        told.push(`webhook ${id}`)
        return true
      },
      hint: ({ numbers }) => void told.push(`hint ${numbers.join()}`),
    },
    whyNotReady: async () => null,
    metrics: async () => ({
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      text: 'moose_attempts_running 0\n',
    }),
    shown: (value) => value,
    log: createLog('silent'),
  }
}

function usd(amount: string | number | null): number | null {
  return amount === null ? null : Number(amount)
}

function newOrder(): WorkOrderDetail {
  return {
    id: randomUUID(),
    title: 'Add a greeting',
    description: '',
    acceptance_criteria: [],
    files_in_scope: ['src/greeting.ts'],
    risk_level: 'medium',
    status: 'pending',
    phase: null,
    approved: false,
    project: null,
    status_reason: null,
    attempts: 0,
    github_branch: null,
    github_pr_url: null,
    github_pr_number: null,
    proposer: null,
    estimated_cost: null,
    actual_cost: null,
    budget_usd: null,
    budget: { cap_usd: 5, spent_usd: 0, reserved_usd: 0, unresolved_usd: 0 },
    metadata: {},
    created_at: NOW,
    updated_at: NOW,
    completed_at: null,
    attempt_history: [],
    pull_request: null,
  }
}

function newEvent(id: number): Omit<EventView, 'work_order_id'> {
  return { id: String(id), attempt: 1, step: null, type: 'progress', message: `event ${id}`, data: {}, at: NOW }
}

const STATUS = {
  polling: false,
  interval_ms: 10_000,
  max_concurrent: 3,
  workers: [],
  max_per_repository: null,
  last_event_id: '0',
  executing_count: 0,
  executing_work_orders: [],
  last_poll: null,
  total_executed: 0,
  total_failed: 0,
  errors: [],
  budget: BUDGET_LINE,
  work_orders: { pending: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0, blocked: 0 },
  github: { tracked_pull_requests: 0, api_calls_last_hour: 0, last_look: null },
  pid: 1,
  home: '/home',
  version: '0.1.0',
  database_url: 'postgresql://127.0.0.1/moose',
}

const EXECUTION = {
  attempt: 1,
  status: 'in_progress',
  phase: 'in_review',
  pr_url: 'https://forge.example/pull/7',
  pr_number: 7,
  branch_name: 'feature/wo-1-add-a-greeting',
  execution_time_ms: 1200,
  cost_usd: 0.01,
} as const
