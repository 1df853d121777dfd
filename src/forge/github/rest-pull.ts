import { z } from 'zod'
import { Fault } from '../../faults/fault.ts'
import type { PullRequestState } from '../../ports/pull-request.ts'
import type { Gh } from './gh.ts'
import { askApi } from './github-api.ts'
import { type GitHubRepository, slug } from './github-repository.ts'

/** @see https://docs.github.com/en/rest/pulls/pulls */
export const RestPull = z.object({
  number: z.number().int().positive(),
  node_id: z.string(),
  html_url: z.string(),
  state: z.enum(['open', 'closed']),
  merged_at: z.string().nullable(),
  merge_commit_sha: z.string().nullable(),
  body: z.string().nullable(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string() }),
})
export type RestPull = z.infer<typeof RestPull>

export function stateOf({ state, merged_at }: RestPull): PullRequestState {
  if (merged_at !== null) return 'merged'
  return state
}

/**
 * The pull request, if it is where one of this repository must be: its address is stored and shown as a link.
 *
 * @throws {Fault} `github_failed`
 */
export function atItsAddress(repository: GitHubRepository, pull: RestPull): RestPull {
  const address = `https://${repository.host}/${slug(repository)}/pull/${pull.number}`
  // GitHub takes a repository in any spelling, and answers with its own.
  if (pull.html_url.toLowerCase() === address.toLowerCase()) return pull
  const message =
    `GitHub (${repository.host}) says that pull request #${pull.number} is at another address than ${address}. ` +
    `If the repository was renamed or moved, correct the project's repository.`
  throw new Fault('github_failed', message, { host: repository.host, number: pull.number })
}

/** One pull request; null when there is none. @throws {Fault} `github_*` */
export async function getPull(
  gh: Gh,
  repository: GitHubRepository,
  number: number,
  signal: AbortSignal | null,
): Promise<RestPull | null> {
  const path = `repos/${slug(repository)}/pulls/${number}`
  try {
    return await askApi(gh, { host: repository.host, method: 'GET', path, signal }, RestPull)
  } catch (error) {
    if (error instanceof Fault && error.code === 'github_not_found') return null
    throw error
  }
}
