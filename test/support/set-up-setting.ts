import { access } from 'node:fs/promises'
import path from 'node:path'
import { createCheckRunner } from '../../src/checks/check-runner.ts'
import { createSetUp } from '../../src/checks/set-up.ts'
import type { HostGrant } from '../../src/contract/hosts/host-rule.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import type { CheckResult, ProjectConfig, SetUp } from '../../src/ports/execution.ts'
import type { Prepared, Workspace, Workspaces } from '../../src/ports/workspace.ts'
import { NO_IMAGES } from '../../src/sandbox/sandbox.ts'
import type { Toolchains } from '../../src/sandbox/toolchains.ts'
import type { Project } from '../../src/work-order/project.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { networksFor } from './child-networks.ts'
import { createGitRemote, type FileChange, type GitRemote } from './git-remote.ts'
import { sandboxOf, usualSandbox } from './usual-sandbox.ts'

/** A project whose set-up and checks are run by the real parts. */
export type SetUpSetting = AsyncDisposable & {
  remote: GitRemote
  project: Project
  workspaces: Workspaces
  setUp: SetUp
  config: ProjectConfig
  /** Absolute path of Moose's home. */
  home: string
  /** What setup printed. */
  told: string[]
  fetch: () => Promise<string>
  prepare: (sha: string, changes?: Partial<ProjectConfig>) => Promise<Prepared>
  /** A tree of an attempt at a commit, with what is prepared in it; `name` is a digit of its order's. */
  open: (sha: string, prepared: Prepared, name?: number) => Promise<Workspace>
  check: (workspace: Workspace, run: string) => Promise<CheckResult>
}

const signal = new AbortController().signal

export const USUAL_TOOLCHAINS: Toolchains = { executablePath: '/usr/local/bin:/usr/bin:/bin', variables: {}, found: [] }

export async function setUpSetting(
  files: Readonly<Record<string, FileChange>>,
  {
    grants = [],
    ...wanted
  }: Partial<Omit<ProjectConfig, 'setup'>> & {
    setup: string | null
    /** Of every project; what is added counts at once. */
    grants?: readonly HostGrant[]
  },
  toolchains: Toolchains = USUAL_TOOLCHAINS,
  confined = true,
): Promise<SetUpSetting> {
  const remote = await createGitRemote(files)
  const home = remote.folder
  const workspaces = createWorkspaces({ root: home, mirrors: new Mirrors(home) })
  const sandbox = confined ? usualSandbox(home) : sandboxOf('none', home)
  const networks = networksFor({ home, sandbox: sandbox.kind }, grants)
  const scripts = { sandbox, networks, toolchains: async () => toolchains }
  const checkRunner = createCheckRunner({ ...scripts, redacted: (text) => text })
  const setUp = createSetUp({ ...scripts, checkRunner, workspaces, images: NO_IMAGES })
  const project = remote.project()
  const timeoutMs = 300_000
  const setup = wanted.setup === null ? null : { run: wanted.setup, timeoutMs }
  const network = { setup: [], checks: [] }
  const config: ProjectConfig = {
    cache: [],
    env: {},
    network,
    context: [],
    repair: { max: null },
    checks: [],
    ...wanted,
    setup,
  }
  const told: string[] = []
  const onOutput = (text: string) => void told.push(text)
  return {
    remote,
    project,
    workspaces,
    setUp,
    config,
    home,
    told,
    fetch: () => workspaces.fetchBase(project, signal),
    prepare: (sha, changes) => setUp.prepare({ project, sha, config: { ...config, ...changes }, signal, onOutput }),
    open: (sha, prepared, name = 1) =>
      workspaces.open({
        project,
        workOrderId: `00000000-0000-4000-8000-00000000000${name}`,
        attempt: 1,
        sha,
        prepared,
        signal,
      }),
    check(workspace, run) {
      const check = { name: 'check', run, timeoutMs, proves: [], fix: null, report: null }
      const of = { workspace, project, use: 'checks', config, criteria: [] } as const
      return checkRunner.run(check, { ...of, signal, onOutput: () => undefined })
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  }
}

export const exists = (...parts: readonly string[]): Promise<boolean> =>
  access(path.join(...parts)).then(
    () => true,
    () => false,
  )
