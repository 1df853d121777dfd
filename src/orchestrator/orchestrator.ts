import type { Drain } from '../attempt/drain.ts'
import type { Actor } from '../contract/actor.ts'
import type { ExecutionResult, OrchestratorStatus } from '../contract/orchestrator.ts'
import type { Retried, RetryMode } from '../contract/why/retry.ts'
import type { AskedOfForge } from '../db/pull-requests/merge-asked.ts'
import type { Fault } from '../faults/fault.ts'
import type { FleetDeps } from '../fleet/fleet-deps.ts'
import type { PullRequestWatch } from '../ports/pull-request.ts'
import type { FollowUpForges } from '../ports/pull-request-facts.ts'
import type { ConditionSources } from './resume-conditions.ts'
import type { ExplainedOrder } from './why/read-why.ts'

/** What the orchestrator is made of; chosen in app.ts. */
export type OrchestratorDeps = FleetDeps & {
  /** Pull requests that others merge and close. */
  watch: PullRequestWatch
  /** What forges tell of open pull requests, and do to them. */
  followUpForges: FollowUpForges
  /** Ends every call to a model, also those of no attempt. */
  stopCalls: (fault: Fault) => void
  /** Says what calls to a model wait for from now on before they are begun. */
  admitCallsBy: (admit: Drain['hold']) => void
  /** What suspended orders wait for of a proposer. */
  proposers: ConditionSources['proposers']
}

/**
 * What a retry would do, in a sentence or two. `cost`: of `none` no model is asked; of `unknown` answers that are there are taken again where the
 * question is the same, and what is asked beside them is paid; `usual`: as of an attempt.
 */
export type ForeseenRetry = { sentence: string; cost: 'none' | 'unknown' | 'usual' }

/**
 * The service of the specification's 4.1: claims approved orders and runs their attempts. `by` is who acts; left out, the
 * database records its own user.
 */
export interface Orchestrator {
  /**
   * Begins polling; a second call changes the interval.
   *
   * @param intervalMs null: the configured one
   * @returns the interval in force
   * @throws {Fault} `emergency_stop`: nothing would be taken on
   */
  start(intervalMs: number | null): Promise<number>
  /**
   * Begins polling at the configured interval, also during an emergency stop: for a process that starts without a caller
   * to tell. Nothing is taken on until the stop is over; that is looked for at every poll.
   */
  startUnattended(): Promise<number>
  /**
   * Stops claiming, and takes back that forges merge pull requests by themselves; running attempts continue.
   *
   * @returns the pull requests that their forges may still merge: what could not be taken back is tried again
   */
  stop(): Promise<AskedOfForge[]>
  status(): Promise<OrchestratorStatus>
  /** What each of some orders waits for, or why it stands where it stands, by its id; an order that is gone is not there. */
  explain(ids: readonly string[]): Promise<ReadonlyMap<string, ExplainedOrder>>
  /**
   * Runs one approved order now and waits for its end; it counts towards the limits like any other.
   *
   * @throws {Fault} `work_order_not_found`, `work_order_not_approved`, `work_order_conflict` (it is not pending),
   *   `work_order_busy` (it is running), `emergency_stop`, and whatever ended or suspended the attempt
   */
  execute(workOrderId: string, signal: AbortSignal, by?: Actor): Promise<ExecutionResult>
  /** @throws {Fault} `work_order_not_found`, `work_order_conflict` */
  cancel(workOrderId: string, by?: Actor): Promise<void>
  /**
   * Makes a failed, blocked or cancelled order pending again; a suspended attempt is resumed unless models are asked anew.
   *
   * @param mode left out: `again`
   * @returns what that does
   * @throws {Fault} as `cancel`
   */
  retry(workOrderId: string, by?: Actor, mode?: Exclude<RetryMode, 'verify_only'>): Promise<Retried>
  /** What a retry of an ended or blocked order would do, as it stands. @throws {Fault} those of the repository that has its commit */
  foreseeRetry(workOrderId: string): Promise<ForeseenRetry>
  /**
   * Makes an order pending for an attempt that calls no model: it runs the checks on the commit that is there, of the open
   * pull request or of an attempt that failed, and publishes it.
   *
   * @param resolves where git cannot merge the base into the pull request, the model that made the change is asked to, once for
   *   the two commits and within the order's cap; left out: it is not
   * @throws {Fault} as `cancel`; `work_order_conflict` also when there is no commit to verify
   */
  verify(workOrderId: string, by?: Actor, resolves?: boolean): Promise<Retried>
  /**
   * Gives the open pull request back to Moose after somebody else has pushed to its branch: what that holds is verified as with
   * `verify`, and followed again from then on.
   *
   * @throws {Fault} as `verify`; `work_order_conflict` also when Moose keeps its hands off nothing
   */
  adopt(workOrderId: string, by?: Actor): Promise<Retried>
  /** Merges the open pull request; the order becomes `completed`. @throws {Fault} `merge_conflict`, `work_order_conflict` */
  merge(workOrderId: string, by?: Actor): Promise<void>
  /** Closes the open pull request; the order becomes `cancelled`. */
  close(workOrderId: string, by?: Actor): Promise<void>
  /** Stops claiming, lets running steps finish within the grace, then leaves the rest to the next start. */
  drain(graceMs: number): Promise<void>
  /** Aborted when a drain begins: nothing more is begun here. */
  readonly stopping: AbortSignal
}
