import { Fault } from '../../faults/fault.ts'
import type { PullRequest } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { askApi } from './github-api.ts'
import { type GitHubForgeParts, requirePullRequest, toPullRequest } from './github-forge-parts.ts'
import { githubRepositoryOf, slug } from './github-repository.ts'
import { RestPull, stateOf } from './rest-pull.ts'

/** Closes without merging; repeating it changes nothing. The branch stays, so that a human can reopen. */
export async function closePullRequest(
  parts: GitHubForgeParts,
  project: Project,
  number: number,
): Promise<PullRequest> {
  const row = await requirePullRequest(parts, project, number)
  const repository = githubRepositoryOf(project)
  const path = `repos/${slug(repository)}/pulls/${number}`
  const request = { host: repository.host, method: 'PATCH', path, body: { state: 'closed' }, signal: null } as const
  const pull = await askApi(parts.gh, request, RestPull)
  if (stateOf(pull) === 'merged') {
    const message = `Pull request #${number} is merged already; it cannot be closed.`
    throw new Fault('work_order_conflict', message, { number })
  }
  return { ...toPullRequest(row), state: 'closed', mergeSha: null }
}
