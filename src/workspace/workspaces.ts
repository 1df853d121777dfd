import { mkdir } from 'node:fs/promises'
import { Fault } from '../faults/fault.ts'
import { assertBranchesFit, missingBase } from '../git/default-branch.ts'
import { unifiedDiff } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { attemptRef, branchRef, fullSha } from '../git/ref-names.ts'
import { assertSigns } from '../git/signing-key.ts'
import type { BaseRequest, WorkspaceRequest, Workspaces } from '../ports/workspace.ts'
import { KeptCaches } from '../sandbox/kept-caches.ts'
import type { Project } from '../work-order/project.ts'
import { AttemptWorkspace, type CloneRequest } from './attempt-workspace.ts'
import { bringUp, bringUpAs, keptCommit, rollBack, standingBranch } from './branch-of-attempt.ts'
import { changedFiles } from './changed-files.ts'
import { CommitTree } from './commit-tree.ts'
import { type Place, Places } from './places.ts'
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
  const places = new Places(root)
  const kept = new KeptCaches(root)
  const partsFor = ({ project, workOrderId, attempt }: WorkspaceRequest): WorkspaceParts => {
    return { mirror: mirrors.of(project), folder: places.folderOf(workOrderId, attempt) }
  }
  const placeFor = async ({ project, prepared }: BaseRequest, own: Place | null): Promise<Place> => {
    const key = prepared ? prepared.key : null
    if (key === null && own !== null) return own
    const madeIn = key === null ? null : await kept.madeIn({ projectId: project.id, key })
    return places.take(project, madeIn, own === null ? null : own.folder)
  }
  const open = async (request: BaseRequest, clone: Omit<CloneRequest, keyof BaseRequest>, place: Place) => {
    const parts = { mirror: mirrors.of(request.project), kept, place, folder: place.folder }
    return await fill(place, new AttemptWorkspace(parts, { ...request, ...clone }))
  }
  const discard = async (workOrderId: string, attempt: number): Promise<void> => {
    const own = places.folderOf(workOrderId, attempt)
    await removeWorkTree(own)
    const taken = places.takenFor(own)
    if (taken === null) return
    await removeWorkTree(taken.folder)
    taken.release()
  }
  return {
    async assertReady(project, branches, signal) {
      const { signingKey } = project.commits
      if (signingKey !== null) await assertSigns(mirrors.git, signingKey)
      await assertBranchesFit(mirrors.git, project, { wanted: branches, signal })
    },
    fetchBase: (project, signal) => fetchBase(mirrors, project, signal),
    bringBase: (project, sha, signal) => bringBase(mirrors, { project, sha }, signal),
    tree: (project, sha) => new CommitTree(mirrors.of(project), sha),
    treeId: (project, sha) => treeId(mirrors.of(project), sha),
    lastBase: (project) => mirrors.of(project).lastKnown(branchRef(project.defaultBranch)),
    contents: (project, sha) => new CommitTree(mirrors.of(project), sha).contents(),
    isKept: (project, key) => kept.has({ projectId: project.id, key }),
    async open(request) {
      const { workOrderId, attempt, base = null } = request
      await discard(workOrderId, attempt)
      const place = await placeFor(request, places.own(workOrderId, attempt))
      return await open(request, { base, ref: attemptRef(workOrderId, attempt) }, place)
    },
    async openBase(request) {
      return await open(request, { base: request.sha, ref: null }, await placeFor(request, null))
    },
    async openScoped(request) {
      const place = places.own(request.workOrderId, request.attempt)
      return await fill(place, new ScopedWorkspace(partsFor(request), request))
    },
    changedFiles: (project, from, to) => changedFiles(mirrors.of(project), from, to),
    diff: (project, from, to, maxBytes) => unifiedDiff(mirrors.of(project), from, to, maxBytes),
    discard,
    ...commitsOfAttempts(mirrors),
  }
}

/** What is kept in the mirrors for attempts. */
function commitsOfAttempts(
  mirrors: Mirrors,
): Pick<Workspaces, 'keptCommit' | 'keep' | 'standingBranch' | 'bringUp' | 'bringUpAs' | 'rollBack'> {
  return {
    keptCommit: (project, workOrderId, attempt) => keptCommit(mirrors.of(project), workOrderId, attempt),
    keep: (project, { workOrderId, attempt }, sha) => mirrors.of(project).keep(attemptRef(workOrderId, attempt), sha),
    async standingBranch(request, made) {
      const baseTip = await fetchBase(mirrors, request.project, request.signal)
      return await standingBranch(mirrors.of(request.project), baseTip, request, made)
    },
    bringUp: (request, merge) => bringUp(mirrors.of(request.project), request, merge),
    bringUpAs: (request, merge) => bringUpAs(mirrors.of(request.project), request, merge),
    rollBack: (project, workOrderId, attempt) => rollBack(mirrors.of(project), workOrderId, attempt),
  }
}

async function fetchBase(mirrors: Mirrors, project: Project, signal: AbortSignal): Promise<string> {
  const branch = project.defaultBranch
  const sha = await mirrors.of(project).fetchBranch(project, { branch, into: branchRef(branch) }, signal)
  if (sha !== null) return sha
  throw await missingBase(mirrors.git, project, signal)
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

async function fill<Tree extends { checkOut: () => Promise<void> }>(
  { folder, release }: Place,
  tree: Tree,
): Promise<Tree> {
  try {
    await removeWorkTree(folder)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await tree.checkOut()
    return tree
  } catch (error) {
    await removeWorkTree(folder)
    release()
    throw error
  }
}
