import { Fault, toFault } from '../faults/fault.ts'
import { USUAL_BRANCHES } from '../work-order/naming.ts'
import type { Project } from '../work-order/project.ts'
import type { Git } from './git.ts'
import type { RemoteRepository } from './git-access.ts'
import { unreachable } from './mirror.ts'
import { branchRef, shellWord } from './ref-names.ts'
import { refuseOddState } from './repository-state.ts'
import { parseRepositoryUrl, shownRepository } from './repository-url.ts'

/** The branches of a repository as it lists them. */
type ListedBranches = {
  /** The one its HEAD names; null: none. */
  head: string | null
  names: string[]
  /** A name as it may be shown. */
  shown: (name: string) => string
}

/**
 * What a repository has for branches.
 *
 * @throws {Fault} `repository_refused` (also for one that is seen not to be whole), `repository_unreachable`
 * @see https://git-scm.com/docs/git-ls-remote (`--symref` prints `ref: refs/heads/main	HEAD`)
 */
async function listBranches(git: Git, repository: RemoteRepository): Promise<ListedBranches> {
  const remote = parseRepositoryUrl(repository.repository)
  const args = ['ls-remote', '--symref', '--', remote.url]
  const result = await git.runRemote(repository, args, { signal: null, timeoutMs: 60_000 })
  if (result.exitCode !== 0) throw unreachable(remote, result)
  await refuseOddState(git, remote)
  return { ...branchesOf(result.stdout.text()), shown: result.shown }
}

function branchesOf(listing: string): { head: string | null; names: string[] } {
  const lines = listing.split('\n')
  const [, head] = lines.map((line) => HEAD_LINE.exec(line)).find((match) => match !== null) ?? []
  return { head: head === undefined ? null : head, names: lines.flatMap(branchesIn) }
}

const HEAD_LINE = /^ref: refs\/heads\/(.+)\tHEAD$/

/**
 * The branch pull requests go to: the one asked for, which must exist, or the one the repository's HEAD names.
 *
 * @throws {Fault} those of `listBranches`, `base_branch_missing`
 */
export async function defaultBranchOf(
  git: Git,
  repository: RemoteRepository,
  wanted: string | undefined,
): Promise<string> {
  const { head, names, shown } = await listBranches(git, repository)
  const branch = wanted === undefined ? head : wanted
  if (branch !== null && names.includes(branch)) return branch
  const there = names.map(shown)
  const other = head !== null && names.includes(head) ? shown(head) : null
  throw branchMissing(parseRepositoryUrl(repository.repository).shown, { branch, there, head: other })
}

/**
 * Makes sure that an attempt can begin at the base branch of its project and end on a branch of its own.
 *
 * @param wanted the names its branch may have
 * @throws {Fault} `base_branch_missing`; `repository_refused` where a branch of the repository leaves no room for a wanted
 *   one: git keeps `a` and `a/b` as a file and a folder of one name; `repository_unreachable`
 */
export async function assertBranchesFit(
  git: Git,
  project: Project,
  { wanted, signal }: { wanted: readonly string[]; signal: AbortSignal | null },
): Promise<void> {
  const remote = parseRepositoryUrl(project.repository)
  const above = [...new Set(wanted.flatMap(foldersAbove))]
  const other = [...above, ...wanted.map((name) => `${name}/*`)].map((name) => `refs/heads/${name}`)
  const args = [
    'ls-remote',
    '--quiet',
    '--symref',
    '--',
    remote.url,
    'HEAD',
    branchRef(project.defaultBranch),
    ...other,
  ]
  const result = await git.runRemote(project, args, { signal, timeoutMs: 60_000 })
  if (result.exitCode !== 0) throw unreachable(remote, result)
  const { head, names } = branchesOf(result.stdout.text())
  if (!names.includes(project.defaultBranch)) throw baseMissing(project, head === null ? null : result.shown(head))
  const taken = names.find((name) => above.includes(name) || wanted.some((branch) => name.startsWith(`${branch}/`)))
  if (taken !== undefined) throw noRoom(project, result.shown(taken))
}

/** `a` and `a/b` of `a/b/c`. */
function foldersAbove(branch: string): string[] {
  const segments = branch.split('/').slice(0, -1)
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
}

function noRoom({ name, repository, branchPattern }: Project, taken: string): Fault {
  const pattern = branchPattern === null ? USUAL_BRANCHES : branchPattern
  const message =
    `The repository of project "${name}" has a branch "${taken}", beside which git can hold no branch of an order ` +
    `(${pattern}). Name them otherwise: moose project edit ${name} --branch-pattern "moose-{id}-{slug}"   or rename "${taken}".`
  return new Fault('repository_refused', message, {
    project: name,
    repository: shownRepository(repository),
    branch: taken,
  })
}

/** @param head the branch the remote's HEAD names; null: none */
function baseMissing({ name, defaultBranch }: Project, head: string | null): Fault {
  const what = `The repository of project "${name}" has no branch "${defaultBranch}"`
  const remedy =
    head === null || head === defaultBranch
      ? `Push it, or name another: moose project edit ${name} --branch BRANCH`
      : `Its HEAD names "${head}". Where that is its name now, type: moose project edit ${name} --branch ${shellWord(head)}   then: moose retry ID`
  return new Fault('base_branch_missing', `${what}. ${remedy}`, { project: name, branch: defaultBranch, head })
}

/** The same, where only a fetch has found it out. */
export async function missingBase(git: Git, project: Project, signal: AbortSignal | null): Promise<Fault> {
  try {
    await assertBranchesFit(git, project, { wanted: [], signal })
  } catch (error) {
    return toFault(error)
  }
  return baseMissing(project, null)
}

const BRANCH = '\trefs/heads/'

/** The branch a line of the listing names, if it names one. */
function branchesIn(line: string): string[] {
  const at = line.indexOf(BRANCH)
  const name = line.slice(at + BRANCH.length)
  return at === -1 || name === '' ? [] : [name]
}

/** Branches of a repository named in one message. */
const MOST_BRANCHES = 20

/** @param found `head`: the branch HEAD names, if it is there */
function branchMissing(
  repository: string,
  { branch, there, head }: { branch: string | null; there: readonly string[]; head: string | null },
): Fault {
  const what =
    branch === null
      ? `The repository ${repository} has no default branch`
      : `The repository ${repository} has no branch "${branch}"`
  if (there.length === 0)
    return new Fault('base_branch_missing', `${what}: it is empty. Push a first commit, or choose another repository.`)
  const shown = there.slice(0, MOST_BRANCHES).join(', ')
  const rest = there.length > MOST_BRANCHES ? `, and ${there.length - MOST_BRANCHES} more` : ''
  const why = branch === null ? ': its HEAD names a branch that does not exist' : ''
  const message = `${what}${why}. There are: ${shown}${rest}. Name one with --branch, or push the one that is missing.`
  return new Fault('base_branch_missing', message, { branches: shown, head })
}
