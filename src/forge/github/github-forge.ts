import { TEXT_STAYS } from '../../contract/evidence/step-summary.ts'
import { keepVerified, type PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { Forge, PullRequestWatch, UpdatedPullRequest, UpdateInput } from '../../ports/pull-request.ts'
import type { Project } from '../../work-order/project.ts'
import { attemptDiff, pushOnto } from '../attempt-commit.ts'
import { closePullRequest } from './close.ts'
import type { ApiCalls } from './gh.ts'
import { askApi } from './github-api.ts'
import { githubRepositoryOf, slug } from './github-repository.ts'
import { lookAtPulls } from './look-at-pulls.ts'
import { mergePullRequest } from './merge.ts'
import { closedByHand, publishAttempt } from './publish.ts'
import { type GitHubForgeParts, getPull, RestPull, requirePullRequest, stateOf, toPullRequest } from './pulls.ts'
import { requirePushPermission } from './push-permission.ts'
import { retryGitHub } from './retry-github.ts'

/** Pull requests on GitHub, through the operator's gh. */
export function createGitHubForge(parts: GitHubForgeParts, apiCalls: ApiCalls): Forge & PullRequestWatch {
  return {
    assertReady: (project, signal) =>
      retryGitHub(parts, signal, () => requirePushPermission(parts.gh, githubRepositoryOf(project), signal)),
    publish: async (input) => toPullRequest(await publishAttempt(parts, input)),
    update: (input) => updatePullRequest(parts, input),
    merge: (project, number) => mergePullRequest(parts, project, number),
    close: (project, number, wish) => closePullRequest(parts, { project, number }, wish?.evenLost === true),
    look: (watched, signal) => lookAtPulls(parts, watched, signal),
    apiCallsLastHour: apiCalls.lastHour,
  }
}

/** The branch is pushed without force, so that nothing on it goes; GitHub's pull request follows it by itself. */
async function updatePullRequest(parts: GitHubForgeParts, input: UpdateInput): Promise<UpdatedPullRequest> {
  const { project, number, attempt, baseSha, headSha, signal } = input
  const row = await requirePullRequest(parts, project, number)
  const pull = await retryGitHub(parts, signal, () => getPull(parts.gh, githubRepositoryOf(project), number, signal))
  if (pull === null) {
    const message = `GitHub has no pull request #${number} any more, or the token may not see it.`
    throw new Fault('github_not_found', message, { number })
  }
  if (stateOf(pull) === 'closed') throw closedByHand(pull)
  // Its merge is recorded by who looks after it.
  if (stateOf(pull) === 'merged') return { ...toPullRequest(row), keepsText: null }
  const base = baseOf(project, { row, pull })
  const mirror = parts.mirrors.of(project)
  await pushOnto({ project, mirror, signal }, row.branch, input)
  const keepsText = await renewText(parts, { row, pull }, input)
  const body = keepsText === null ? input.body : row.body
  const verified = { attempt, base, baseSha, headSha, body, diff: await attemptDiff(mirror, input) }
  const kept = await faultPoint('keep_pull_request', () => keepVerified(parts.db, row, verified))
  return { ...toPullRequest(kept), keepsText }
}

/**
 * The base of a pull request from its verification on: that of its project, where GitHub says the same, so that one that was renamed is
 * taken over.
 *
 * @throws {Fault} `work_order_conflict` where it was verified with another branch than the one it would be merged into
 */
function baseOf(project: Project, { row, pull }: { row: PullRequestRow; pull: RestPull }): string {
  const verifiedWith = project.defaultBranch
  if (pull.base.ref === verifiedWith) return verifiedWith
  // Where it was changed on GitHub alone nothing merges it before it is changed back.
  if (row.base === verifiedWith) return row.base
  const message =
    `Pull request #${row.number} is into ${pull.base.ref} on GitHub, and the base of its project is ${verifiedWith} now, with which it ` +
    `was verified: nothing is pushed. Change its base on GitHub to ${verifiedWith}, and verify it once more: moose verify ${row.work_order_id.slice(0, 8)}`
  throw new Fault('work_order_conflict', message, { number: row.number, branch: row.branch })
}

/**
 * Writes the text anew where it was not edited since Moose wrote it. The commit has been pushed, and what was verified stays
 * verified: GitHub may refuse the text all the same.
 *
 * @returns why it is left as it is; null: it was written
 */
async function renewText(
  parts: GitHubForgeParts,
  { row, pull }: { row: PullRequestRow; pull: RestPull },
  { project, number, body, hold, signal }: UpdateInput,
): Promise<string | null> {
  // A run before a crash may have written it.
  if (isSameText(pull.body, body)) return null
  if (!isSameText(pull.body, row.body)) return TEXT_STAYS
  await hold()
  const repository = githubRepositoryOf(project)
  const path = `repos/${slug(repository)}/pulls/${number}`
  const request = { host: repository.host, method: 'PATCH', path, body: { body }, signal } as const
  const ask = () => retryGitHub(parts, signal, () => askApi(parts.gh, request, RestPull))
  try {
    await faultPoint('keep_pull_request', ask)
    return null
  } catch (error) {
    if (!(error instanceof Fault) || !error.code.startsWith('github_')) throw error
    const again = `moose verify ${row.work_order_id.slice(0, 8)}`
    return `its commit was pushed, and its text is still the one before, which is written anew with ${again}: ${error.message}`
  }
}

function isSameText(is: string | null, written: string): boolean {
  return is !== null && comparable(is) === comparable(written)
}

/** GitHub may give back other ends of lines than it was given, and gh takes the text `\u0021` of an answer for an escape. */
function comparable(text: string): string {
  const plain = text.replaceAll(
    /\\u00([2-7][0-9a-f])/gi,
    (_, code: string) => `\\${String.fromCharCode(parseInt(code, 16))}`,
  )
  return plain.replaceAll('\r\n', '\n').trim()
}
