import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../faults/fault.ts'
import { unifiedDiff } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { attemptRef, branchRef, fullSha, plainId } from '../git/ref-names.ts'
import type { ScopedRequest, Workspace, WorkspaceRequest, Workspaces, WorkTree } from '../ports/workspace.ts'
import { workOrderTrailer } from '../work-order/naming.ts'
import type { Project } from '../work-order/project.ts'
import { AttemptWorkspace } from './attempt-workspace.ts'
import { changedFiles } from './changed-files.ts'
import { CommitTree } from './commit-tree.ts'
import type { WorkspaceParts } from './private-index.ts'
import { removeWorkTree } from './remove-work-tree.ts'
import { ScopedWorkspace } from './scoped-workspace.ts'

export type WorkspacesOptions = {
  /** Absolute path of Moose's home; workspaces are `<root>/workspaces/<work order id>-<attempt>`. */
  root: string
  /** Shared with the forge, so that both queue on the same mirror. */
  mirrors: Mirrors
}

/** Mirrors and private clones on this machine's disk. */
export function createWorkspaces({ root, mirrors }: WorkspacesOptions): Workspaces {
  const folderOf = (workOrderId: string, attempt: number): string =>
    path.join(root, 'workspaces', `${plainId(workOrderId)}-${attempt}`)
  const partsFor = ({ project, workOrderId, attempt }: WorkspaceRequest): WorkspaceParts => {
    return { mirror: mirrors.of(project), folder: folderOf(workOrderId, attempt) }
  }
  return {
    fetchBase: (project, signal) => fetchBase(mirrors, project, signal),
    bringBase: (project, sha, signal) => bringBase(mirrors, { project, sha }, signal),
    tree: (project, sha) => new CommitTree(mirrors.of(project), sha),
    treeId: (project, sha) => treeId(mirrors.of(project), sha),
    lastBase: (project) => mirrors.of(project).lastKnown(branchRef(project.defaultBranch)),
    open: (request) => open(partsFor(request), request),
    openScoped: (request) => openScoped(partsFor(request), request),
    changedFiles: (project, from, to) => changedFiles(mirrors.of(project), from, to),
    diff: (project, from, to, maxBytes) => unifiedDiff(mirrors.of(project), from, to, maxBytes),
    discard: (workOrderId, attempt) => removeWorkTree(folderOf(workOrderId, attempt)),
    rollBack: (project, workOrderId, attempt) => rollBack(mirrors.of(project), workOrderId, attempt),
  }
}

async function fetchBase(mirrors: Mirrors, project: Project, signal: AbortSignal): Promise<string> {
  const branch = project.defaultBranch
  const sha = await mirrors.of(project).fetchBranch(project, { branch, into: branchRef(branch) }, signal)
  if (sha !== null) return sha
  const message =
    `The repository of project "${project.name}" has no branch "${branch}". ` +
    "Push it, or correct the project's default branch."
  throw new Fault('base_branch_missing', message, { project: project.name, branch })
}

async function treeId(mirror: Mirror, sha: string): Promise<string> {
  const { stdout } = await mirror.succeed(['rev-parse', '--verify', '--quiet', `${fullSha(sha)}^{tree}`], {
    signal: null,
  })
  return fullSha(stdout.text().trim())
}

async function bringBase(
  mirrors: Mirrors,
  base: { project: Project; sha: string },
  signal: AbortSignal,
): Promise<void> {
  const { project, sha } = base
  const mirror = mirrors.of(project)
  const isThere = async () => (await mirror.run(['cat-file', '-e', `${sha}^{commit}`], { signal })).exitCode === 0
  if (await isThere()) return
  await fetchBase(mirrors, project, signal)
  if (await isThere()) return
  const message =
    `The commit ${sha.slice(0, 12)} this attempt began at is no longer on "${project.defaultBranch}" of project ` +
    `"${project.name}": the branch was rewritten. Retry the order to begin at what it holds now.`
  throw new Fault('base_branch_missing', message, { project: project.name, branch: project.defaultBranch, sha })
}

async function open(parts: WorkspaceParts, request: WorkspaceRequest): Promise<Workspace> {
  return await fill(parts.folder, new AttemptWorkspace(parts, request))
}

async function openScoped(parts: WorkspaceParts, request: ScopedRequest): Promise<WorkTree> {
  return await fill(parts.folder, new ScopedWorkspace(parts, request))
}

async function fill<Tree extends { checkOut: () => Promise<void> }>(folder: string, tree: Tree): Promise<Tree> {
  await removeWorkTree(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    await tree.checkOut()
    return tree
  } catch (error) {
    await removeWorkTree(folder)
    throw error
  }
}

/** See `Workspaces.rollBack`. */
async function rollBack(mirror: Mirror, workOrderId: string, attempt: number): Promise<string | null> {
  const ref = attemptRef(workOrderId, attempt)
  const { stdout } = await mirror.run(['for-each-ref', '--format=%(objectname)', '--', ref], { signal: null })
  const sha = stdout.text().trim()
  if (sha === '') return null
  const commit = await mirror.succeed(['cat-file', 'commit', sha], { signal: null })
  if (!commit.stdout.text().split('\n').includes(workOrderTrailer(workOrderId, attempt))) return null
  return (await mirror.deleteRef(ref, sha)) ? sha : null
}
