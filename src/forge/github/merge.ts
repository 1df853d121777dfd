import { type EndedVerification, whatFailed } from '../../contract/evidence/ended-verification.ts'
import type { SeenConflict } from '../../contract/evidence/seen-conflict.ts'
import { failedVerificationAt, readEndedAsSeen } from '../../db/attempts/ended-verifications.ts'
import type { PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import type { PullRequest } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { waysOutOfConflict, withWaysOut } from '../../work-order/ways-out.ts'
import { unverified } from '../unverified-branch.ts'
import { type ApiAnswer, callApi, githubFault, messageOf } from './github-api.ts'
import { type GitHubRepository, githubRepositoryOf, slug } from './github-repository.ts'
import { mergeWays } from './merge-ways.ts'
import { deleteMergedBranch, holdsOther, provenMerge } from './proven-merge.ts'
import { type GitHubForgeParts, getPull, type RestPull, requirePullRequest, stateOf, toPullRequest } from './pulls.ts'

/** Merges exactly the commit that was checked; one that was merged before is found, not repeated. */
export async function mergePullRequest(
  parts: GitHubForgeParts,
  project: Project,
  number: number,
): Promise<PullRequest> {
  const row = await requirePullRequest(parts, project, number)
  const repository = githubRepositoryOf(project)
  const before = await requirePull(parts, repository, number)
  if (stateOf(before) === 'closed') throw conflict(row, `Pull request #${number} is closed and cannot be merged.`)
  const merged = stateOf(before) === 'merged' ? before : await mergeOpen(parts, { project, row }, before)
  const { base, head, merge_commit_sha } = merged
  const mergeSha = await provenMerge(parts, project, row, { mergeSha: merge_commit_sha, headSha: head.sha })
  if (mergeSha === null) throw unproven(row, base.ref)
  const isOther = await holdsOther(parts, project, { verified: row.head_sha, headSha: head.sha })
  await deleteMergedBranch(parts, project, { branch: row.branch, headSha: head.sha })
  return { ...toPullRequest(row), state: 'merged', headSha: head.sha, mergeSha, holdsOther: isOther }
}

async function mergeOpen(
  parts: GitHubForgeParts,
  { project, row }: { project: Project; row: PullRequestRow },
  { head, base, draft: isDraft }: RestPull,
): Promise<RestPull> {
  const repository = githubRepositoryOf(project)
  if (base.ref !== row.base) {
    const why = `The base of pull request #${row.number} was changed on GitHub to ${base.ref}; its order is for ${row.base}.`
    const next =
      base.ref === project.defaultBranch
        ? `That is the base of its project now: have it verified with that, and then merge it: moose verify ${row.work_order_id.slice(0, 8)}`
        : 'Change it back on GitHub, or close the pull request.'
    throw conflict(row, `${why} ${next}`)
  }
  if (isDraft === true)
    throw conflict(
      row,
      `Pull request #${row.number} is a draft on GitHub. Mark it there as ready for review, then merge it.`,
    )
  if (head.sha !== row.head_sha) throw unverified(row, head.sha, await failedVerificationAt(parts.db, row, head.sha))
  const path = `repos/${slug(repository)}/pulls/${row.number}/merge`
  const body = { sha: row.head_sha, merge_method: await mergeMethod(parts, repository, row) }
  const request = { host: repository.host, method: 'PUT', path, body, signal: null } as const
  const answer = await callApi(parts.gh, request).catch((error: unknown) => error)
  // Whatever the answer was, what counts is where the pull request stands now.
  const after = await requirePull(parts, repository, row.number)
  if (stateOf(after) === 'merged') return after
  if (!isAnswer(answer)) throw answer
  const { tried_resolution: tried } = await readEndedAsSeen(parts.db, row)
  const seen = row.conflict?.head_sha === row.head_sha ? row.conflict : null
  throw refusal(row, request, answer, seen === null ? null : leftToPerson(seen, tried))
}

function isAnswer(value: unknown): value is ApiAnswer {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value
}

/**
 * 405: it cannot be merged as it stands; 409: its head has moved.
 *
 * @param left why no model is asked to resolve its conflict; null: one may be
 */
function refusal(
  row: PullRequestRow,
  request: Parameters<typeof githubFault>[0],
  answer: ApiAnswer,
  left: string | null,
): Fault {
  const said = messageOf(answer)
  if (answer.status === 409) return conflict(row, `Pull request #${row.number} has changed meanwhile: ${said}.`)
  if (answer.status !== 405) return githubFault(request, answer)
  const id = row.work_order_id.slice(0, 8)
  const waits = `See there what it waits for: a review, a check, or a newer ${row.base}.`
  const refused = `GitHub does not merge pull request #${row.number}: ${said}.`
  const { message, details } =
    left === null
      ? withWaysOut(`${refused} ${waits}`, [
          `Have ${row.base} merged into the branch, and the checks run on that: moose verify ${id}   then: moose merge ${id}`,
          `Where git cannot merge it, have the model that made the change resolve that, within the budget of the order: moose verify ${id} --resolve`,
        ])
      : withWaysOut(
          `${refused} It conflicts with ${row.base}. ${left}`,
          waysOutOfConflict({ ...row, workOrderId: row.work_order_id, maySolve: false }),
        )
  return new Fault('merge_conflict', message, { number: row.number, ...details })
}

function leftToPerson({ by_hand }: SeenConflict, tried: EndedVerification | null): string | null {
  if (tried !== null) return `A model was to resolve that in attempt ${tried.attempt}: ${whatFailed(tried)}`
  return by_hand === undefined ? null : by_hand
}

/** The first way that repository and base allow. @throws {Fault} `merge_conflict` when there is none */
async function mergeMethod({ gh }: GitHubForgeParts, repository: GitHubRepository, row: PullRequestRow) {
  const { ways, isQueued } = await mergeWays(gh, repository, row.base)
  const [way] = ways
  if (way !== undefined && !isQueued) return way
  const why = isQueued
    ? `${row.base} takes only what its merge queue merges. Put it into the queue on GitHub; its merge is seen.`
    : `the settings of ${slug(repository)} and the rules of ${row.base} leave no way to merge. Allow one of merge, squash and rebase.`
  throw new Fault('merge_conflict', `Pull request #${row.number} cannot be merged from here: ${why}`, {
    number: row.number,
  })
}

async function requirePull({ gh }: GitHubForgeParts, repository: GitHubRepository, number: number): Promise<RestPull> {
  const pull = await getPull(gh, repository, number, null)
  if (pull !== null) return pull
  const message = `${slug(repository)} has no pull request #${number}, or the token may not see it.`
  throw new Fault('github_not_found', message, { number })
}

function unproven({ number, base }: PullRequestRow, into: string): Fault {
  const message = `GitHub calls pull request #${number} merged into ${into}, but ${base} does not hold its change. Look at the branch.`
  return new Fault('github_failed', message, { number, base })
}

function conflict(row: PullRequestRow, message: string): Fault {
  return new Fault('work_order_conflict', message, { number: row.number, branch: row.branch })
}
