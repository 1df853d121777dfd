import type { Kysely } from 'kysely'
import type { Clock } from '../../clock.ts'
import { findPullRequest, type PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import type { LookedAt } from '../../db/pull-requests/seen-pull-requests.ts'
import type { Database } from '../../db/schema.ts'
import { Fault } from '../../faults/fault.ts'
import type { Mirrors } from '../../git/mirrors.ts'
import type { PushSource } from '../../git/push.ts'
import type { Log } from '../../log.ts'
import type { PullRequest } from '../../ports/pull-request.ts'
import { localPullRequestUrl } from '../../work-order/naming.ts'
import type { Project } from '../../work-order/project.ts'

/** What every action of the local forge works with. */
export type LocalForgeParts = {
  db: Kysely<Database>
  /** Shared with the workspaces. */
  mirrors: Mirrors
  log: Log
  clock: Clock
}

/** @throws {Fault} `not_found` */
export async function requirePullRequest(
  { db }: LocalForgeParts,
  project: Project,
  number: number,
): Promise<PullRequestRow> {
  const row = await findPullRequest(db, project.id, number)
  if (row !== null) return row
  const message = `Project "${project.name}" has no pull request #${number}. See the orders with: moose list`
  throw new Fault('not_found', message, { project: project.name, number })
}

export function toPullRequest(project: Project, row: LookedAt): PullRequest {
  return {
    number: row.number,
    url: localPullRequestUrl(project.name, row.number),
    branch: row.branch,
    base: row.base,
    headSha: row.head_sha,
    state: row.state,
    mergeSha: row.merge_sha,
  }
}

/** Where pushes for a project start from; a merge or a close is never cancelled halfway. */
export function pushSource({ mirrors }: LocalForgeParts, project: Project): PushSource {
  return { project, mirror: mirrors.of(project), signal: null }
}
