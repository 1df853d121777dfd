import { SerialQueue } from '../../git/serial-queue.ts'
import type { Forge, PullRequestWatch } from '../../pipeline/ports/pull-request.ts'
import type { ApiCalls } from './api-calls.ts'
import { closePullRequest } from './close.ts'
import { type GitHubForgeParts, toPullRequest } from './github-forge-parts.ts'
import { githubRepositoryOf } from './github-repository.ts'
import { lookAt } from './look.ts'
import { mergePullRequest } from './merge.ts'
import { publishAttempt } from './publish.ts'
import { requirePushPermission } from './push-permission.ts'

/**
 * Pull requests on GitHub, through the operator's gh. What changes something there is done one after the other, as
 * GitHub asks of programs.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 */
export function createGitHubForge(parts: GitHubForgeParts, apiCalls: ApiCalls): Forge & PullRequestWatch {
  const changes = new SerialQueue()
  return {
    assertReady: (project, signal) => requirePushPermission(parts.gh, githubRepositoryOf(project), signal),
    publish: (input) => changes.run(async () => toPullRequest(await publishAttempt(parts, input))),
    merge: (project, number) => changes.run(async () => toPullRequest(await mergePullRequest(parts, project, number))),
    close: (project, number) => changes.run(async () => toPullRequest(await closePullRequest(parts, project, number))),
    look: (watched) => lookAt(parts, watched),
    apiCallsLastHour: apiCalls.lastHour,
  }
}
