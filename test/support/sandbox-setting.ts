import { createCheckRunner } from '../../src/checks/check-runner.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { Check, CheckResult } from '../../src/ports/execution.ts'
import type { Workspace } from '../../src/ports/workspace.ts'
import { runCommand } from '../../src/process/run-command.ts'
import { createNoSandbox } from '../../src/sandbox/none.ts'
import type { SandboxKind } from '../../src/sandbox/sandbox.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { networksFor } from './child-networks.ts'
import { createGitRemote, type FileChange } from './git-remote.ts'
import { lacking } from './tool-or-skip.ts'
import { sandboxOf } from './usual-sandbox.ts'

/** A tree of an attempt, and scripts that are run in it as checks are. */
export type SandboxSetting = AsyncDisposable & {
  workspace: Workspace
  /** Absolute path of Moose's home. */
  home: string
  /** The base commit. */
  sha: string
  run: (script: string, changes?: Partial<Check>, cancel?: AbortSignal) => Promise<CheckResult>
}

export const FILES = { 'src/a': 'original\n', '.gitignore': 'ignored/\n' }

/** @param kind `bare`: without a sandbox, and without the limits that hold without one too */
export async function sandboxSetting(
  kind: SandboxKind | 'bare',
  files: Readonly<Record<string, FileChange>> = FILES,
): Promise<SandboxSetting> {
  const remote = await createGitRemote(files)
  const home = remote.folder
  const workspaces = createWorkspaces({ root: home, mirrors: new Mirrors(home) })
  const { signal } = new AbortController()
  const project = remote.project()
  const sha = await workspaces.fetchBase(project, signal)
  const workOrderId = '00000000-0000-4000-8000-0000000000aa'
  const workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
  const toolchains = async () => ({ executablePath: String(process.env['PATH']), variables: {}, found: [] })
  const sandbox = kind === 'bare' ? createNoSandbox({ home, runLimited: runCommand }) : sandboxOf(kind, home)
  const networks = networksFor({ home, sandbox: kind === 'bare' ? 'none' : kind })
  const runner = createCheckRunner({ toolchains, sandbox, networks, redacted: (text) => text })
  return {
    workspace,
    home,
    sha,
    run: (script, changes, cancel = signal) => {
      const check = { name: 'check', run: script, timeoutMs: 60_000, proves: [], fix: null, report: null, ...changes }
      const config = { cache: [], env: {}, network: { setup: [], checks: [] } }
      const of = { workspace, project, use: 'checks', config, criteria: [] } as const
      return runner.run(check, { ...of, signal: cancel, onOutput: () => undefined })
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

/** For the option `skip`: bubblewrap is Linux's. */
export const withoutBubblewrap = process.platform === 'linux' ? lacking('bwrap') : 'bubblewrap is there on Linux alone'
