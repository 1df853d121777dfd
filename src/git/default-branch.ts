import { Fault } from '../faults/fault.ts'
import type { Git } from './git.ts'
import type { RemoteRepository } from './git-access.ts'
import { unreachable } from './mirror.ts'
import { refuseOddState } from './repository-state.ts'
import { parseRepositoryUrl } from './repository-url.ts'

/**
 * The branch pull requests go to: the one asked for, which must exist, or the one the repository's HEAD names.
 *
 * @throws {Fault} `repository_refused` (also for one that is seen not to be whole), `repository_unreachable`,
 *   `base_branch_missing`
 * @see https://git-scm.com/docs/git-ls-remote (`--symref` prints `ref: refs/heads/main	HEAD`)
 */
export async function defaultBranchOf(
  git: Git,
  repository: RemoteRepository,
  wanted: string | undefined,
): Promise<string> {
  const remote = parseRepositoryUrl(repository.repository)
  const args = ['ls-remote', '--symref', '--', remote.url]
  const result = await git.runRemote(repository, args, { signal: null, timeoutMs: 60_000 })
  if (result.exitCode !== 0) throw unreachable(remote, result)
  await refuseOddState(git, remote)
  const lines = result.stdout.text().split('\n')
  const head = lines.map((line) => /^ref: refs\/heads\/(.+)\tHEAD$/.exec(line)).find((match) => match !== null)
  const branch = wanted === undefined ? head?.[1] : wanted
  if (branch !== undefined && lines.some((line) => line.endsWith(`\trefs/heads/${branch}`))) return branch
  const there = lines.flatMap(branchesIn).map(result.shown)
  throw branchMissing(remote.shown, branch, there)
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

function branchMissing(repository: string, branch: string | undefined, there: readonly string[]): Fault {
  const what =
    branch === undefined
      ? `The repository ${repository} has no default branch`
      : `The repository ${repository} has no branch "${branch}"`
  if (there.length === 0)
    return new Fault('base_branch_missing', `${what}: it is empty. Push a first commit, or choose another repository.`)
  const shown = there.slice(0, MOST_BRANCHES).join(', ')
  const rest = there.length > MOST_BRANCHES ? `, and ${there.length - MOST_BRANCHES} more` : ''
  const why = branch === undefined ? ': its HEAD names a branch that does not exist' : ''
  const message = `${what}${why}. There are: ${shown}${rest}. Name one with --branch, or push the one that is missing.`
  return new Fault('base_branch_missing', message, { branches: shown })
}
