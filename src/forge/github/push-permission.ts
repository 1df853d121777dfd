import { z } from 'zod'
import { Fault } from '../../faults/fault.ts'
import type { Gh } from './gh.ts'
import { askApi } from './github-api.ts'
import { type GitHubRepository, slug } from './github-repository.ts'

const Repository = z.object({ permissions: z.object({ push: z.boolean() }).optional() })

/**
 * Asks the repository whether the token may push to it: `gh auth status` of some versions exits 0 with a token that has
 * ended (https://github.com/cli/cli/issues/8845).
 *
 * @throws {Fault} `github_forbidden` when it may not, `command_missing`, `github_*`
 * @see https://docs.github.com/en/rest/repos/repos#get-a-repository
 */
export async function requirePushPermission(
  gh: Gh,
  repository: GitHubRepository,
  signal: AbortSignal | null,
): Promise<void> {
  const { host } = repository
  const request = { host, method: 'GET', path: `repos/${slug(repository)}`, signal } as const
  const { permissions } = await askApi(gh, request, Repository)
  if (permissions?.push === true) return
  const message =
    `The token for ${host} may read ${slug(repository)} but not push to it. ` +
    'Give it write access to contents and pull requests, then try again.'
  throw new Fault('github_forbidden', message, { host, repository: slug(repository) })
}
