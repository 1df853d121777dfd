import type { Forge, PullRequestWatch } from '../../ports/pull-request.ts'
import type { ApiCalls } from './api-calls.ts'
import { closePullRequest } from './close.ts'
import { type GitHubForgeParts, toPullRequest } from './github-forge-parts.ts'
import { githubRepositoryOf } from './github-repository.ts'
import { lookAt } from './look.ts'
import { mergePullRequest } from './merge.ts'
import { patiently } from './patiently.ts'
import { publishAttempt } from './publish.ts'
import { requirePushPermission } from './push-permission.ts'

/** Pull requests on GitHub, through the operator's gh. */
export function createGitHubForge(parts: GitHubForgeParts, apiCalls: ApiCalls): Forge & PullRequestWatch {
  return {
    assertReady: (project, signal) =>
      patiently(parts, signal, () => requirePushPermission(parts.gh, githubRepositoryOf(project), signal)),
    publish: async (input) => toPullRequest(await publishAttempt(parts, input)),
    merge: (project, number) => mergePullRequest(parts, project, number),
    close: (project, number) => closePullRequest(parts, project, number),
    look: (watched, signal) => lookAt(parts, watched, signal),
    apiCallsLastHour: apiCalls.lastHour,
  }
}
