import type { Workspace } from './workspace.ts'

export type ExecutorInput = {
  workspace: Workspace
  /** The Proposer's answer. */
  content: string
  scope: readonly string[]
  signal: AbortSignal
}

/** Applies a proposal to the work tree of a workspace; it does not commit. */
export interface Executor {
  readonly name: 'patch' | 'aider'
  /** @throws {Fault} `edits_malformed`, `edits_rejected`, `change_out_of_scope`; the tree is then unchanged. */
  apply(input: ExecutorInput): Promise<void>
}

/** One command of `moose.yaml`. */
export type Check = {
  name: string
  /** A shell command, run in the root of the workspace. */
  run: string
  timeoutMs: number
  /** What a pass proves: texts or 1-based numbers of acceptance criteria. */
  proves: readonly (string | number)[]
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
  /** Indices (0-based) of the acceptance criteria this check proves. */
  proves: readonly number[]
}

/** Runs a project's checks; foreign code. */
export interface CheckRunner {
  run(
    check: Check,
    options: {
      workspace: Workspace
      criteria: readonly string[]
      signal: AbortSignal
      onOutput: (text: string) => void
    },
  ): Promise<CheckResult>
}
