import type { BaseCheck } from '../contract/base-checks.ts'
import type { NetworkUse, RefusedHost } from '../contract/hosts/host-rule.ts'
import type { Fault } from '../faults/fault.ts'
import type { Project } from '../work-order/project.ts'
import type { CheckResult, ProjectConfig } from './execution.ts'
import type { Prepared } from './workspace.ts'

export type BaseRequest = {
  project: Project
  /** A commit that is in the mirror. */
  sha: string
  signal: AbortSignal
  /** Output of set-up and checks, in pieces. */
  onOutput: (text: string) => void
  note: (message: string) => Promise<void>
}

/** A base commit on which every check can be run; some may fail there. */
export type KnownBase = {
  sha: string
  config: ProjectConfig
  /** In their order; empty when the project has none. */
  checks: readonly BaseCheck[]
  /** Whether nothing had to be run for it. */
  wasKnown: boolean
}

/** What a run of set-up and checks on a base commit came to. */
export type CheckedBase = {
  config: ProjectConfig
  /** Null: there is nothing to set up, or it failed. */
  prepared: Prepared | null
  checks: readonly BaseCheck[]
  /** `setup_failed`, with which an order would be blocked; null: it would begin. */
  fault: Fault | null
  /** Whether `moose.yaml` is what the commit has. */
  isBase: boolean
  /** What was refused while it ran. */
  refused: readonly (RefusedHost & { for: NetworkUse })[]
}

/** What is known of base commits, and how it becomes known: by running set-up and checks where an attempt runs them. */
export interface BaseChecks {
  /** What `moose.yaml` of a commit asks for. @throws {Fault} `checks_invalid` */
  configOf(project: Project, sha: string): Promise<ProjectConfig>
  /**
   * Runs set-up and checks on the commit unless what they do there is known. Who asks while another does waits for it.
   *
   * @throws {Fault} `sandbox_unavailable`; `checks_invalid`; `setup_failed` when set-up fails, or a check cannot be run; what `signal` aborts with
   */
  know(request: BaseRequest): Promise<KnownBase>
  /** Keeps what the checks of an attempt did on its commit, which may become a base. */
  keep(project: Project, commit: { sha: string; config: ProjectConfig }, results: readonly CheckResult[]): Promise<void>
  /**
   * Runs set-up and checks on the commit, whatever is known, and keeps the result where `moose.yaml` is the commit's.
   *
   * @param request.mooseYaml used instead of the commit's; null: the commit's
   * @throws {Fault} `checks_invalid`; what `signal` aborts with
   */
  check(
    request: BaseRequest & { mooseYaml: string | null; onChecked: (check: BaseCheck) => void },
  ): Promise<CheckedBase>
  /** Forgets what is known of a project's base commits. */
  forget(project: Project): Promise<void>
}
