import type { PullRequestRow } from '../../db/pull-requests.ts'
import type { Forge, PullRequest } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { closePullRequest } from './close.ts'
import type { LocalForgeParts } from './local-forge-parts.ts'
import { mergePullRequest } from './merge.ts'
import { publishAttempt } from './publish.ts'

/**
 * The forge that needs no service: branches live in the project's repository, which may be a bare one on this disk,
 * and pull requests are rows of `pull_requests` with their diff.
 */
export function createLocalForge(parts: LocalForgeParts): Forge {
  return {
    // Its rows are in our database, and the base commit is fetched from its repository before a proposal.
    assertReady: async () => undefined,
    publish: async (input) => toPullRequest(input.project, await publishAttempt(parts, input)),
    merge: async (project, number) => toPullRequest(project, await mergePullRequest(parts, project, number)),
    close: async (project, number) => toPullRequest(project, await closePullRequest(parts, project, number)),
  }
}

function toPullRequest(project: Project, row: PullRequestRow): PullRequest {
  return {
    number: row.number,
    url: `local://${encodeURIComponent(project.name)}/pull/${row.number}`,
    branch: row.branch,
    base: row.base,
    headSha: row.head_sha,
    state: row.state,
    mergeSha: row.merge_sha,
  }
}
