import { Fault } from '../errors.ts'
import type { Git } from './git.ts'
import type { RemoteRepository } from './git-access.ts'
import { unreachable } from './mirror.ts'
import { parseRepositoryUrl } from './repository-url.ts'

/**
 * The branch pull requests go to: the one asked for, which must exist, or the one the repository's HEAD names.
 *
 * @throws {Fault} `repository_refused`, `repository_unreachable`, `base_branch_missing`
 * @see https://git-scm.com/docs/git-ls-remote (`--symref` prints `ref: refs/heads/main	HEAD`)
 */
export async function defaultBranchOf(
  git: Git,
  repository: RemoteRepository,
  wanted: string | undefined,
): Promise<string> {
  const remote = parseRepositoryUrl(repository.repository)
  const { args, env } = await git.accessTo(repository)
  const result = await git.run([...args, 'ls-remote', '--symref', '--', remote.url], {
    env,
    signal: null,
    timeoutMs: 60_000,
  })
  if (result.exitCode !== 0) throw unreachable(remote, result)
  const lines = result.stdout.text().split('\n')
  const head = lines.map((line) => /^ref: refs\/heads\/(.+)\tHEAD$/.exec(line)).find((match) => match !== null)
  const branch = wanted === undefined ? head?.[1] : wanted
  if (branch === undefined) {
    const message = `The repository ${remote.shown} has no default branch yet. Push a first commit, or name it with --branch.`
    throw new Fault('base_branch_missing', message)
  }
  if (lines.some((line) => line.endsWith(`\trefs/heads/${branch}`))) return branch
  const message = `The repository ${remote.shown} has no branch "${branch}". Push it, or name another with --branch.`
  throw new Fault('base_branch_missing', message, { branch })
}
