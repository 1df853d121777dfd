import type { Kysely } from 'kysely'
import type { Clock } from '../../clock.ts'
import { findPullRequest, type PullRequestRow } from '../../db/pull-requests.ts'
import type { Database } from '../../db/schema.ts'
import { Fault } from '../../faults/fault.ts'
import type { Mirrors } from '../../git/mirrors.ts'
import type { Log } from '../../log.ts'
import type { PullRequest } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import type { Gh } from './gh.ts'

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

export function toPullRequest(row: PullRequestRow): PullRequest {
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
