import { reasonOf } from '../../db/database-fault.ts'
import { findPullRequestOfAttempt, type PullRequestRow } from '../../db/pull-requests.ts'
import { hasLanded, landedByPatch } from '../../git/landed.ts'
import { broughtBy } from '../../git/merge.ts'
import { deleteRemoteBranch, remoteHeads } from '../../git/push.ts'
import { branchRef } from '../../git/ref-names.ts'
import type { LookResult, Sighting, WatchedPullRequest } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { type LocalForgeParts, pushSource, toPullRequest } from './local-forge-parts.ts'

/** Where base and branch of a pull request stood when its change had not landed, by its order and attempt. */
export type Unlanded = Map<string, string>

/**
 * Looks where the branches of pull requests stand, with one question to each repository, and whether their change has come
 * into the base by hand. A repository that does not answer is noted in the log alone: what is on this disk or behind ssh is
 * no reason to look at GitHub less often.
 */
export async function lookAtBranches(
  parts: LocalForgeParts,
  watched: readonly WatchedPullRequest[],
  unlanded: Unlanded,
): Promise<LookResult> {
  const sightings: Sighting[] = []
  for (const [project, some] of Map.groupBy(watched, (one) => one.project)) {
    try {
      sightings.push(...(await lookAtProject(parts, { project, some }, unlanded)))
    } catch (error) {
      parts.log.warn({ project: project.name, reason: reasonOf(error) }, 'branches of pull requests cannot be seen')
    }
  }
  return { sightings, faults: [] }
}

async function lookAtProject(
  parts: LocalForgeParts,
  { project, some }: { project: Project; some: readonly WatchedPullRequest[] },
  unlanded: Unlanded,
): Promise<Sighting[]> {
  const seen: { of: WatchedPullRequest; row: PullRequestRow }[] = []
  for (const of of some) {
    const row = await findPullRequestOfAttempt(parts.db, of)
    if (row !== null) seen.push({ of, row })
  }
  const names = new Set(seen.flatMap(({ row }) => [row.base, row.branch]))
  const heads = await remoteHeads(pushSource(parts, project), [...names])
  const sightings: Sighting[] = []
  for (const { of, row } of seen) {
    const pullRequest = toPullRequest(project, await stateNow(parts, project, { row, heads }, unlanded))
    const head = heads.get(row.branch)
    const headSha = head === undefined ? row.head_sha : head
    const told = { checks: null, review: null, parts: null, endedBy: null }
    sightings.push({ of, pullRequest: { ...pullRequest, headSha }, ...told })
  }
  return sightings
}

type Found = { row: PullRequestRow; heads: ReadonlyMap<string, string> }

/** The row as the repository says it stands; the row itself is left as it is. */
async function stateNow(
  parts: LocalForgeParts,
  project: Project,
  { row, heads }: Found,
  unlanded: Unlanded,
): Promise<PullRequestRow> {
  const base = heads.get(row.base)
  if (row.state !== 'open' || base === undefined) return row
  const head = heads.get(row.branch)
  const key = `${row.work_order_id} ${row.attempt}`
  const place = `${base} ${head} ${row.head_sha}`
  if (unlanded.get(key) === place) return row
  const mergeSha = await landedAs(parts, project, row, head)
  if (mergeSha === null) {
    unlanded.set(key, place)
    return row
  }
  unlanded.delete(key)
  return { ...row, state: 'merged', merge_sha: mergeSha }
}

/** The commit on the base that brought the change, and its branch deleted if it was merged; null: none has. */
async function landedAs(
  parts: LocalForgeParts,
  project: Project,
  row: PullRequestRow,
  head: string | undefined,
): Promise<string | null> {
  const mirror = parts.mirrors.of(project)
  const tip = await mirror.fetchBranch(project, { branch: row.base, into: branchRef(row.base) }, null)
  if (tip === null) return null
  // What others have pushed to the branch and then merged has come with the base.
  for (const sha of head === undefined || head === row.head_sha ? [row.head_sha] : [head, row.head_sha]) {
    if (!(await hasLanded(mirror, { base: tip, beganAt: row.base_sha }, sha))) continue
    const gone = head !== sha || (await deleteRemoteBranch(pushSource(parts, project), row.branch, sha))
    if (!gone) parts.log.warn({ number: row.number, branch: row.branch }, 'the branch of a merge was not deleted')
    return await broughtBy(mirror, tip, sha)
  }
  // A branch that was changed and not merged as it stands holds something that the base may not.
  return head === undefined || head === row.head_sha ? await landedByPatch(mirror, tip, row.head_sha) : null
}
