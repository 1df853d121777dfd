import type { BaseCheck } from '../contract/base-checks.ts'
import type { ChildNetwork, NetworkUse } from '../contract/hosts/host-rule.ts'
import type { WorkOrderContent } from '../work-order/content.ts'
import type { Project } from '../work-order/project.ts'
import type { FailedChange } from './proposal.ts'
import type { Prepared, Workspace, WorkTree } from './workspace.ts'

export type ExecutorInput = {
  workspace: WorkTree
  /** The Proposer's answer. */
  content: string
  scope: readonly string[]
  signal: AbortSignal
  order: WorkOrderContent
  workOrderId: string
  /** Of the order; 1 for the first. */
  attempt: number
  /** The name in `proposer_configs` the content is from; an executor that calls a model calls this one. */
  proposer: string
  /** What went wrong in the run before this one; null for the first run. */
  previousFailure: string | null
  /** How many answers an executor that calls a model may ask for; null: as many as one run may at all. */
  mostCalls: number | null
  /** The tree holds a change that failed a check; null: it holds the base. */
  repair: FailedChange | null
  /** Output of a foreign program, in pieces. */
  onOutput: (text: string) => void
  /** Told of each model call as it starts, for the live log. */
  onProgress: (message: string) => Promise<void>
}

/** Applies a proposal to the work tree of a workspace; it does not commit. */
export interface Executor {
  readonly name: 'patch' | 'aider'
  /** What it wants in the work tree: `scope`, the files of the scope alone and no clone; it runs no foreign code then. */
  readonly looksAt: 'scope' | 'repository'
  /**
   * @returns USD of the model calls it made, as far as their price is known, and how many answers of models it had
   * @throws {Fault} `edits_malformed`, `edits_rejected`, `reasoning_unclear`, `change_out_of_scope`; the tree is then unchanged. `aider_*`,
   *   `model_*`, `scope_too_large`, `scope_unreadable` and `command_missing`; the workspace is then of no more use.
   */
  apply(input: ExecutorInput): Promise<{ costUsd: number; answers: number }>
  /** Whether it could work at all. @throws {Fault} `command_missing` with how to install what is missing */
  assertReady(): Promise<void>
}

/** What `moose.yaml` of a commit asks for. */
export type ProjectConfig = {
  /** What has to be run before the checks can; null: nothing. */
  setup: Script | null
  /**
   * Folders that `setup` fills and checks are given copies of: paths below the root of the repository, or below HOME
   * (`~/…`).
   */
  cache: readonly string[]
  /** Variables of `setup` and of every check. */
  env: Readonly<Record<string, string>>
  /** Hosts that are asked for. */
  network: Readonly<Record<NetworkUse, readonly string[]>>
  /** Files that a model is shown, and may not change for that. */
  context: readonly string[]
  /** How often a model mends a change that fails a check; null: the file says nothing. */
  repair: { max: number | null }
  /** In their order. */
  checks: readonly Check[]
}

/** A shell script, run in the root of the workspace up to its first command that fails. */
export type Script = { run: string; timeoutMs: number }

/** One command of `moose.yaml`. */
export type Check = Script & {
  name: string
  /** What a pass proves: texts or 1-based numbers of acceptance criteria. */
  proves: readonly (string | number)[]
  /** A script that may mend what the check finds; null: there is none. */
  fix: string | null
  /** Where the check writes its results as JUnit XML or SARIF, below the root of the workspace; null: nowhere. */
  report: string | null
}

export type CheckResult = {
  name: string
  run: string
  outcome: 'passed' | 'failed' | 'crashed' | 'timed_out'
  /** Null when the check was ended by a signal. */
  exitCode: number | null
  durationMs: number
  /** The last lines of stdout and stderr together, bounded. */
  outputTail: string
  /**
   * The useful part of what it printed, or of its report: failing assertions and first errors, at most 4,000 bytes of plain
   * text. Missing: it passed, or an older Moose has run it.
   */
  told?: string
  /**
   * Equal for the same failing assertions and errors, whatever else is printed. Missing: no format that is known reported one,
   * it passed, or an older Moose has run it.
   */
  identity?: string
  /** Indices (0-based) of the acceptance criteria this check proves. */
  proves: readonly number[]
  /** The names of what failed; null: nothing did, or it cannot be told apart. */
  failures: readonly string[] | null
  /** It did not pass on the base commit. */
  failedBefore: boolean
  /** It fails only in what failed on the base commit already: that fails no order, and proves nothing. */
  baseline: boolean
  /** Of a check that failed on the base too, what failed only now; null: it cannot be told, or it did not fail there. */
  newFailures: readonly string[] | null
  /** The way to the net that it had; missing: it was not run, or an older Moose has run it. */
  network?: ChildNetwork
}

type ScriptOptions = {
  workspace: Workspace
  project: Project
  config: Pick<ProjectConfig, 'cache' | 'env' | 'network'>
  signal: AbortSignal
  onOutput: (text: string) => void
}

/** Runs a project's checks; foreign code. */
export interface CheckRunner {
  run(
    check: Check,
    options: ScriptOptions & {
      /** Whose hosts it can reach. */
      use: NetworkUse
      criteria: readonly string[]
      /** What it did on the base, by which the result is judged; missing: it was not run there. */
      base?: {
        check: BaseCheck
        /** The whole change as a diff; null: it is longer than is read. */
        change: string | null
      }
    },
  ): Promise<CheckResult>
  /** Runs the `fix` of a check as the check would be run. What it changes in the workspace stays. */
  fix(check: Check & { fix: string }, options: ScriptOptions): Promise<CheckResult['outcome']>
}

export type SetUpRequest = { project: Project; sha: string; config: ProjectConfig }

/** Runs a project's `setup`; foreign code. What it leaves in the folders of `cache` is kept on this machine. */
export interface SetUp {
  /**
   * Runs `setup` on a base commit in a tree of its own, unless what it left for an equal key is kept and has not been
   * touched since. One at a time for one key.
   *
   * @throws {Fault} `setup_failed` (details: `exit_code`, `outcome`), `checks_invalid` for a path of `cache` in which
   *   the commit has files, and those of `Workspaces.openBase`
   */
  prepare(
    request: SetUpRequest & {
      signal: AbortSignal
      onOutput: (text: string) => void
      /** Told of the way to the net that it had, where it was run and has ended. */
      onNetwork?: (network: ChildNetwork) => void
    },
  ): Promise<Prepared>
  /** What decides whether two commits need the same set-up; null: this one needs none. */
  keyOf(request: SetUpRequest): Promise<string | null>
  /**
   * Runs `setup` in the tree of an attempt, on top of its copies, where the change needs another than its base (its key
   * differs). Nothing of it is kept. A failure is one of the change.
   *
   * @returns as a check named `setup`, which proves nothing
   * @throws {Fault} `setup_failed` where it fails and was refused a host: that is for the operator to grant
   */
  again(request: {
    workspace: Workspace
    project: Project
    config: ProjectConfig
    signal: AbortSignal
    onOutput: (text: string) => void
  }): Promise<CheckResult>
}
