import type { PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import type { LostPullRequest, PullRequest } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { askApi } from './github-api.ts'
import { githubRepositoryOf, slug } from './github-repository.ts'
import { provenMerge } from './proven-merge.ts'
import { type GitHubForgeParts, getPull, RestPull, requirePullRequest, stateOf, toPullRequest } from './pulls.ts'

/** Of a pull request that is not there, as words of a sentence. */
export function goneText(host: string): string {
  return `GitHub (${host}) does not show it any more: it or its repository was removed or moved, or the account of Moose may not see it`
}

/** Of one that was merged, and whose change the base of its order does not hold. */
export function unprovenText(base: string, into: string): string {
  const since = into === base ? ' (it may have been rewritten since)' : ''
  return `GitHub says that it was merged into ${into}, and ${base}, which its order is for, does not hold its change${since}`
}

/**
 * Closes without merging; repeating it changes nothing. The branch stays, so that a human can reopen.
 *
 * @param evenLost as of `Forge.close`
 */
export async function closePullRequest(
  parts: GitHubForgeParts,
  { project, number }: { project: Project; number: number },
  evenLost: boolean,
): Promise<PullRequest> {
  const row = await requirePullRequest(parts, project, number)
  const pull = await closed(parts, project, number)
  const lost = await lostBy(parts, { project, row }, pull)
  const is = { ...toPullRequest(row), state: 'closed', mergeSha: null } as const
  if (lost === null) return is
  if (evenLost) return { ...is, lost: lost.why }
  const id = row.work_order_id.slice(0, 8)
  const message =
    `Pull request #${number} cannot be closed: ${lost.why}. Look at it on GitHub. To end its order without closing anything there: ` +
    `moose cancel ${id}`
  throw new Fault('pull_request_lost', message, { number, is: lost.is })
}

/** As GitHub has it then; null: there is none. GitHub answers that there is none also where the token may only read it. */
async function closed({ gh }: GitHubForgeParts, project: Project, number: number): Promise<RestPull | null> {
  const repository = githubRepositoryOf(project)
  const path = `repos/${slug(repository)}/pulls/${number}`
  const request = { host: repository.host, method: 'PATCH', path, body: { state: 'closed' }, signal: null } as const
  try {
    return await askApi(gh, request, RestPull)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code !== 'github_not_found' && error.code !== 'github_failed') throw error
    const pull = await getPull(gh, repository, number, null)
    if (pull !== null && stateOf(pull) === 'open') throw error
    return pull
  }
}

/** Null: it is closed. @throws {Fault} `work_order_conflict` when it is merged into the base of its order */
async function lostBy(
  parts: GitHubForgeParts,
  { project, row }: { project: Project; row: PullRequestRow },
  pull: RestPull | null,
): Promise<Pick<LostPullRequest, 'is' | 'why'> | null> {
  if (pull === null) return { is: 'gone', why: goneText(githubRepositoryOf(project).host) }
  if (stateOf(pull) !== 'merged') return null
  const told = { mergeSha: pull.merge_commit_sha, headSha: pull.head.sha }
  if ((await provenMerge(parts, project, row, told)) === null)
    return { is: 'unproven', why: unprovenText(row.base, pull.base.ref) }
  const message = `Pull request #${row.number} is merged already; it cannot be closed.`
  throw new Fault('work_order_conflict', message, { number: row.number })
}
