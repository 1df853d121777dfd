import { z } from 'zod'
import type { PublishInput } from '../../pipeline/ports/pull-request.ts'
import type { Gh } from './gh.ts'
import { askApi } from './github-api.ts'
import { type GitHubRepository, slug } from './github-repository.ts'
import { RestPull } from './rest-pull.ts'

/**
 * The pull request of an attempt, in whatever state: the one whose body carries its marker, else an open one from one
 * of its branches that holds exactly its commit. A closed one of an earlier attempt is never taken for it.
 *
 * @throws {Fault} `github_*`
 */
export async function findPull(gh: Gh, repository: GitHubRepository, input: PublishInput): Promise<RestPull | null> {
  const pulls: RestPull[] = []
  for (const branch of input.branches)
    pulls.push(...(await listPulls(gh, repository, { branch, signal: input.signal })))
  return choose(pulls, input)
}

export function choose(pulls: readonly RestPull[], input: PublishInput): RestPull | null {
  const marker = `<!-- moose:wo=${input.workOrderId} attempt=${input.attempt} -->`
  const marked = pulls.filter(({ body }) => body?.includes(marker) === true)
  const ours = pulls.filter(
    ({ state, head, base }) =>
      state === 'open' && head.sha === input.headSha && base.ref === input.project.defaultBranch,
  )
  // Of several, one that is still open counts before one that somebody has closed.
  const found = [...marked.filter(({ state }) => state === 'open'), ...marked, ...ours]
  return found[0] === undefined ? null : found[0]
}

/** @see https://docs.github.com/en/rest/pulls/pulls#list-pull-requests */
async function listPulls(
  gh: Gh,
  repository: GitHubRepository,
  { branch, signal }: { branch: string; signal: AbortSignal },
): Promise<RestPull[]> {
  const head = encodeURIComponent(`${repository.owner}:${branch}`)
  const path = `repos/${slug(repository)}/pulls?state=all&per_page=100&head=${head}`
  const pulls = await askApi(gh, { host: repository.host, method: 'GET', path, signal }, z.array(RestPull))
  // An answer to another question (a proxy, an old server that does not know `head`) must not be adopted.
  return pulls.filter(({ head }) => head.ref === branch)
}
