import type { Kysely } from 'kysely'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { findPullRequest, type PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import type { LookedAt } from '../../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../../db/schema.ts'
import { Fault } from '../../faults/fault.ts'
import type { Mirrors } from '../../git/mirrors.ts'
import type { Log } from '../../log.ts'
import type { PublishInput, PullRequest, PullRequestState } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import type { Gh } from './gh.ts'
import { askApi } from './github-api.ts'
import { type GitHubRepository, slug } from './github-repository.ts'

/** What every action of the GitHub forge works with. */
export type GitHubForgeParts = {
  db: Kysely<Database>
  /** Shared with the workspaces. */
  mirrors: Mirrors
  log: Log
  clock: Clock
  /** 0 up to 1. */
  random: () => number
  gh: Gh
}

/** @see https://docs.github.com/en/rest/pulls/pulls */
export const RestPull = z.object({
  number: z.number().int().positive(),
  node_id: z.string(),
  draft: z.boolean().optional(),
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
  // An open one counts before a closed one, unless its marker was taken away.
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

/** A pull request Moose has opened. @throws {Fault} `not_found` */
export async function requirePullRequest(
  { db }: GitHubForgeParts,
  project: Project,
  number: number,
): Promise<PullRequestRow> {
  const row = await findPullRequest(db, project.id, number)
  if (row !== null) return row
  const message = `Moose has opened no pull request #${number} in project "${project.name}". See the orders with: moose list`
  throw new Fault('not_found', message, { project: project.name, number })
}

export function toPullRequest(row: LookedAt): PullRequest {
  return {
    number: row.number,
    url: row.url === null ? '' : row.url,
    branch: row.branch,
    base: row.base,
    headSha: row.head_sha,
    state: row.state,
    mergeSha: row.merge_sha,
  }
}
