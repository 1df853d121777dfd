import { z } from 'zod'
import type { PublishInput } from '../../ports/pull-request.ts'
import type { Gh } from './gh.ts'
import { askApi } from './github-api.ts'
import { type GitHubRepository, slug } from './github-repository.ts'
import { atItsAddress, RestPull } from './rest-pull.ts'

/**
 * The pull request of an attempt into the project's base: an open one that holds exactly its commit, or one that carries
 * its marker and has ended, whatever people have pushed to it before. A closed one of an earlier attempt is never taken
 * for it.
 *
 * @throws {Fault} `github_*`
 */
export async function findPull(gh: Gh, repository: GitHubRepository, input: PublishInput): Promise<RestPull | null> {
  const pulls: RestPull[] = []
  for (const branch of input.branches)
    pulls.push(...(await listPulls(gh, repository, { branch, signal: input.signal })))
  const found = choose(pulls, input)
  return found === null ? null : atItsAddress(repository, found)
}

function choose(pulls: readonly RestPull[], input: PublishInput): RestPull | null {
  const marker = `<!-- moose:wo=${input.workOrderId} attempt=${input.attempt} -->`
  const based = pulls.filter(({ base }) => base.ref === input.project.defaultBranch)
  const isMarked = ({ body }: RestPull) => body?.includes(marker) === true
  const open = based.filter(({ state, head }) => state === 'open' && head.sha === input.headSha)
  const ended = based.filter((pull) => pull.state === 'closed' && isMarked(pull))
  // One that is still open counts before one that somebody has closed, unless people took its marker away.
  const found = [...open.filter(isMarked), ...ended, ...open]
  return found[0] === undefined ? null : found[0]
}

/** The most that GitHub gives. */
const PER_PAGE = 100

/** @see https://docs.github.com/en/rest/pulls/pulls#list-pull-requests */
async function listPulls(
  gh: Gh,
  repository: GitHubRepository,
  { branch, signal }: { branch: string; signal: AbortSignal },
): Promise<RestPull[]> {
  const head = encodeURIComponent(`${repository.owner}:${branch}`)
  const path = `repos/${slug(repository)}/pulls?state=all&per_page=${PER_PAGE}&head=${head}`
  const pulls = await askApi(
    gh,
    { host: repository.host, method: 'GET', path, signal },
    z.array(RestPull).max(PER_PAGE),
  )
  // An answer to another question (a proxy, an old server that does not know `head`) must not be adopted.
  return pulls.filter(({ head }) => head.ref === branch)
}
