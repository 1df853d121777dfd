import type { FollowUpTask } from '../contract/evidence/follow-up.ts'
import type { ConflictOf } from '../db/attempts/asked-before.ts'
import type { ModelCallTotals } from '../db/model-calls.ts'
import type { BaseChecks } from '../ports/base-checks.ts'
import type { CheckRunner, SetUp } from '../ports/execution.ts'
import type { HeldSearch } from '../ports/held-search.ts'
import type { Proposer, ProposerRequest, ShownFile } from '../ports/proposal.ts'
import type { Forges } from '../ports/pull-request.ts'
import type { Manager, RoutingRequest } from '../ports/routing.ts'
import type { SecretSearch } from '../ports/secret-search.ts'
import type { AttemptCommit, Workspaces } from '../ports/workspace.ts'
import type { RefuseSecrets } from '../redaction/prompt-secrets.ts'
import type { Sanitize } from '../redaction/sanitize-output.ts'
import type { Images } from '../sandbox/sandbox.ts'
import type { WorkOrderContent } from '../work-order/content.ts'
import type { Project } from '../work-order/project.ts'
import type { Allowance } from '../work-order/protection/held-change.ts'
import type { ProtectionRules } from '../work-order/protection/protected-paths.ts'
import type { Risk } from '../work-order/risk.ts'
import type { Executors } from './choose-executor.ts'
import type { ToVerify } from './verify-only/what-to-verify.ts'

/** What every step of one attempt starts from; the same after a crash. */
export type AttemptContext = {
  workOrderId: string
  /** 1 for the first. */
  attempt: number
  /** How often it was resumed after a suspension or a takeover. */
  epoch: number
  /** Called before an effect that cannot be undone. @throws {Fault} `attempt_taken_over` */
  hold: () => Promise<void>
  /** Makes a copy for the pull request without secrets; nothing is applied or decided by the copy. */
  published: Sanitize
  /** The order as it was approved and claimed; unchecked until `route` has validated it. */
  content: unknown
  claimedAt: Date
  /** Aborted when the order is cancelled or the service stops. */
  signal: AbortSignal
  /** A line for the live log. */
  note: (message: string) => Promise<void>
  /** Keeps what a model is shown with the try of `propose` that asks it, however that ends. */
  shows: (files: readonly ShownFile[]) => Promise<void>
  /** Output of a foreign program for the live log, in pieces. */
  output: (text: string) => void
  /** The project of the order. @throws {Fault} `project_required` */
  project: () => Promise<Project>
  /** Of the order in the page; null: nothing says where that is. */
  address: string | null
  /** Enough of the id to be unique, for branch and title. */
  shortId: () => Promise<string>
  /** What the model calls of this attempt so far, and of the one whose commit it verifies, add up to. */
  spent: () => Promise<ModelCallTotals>
  /**
   * The last failure of the order that the model's work caused, with the change that failed where it is kept here, as a model is
   * told of it; null: there is none.
   */
  previousFailure: () => Promise<string | null>
  /** What humans allowed of its changes, the earliest first. */
  allowances: () => Promise<Allowance[]>
  /** What is protected in the project, as it says now. */
  protection: () => Promise<ProtectionRules>
  /** How much can go wrong with the order by the Director's rules, with what it has changed and the checks that verify it. */
  risk: (verified: { checks: readonly unknown[]; files: readonly { path: string }[] }) => Promise<Risk>
  /** The attempt whose commit it verifies; null: it makes a change of its own. */
  verifies: number | null
  /** Whether a model may resolve what git cannot merge of the pull request that it verifies. */
  resolves: boolean
  /**
   * What it is a reaction to, where Moose itself made it; `task` null: git and the checks alone; `isAllowed`: a human allowed it
   * beyond the bounds. Null: a human asked for it.
   */
  follows: { task: FollowUpTask | null; isAllowed: boolean } | null
  /** The attempt in which a model was asked to resolve the conflict of these two commits, and answered; null: none was, or a human allowed another. */
  resolvedIn: (commits: ConflictOf) => Promise<number | null>
  /** What an earlier attempt has left to be verified. @throws {Fault} `work_order_conflict` when it is nothing */
  toVerify: (attempt: number) => Promise<ToVerify>
  /** What attempts of the order have left by now, this one's among them. */
  made: () => Promise<AttemptCommit[]>
  /** Whether the approval that led to this attempt still covers the order. */
  isStillApproved: () => Promise<boolean>
}

/** The adapters an attempt uses; chosen in app/. */
export type Adapters = {
  manager: Manager
  proposer: Proposer
  executors: Executors
  checkRunner: CheckRunner
  setUp: SetUp
  bases: BaseChecks
  workspaces: Workspaces
  images: Images
  secretSearch: SecretSearch
  heldSearch: HeldSearch
  refuseSecrets: RefuseSecrets
  /** The specification's transformations of an order (2.2). */
  buildRoutingRequest: (workOrderId: string, order: WorkOrderContent) => RoutingRequest
  buildProposerRequest: (order: WorkOrderContent) => ProposerRequest
  forges: Forges
}
