import { reasonOf } from '../../db/database-fault.ts'
import { type LookedAt, pullRequestsToLookAt } from '../../db/pull-requests/seen-pull-requests.ts'
import { hasLanded, landedByPatch } from '../../git/landed.ts'
import { broughtBy, containsCommit } from '../../git/merge.ts'
import type { Mirror } from '../../git/mirror.ts'
import { deleteRemoteBranch, remoteHeads } from '../../git/push.ts'
import { branchRef } from '../../git/ref-names.ts'
import type { LookResult, Sighting, WatchedPullRequest } from '../../ports/pull-request.ts'
import { workOrderTrailer } from '../../work-order/naming.ts'
import type { Project } from '../../work-order/project.ts'
import { type LocalForgeParts, pushSource, toPullRequest } from './local-forge-parts.ts'

const TIMEOUT_MS = 60_000

/**
 * Where base and branch of a pull request stood when its change had not landed, or that could not be seen, by its order and
 * attempt.
 */
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
  return { sightings, lost: [], faults: [] }
}

async function lookAtProject(
  parts: LocalForgeParts,
  { project, some }: { project: Project; some: readonly WatchedPullRequest[] },
  unlanded: Unlanded,
): Promise<Sighting[]> {
  const rows = await pullRequestsToLookAt(parts.db, some)
  const seen = some.flatMap((of, index) => {
    const row = rows[index]
    return row === undefined || row === null ? [] : [{ of, row }]
  })
  const names = new Set(seen.flatMap(({ row }) => [row.base, row.branch]))
  const heads = await remoteHeads(pushSource(parts, project), [...names])
  const sightings: Sighting[] = []
  for (const { of, row } of seen) {
    const now = await stateNow(parts, project, { row, heads }, unlanded).catch((error: unknown) => {
      const told = { project: project.name, number: row.number, reason: reasonOf(error) }
      parts.log.warn(told, 'a pull request cannot be seen')
      return null
    })
    if (now === null) continue
    const pullRequest = toPullRequest(project, now)
    const head = heads.get(row.branch)
    const headSha = head === undefined ? row.head_sha : head
    const told = { checks: null, review: null, parts: null, isDraft: false, endedBy: null }
    const base = heads.get(row.base)
    const baseSha = base === undefined ? null : base
    const mark = `${pullRequest.state} ${baseSha} ${headSha} ${row.head_sha} ${row.base}`
    sightings.push({ of, pullRequest: { ...pullRequest, headSha }, baseSha, ...told, mark })
  }
  return sightings
}

type Found = { row: LookedAt; heads: ReadonlyMap<string, string> }
type Heads = { row: LookedAt; head: string | undefined }
/** What the base holds of a pull request: the commit that brought it, and the one that was merged; null: it was copied. */
type Landed = { mergeSha: string; merged: string | null }

/** Forgets a pull request that is not looked at any more. */
export function forget(
  unlanded: Unlanded,
  { work_order_id: id, attempt }: Pick<LookedAt, 'work_order_id' | 'attempt'>,
): void {
  unlanded.delete(`${id} ${attempt}`)
}

/** The row as the repository says it stands; the row itself is left as it is. */
async function stateNow(
  parts: LocalForgeParts,
  project: Project,
  { row, heads }: Found,
  unlanded: Unlanded,
): Promise<LookedAt> {
  const base = heads.get(row.base)
  if (row.state !== 'open') forget(unlanded, row)
  if (row.state !== 'open' || base === undefined) return row
  const head = heads.get(row.branch)
  const key = `${row.work_order_id} ${row.attempt}`
  const place = `${base} ${head} ${row.head_sha}`
  if (unlanded.get(key) === place) return row
  const mirror = parts.mirrors.of(project)
  const tip = await mirror.fetchBranch(project, { branch: row.base, into: branchRef(row.base) }, null)
  if (tip === null) return row
  const landed = await landedAs(mirror, tip, { row, head }).catch((error: unknown) => {
    // A comparison that is too long would be as long at every look; it is made again once the base or the branch has moved.
    const told = { project: project.name, number: row.number, reason: reasonOf(error) }
    parts.log.warn(told, 'whether a pull request was merged by hand cannot be seen')
    return null
  })
  if (landed === null) {
    unlanded.set(key, place)
    return row
  }
  if (landed.merged !== null) await deleteMerged(parts, project, { row, head }, landed.merged)
  unlanded.delete(key)
  return { ...row, state: 'merged', merge_sha: landed.mergeSha }
}

async function deleteMerged(
  parts: LocalForgeParts,
  project: Project,
  { row, head }: Heads,
  merged: string,
): Promise<void> {
  const gone = head !== merged || (await deleteRemoteBranch(pushSource(parts, project), row.branch, merged))
  if (!gone) parts.log.warn({ number: row.number, branch: row.branch }, 'the branch of a merge was not deleted')
}

async function landedAs(mirror: Mirror, tip: string, { row, head }: Heads): Promise<Landed | null> {
  // What others have pushed to the branch and then merged has come with the base.
  for (const sha of head === undefined || head === row.head_sha ? [row.head_sha] : [head, row.head_sha]) {
    if (!(await hasLanded(mirror, { base: tip, beganAt: row.base_sha }, sha))) continue
    if (await holdsChange(mirror, row, sha)) return { mergeSha: await broughtBy(mirror, tip, sha), merged: sha }
  }
  // A branch that was changed and not merged as it stands holds something that the base may not.
  if (head !== undefined && head !== row.head_sha) return null
  const mergeSha = await landedByPatch(mirror, tip, row.head_sha)
  return mergeSha === null ? null : { mergeSha, merged: null }
}

/**
 * Whether what a branch holds is still of its pull request, and not what it was put back to, such as the base: it holds the
 * commit that was verified, or one that says that an attempt of the order made it.
 */
async function holdsChange(mirror: Mirror, row: LookedAt, sha: string): Promise<boolean> {
  if (await containsCommit(mirror, sha, row.head_sha)) return true
  // Any attempt: what was verified again was made by an earlier one than the one whose pull request it is.
  const made = `^${workOrderTrailer(row.work_order_id, '[0-9]+')}$`
  const args = ['rev-list', '--max-count=1', '--extended-regexp', `--grep=${made}`, sha, `^${row.base_sha}`]
  const { stdout } = await mirror.succeed(args, { signal: null, timeoutMs: TIMEOUT_MS })
  return stdout.text().trim() !== ''
}
