import type { UsdAmount } from '../contract/amounts.ts'
import type { BudgetView } from '../contract/budget.ts'
import type {
  BillBody,
  CapBody,
  ChangedCap,
  ChangedPrice,
  PriceBody,
  Reconciliation,
  SettledReservation,
} from '../contract/budget-changes.ts'
import type { PullRequestHint } from '../contract/github-webhook.ts'
import type { AddedProject, NewProject, ProjectView } from '../contract/projects.ts'
import type {
  EditWorkOrder,
  EventView,
  ListedWorkOrder,
  ListQuery,
  NewWorkOrder,
  WorkOrderDetail,
  WorkOrderView,
} from '../contract/work-orders.ts'
import type { Fault } from '../faults/fault.ts'
import type { Log } from '../log.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import type { ProposerRequest, ProposerResponse } from '../ports/proposal.ts'
import type { Manager } from '../ports/routing.ts'
import type { RouteExplanation, RouteReplay } from '../ports/routing-review.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'

/**
 * What the API stands on. Orders are named by their id or by a unique prefix of at least four characters; one that
 * names none is the fault `work_order_not_found`.
 */
export type HttpServices = {
  workOrders: {
    /** Stores all or none. @throws {Fault} `not_found` for an unknown project */
    add(orders: readonly NewWorkOrder[]): Promise<WorkOrderView[]>
    /** Oldest first; of more than `limit`, the newest. @throws {Fault} `not_found` for an unknown project */
    list(query: ListQuery): Promise<ListedWorkOrder[]>
    find(idOrPrefix: string): Promise<WorkOrderView>
    detail(idOrPrefix: string): Promise<WorkOrderDetail>
    /** An approved order that this changes is no longer approved. @throws {Fault} `work_order_conflict`, `not_found` for an unknown project */
    edit(idOrPrefix: string, edit: EditWorkOrder): Promise<WorkOrderView>
    /** @throws {Fault} `work_order_conflict` */
    approve(idOrPrefix: string): Promise<WorkOrderView>
    /** @throws {Fault} `work_order_conflict` */
    reject(idOrPrefix: string, reason: string | null): Promise<WorkOrderView>
  }
  projects: {
    /** Finds the default branch where none is given; the same project again changes nothing. @throws {Fault} `request_invalid`, `repository_*`, `base_branch_missing` */
    add(project: NewProject): Promise<AddedProject>
    list(): Promise<ProjectView[]>
  }
  events: {
    /** Stored events after an id, oldest first, a page of them; null: of all orders. */
    list(workOrderId: string | null, afterId: string): Promise<EventView[]>
    /** What is stored, then what comes, in order; ends when the signal aborts. */
    subscribe(subscription: {
      workOrderId: string | null
      afterId: string
      signal: AbortSignal
    }): AsyncIterable<EventView>
  }
  budget: BudgetServices
  routing: RoutingReview
  orchestrator: Orchestrator
  /** Ours, for `/api/manager`. */
  manager: Manager
  /** Ours, for `POST /api/proposer-enhanced`. */
  proposeForApi(request: ProposerRequest, signal: AbortSignal): Promise<ProposerResponse>
  /** Null: no secret is configured, and no webhook is taken. */
  githubWebhook: GitHubWebhook | null
  /** Null: orders can be carried out now; otherwise why not. Answers in bounded time. */
  whyNotReady(): Promise<Fault | null>
  /** For Prometheus, in its text format. Answers in bounded time. */
  metrics(): Promise<{ contentType: string; text: string }>
  /** Makes what is answered of a failure fit to be shown. */
  shown: Sanitize
  log: Log
}

export type BudgetServices = {
  /** @throws {Fault} `config_invalid` for limits nobody can read */
  read(): Promise<BudgetView>
  /** @throws {Fault} `work_order_not_found`, `not_found` for an unknown project, `config_invalid` */
  setCap(change: CapBody): Promise<ChangedCap>
  /** Stops every call of every process, or lets them go on. */
  setEmergencyStop(stopped: boolean): Promise<void>
  /** Books a call of which nobody knew the cost. @throws {Fault} `not_found`, `reservation_conflict` */
  settle(idOrPrefix: string, cost: UsdAmount): Promise<SettledReservation>
  /** Books what is unresolved as a provider's bill has it. */
  reconcile(bill: BillBody): Promise<Reconciliation>
  /** States what a proposer costs. @throws {Fault} `not_found` for an unknown one */
  setPrice(proposer: string, price: PriceBody): Promise<ChangedPrice>
}

/** What the Manager decides and why, without deciding anything. */
export type RoutingReview = {
  /** @throws {Fault} `work_order_invalid`, `no_able_proposer`, `provider_paused`, `price_unknown`, `emergency_stop` */
  explain(idOrPrefix: string): Promise<RouteExplanation>
  /** @param limit attempts, the newest */
  replay(limit: number): Promise<RouteReplay>
}

export type GitHubWebhook = {
  /** What GitHub signs with. */
  secret: string
  /** Remembers a delivery. @returns false when it was taken before */
  take(delivery: { id: string; event: string }): Promise<boolean>
  /** Has the pull requests looked at, soon. */
  hint(hint: PullRequestHint): void
}
