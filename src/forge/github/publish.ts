import { repeat } from '../../async/retry.ts'
import { keepPullRequest, type PullRequestRow } from '../../db/pull-requests/pull-requests.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { PublishInput } from '../../ports/pull-request.ts'
import { commandCancelled } from '../../process/wait-for-end.ts'
import { attemptDiff, pushToFirstFree } from '../attempt-commit.ts'
import type { GhResult } from './gh.ts'
import { callApi, githubFault, refusal, UNNAMED_S, unreachableFault } from './github-api.ts'
import { type GitHubRepository, githubRepositoryOf, slug } from './github-repository.ts'
import { atItsAddress, findPull, type GitHubForgeParts, getPull, type RestPull, stateOf } from './pulls.ts'
import { pauseAfter, retryGitHub } from './retry-github.ts'

/** Find, push, create, find: whatever an earlier run or another process has done is found and not repeated. */
export async function publishAttempt(parts: GitHubForgeParts, input: PublishInput): Promise<PullRequestRow> {
  const repository = githubRepositoryOf(input.project)
  const known = await retryGitHub(parts, input.signal, () => findPull(parts.gh, repository, input))
  const pull = known === null ? await pushAndCreate(parts, repository, input) : known
  const row = await keepRow(parts, input, pull)
  if (stateOf(pull) === 'closed') throw closedByHand(pull)
  if (stateOf(pull) === 'open') {
    await putLabels(parts, { repository, number: pull.number, labels: input.labels }, input.signal)
  }
  return row
}

async function pushAndCreate(
  parts: GitHubForgeParts,
  repository: GitHubRepository,
  input: PublishInput,
): Promise<RestPull> {
  const mirror = parts.mirrors.of(input.project)
  const branch = await pushToFirstFree({ project: input.project, mirror, signal: input.signal }, input)
  return await createPull(parts, { repository, branch, input })
}

/** Keeps the row of a pull request; of a closed one as closed, so that it is seen when it is reopened. */
async function keepRow(
  { db, mirrors, clock }: GitHubForgeParts,
  input: PublishInput,
  pull: RestPull,
): Promise<PullRequestRow> {
  const end = stateOf(pull) === 'closed' ? ({ state: 'closed', ended_at: clock.now() } as const) : {}
  const kept = {
    ...end,
    project_id: input.project.id,
    work_order_id: input.workOrderId,
    attempt: input.attempt,
    number: pull.number,
    url: pull.html_url,
    node_id: pull.node_id,
    title: input.title,
    body: input.body,
    base: input.project.defaultBranch,
    branch: pull.head.ref,
    base_sha: input.baseSha,
    head_sha: input.headSha,
    diff: await attemptDiff(mirrors.of(input.project), input),
  }
  return await faultPoint('keep_pull_request', () => keepPullRequest(db, kept))
}

export function closedByHand({ number, head, html_url }: RestPull): Fault {
  const message = `Pull request #${number} of this attempt was closed: ${html_url}. Reopen it and the order is in review with it, or retry the order to have it done anew.`
  return new Fault('pull_request_closed', message, { number, branch: head.ref })
}

const TIMEOUT_MS = 60_000
/** What gh 2.23 and 2.46 send for one `pr create`: RepositoryInfo, PullRequestForBranch, PullRequestCreate. */
const API_CALLS = 3

type Creation = { repository: GitHubRepository; branch: string; input: PublishInput }

/**
 * Opens the pull request of a branch that is pushed. How gh ends says nothing: after each try GitHub is asked whether
 * the pull request is there, and only if it is not, and the reason passes, is it tried again.
 *
 * @throws {Fault} `github_*`
 */
async function createPull(parts: GitHubForgeParts, creation: Creation): Promise<RestPull> {
  const { clock, random } = parts
  const { signal } = creation.input
  const { result, isStopped } = await repeat<RestPull | Fault>(
    {
      clock,
      signal,
      pauseAfter: (created, tries) => (created instanceof Fault ? pauseAfter(created, tries, random) : null),
    },
    () => tryCreate(parts, creation),
  )
  if (isStopped) throw commandCancelled(signal)
  if (result instanceof Fault) throw result
  return result
}

/**
 * @returns the pull request, or why there is none
 * @throws {Fault} `github_*` when it is unknown whether there is one
 */
async function tryCreate(parts: GitHubForgeParts, creation: Creation): Promise<RestPull | Fault> {
  await creation.input.hold()
  const result = await faultPoint('open_pull_request', () => runCreate(parts, creation))
  const found = await retryGitHub(parts, creation.input.signal, () => findCreated(parts, creation, result))
  if (found !== null) return found
  return result instanceof Fault ? result : creationFault(creation, result)
}

/** A gh that took too long comes back as its Fault: it may have created the pull request all the same. */
async function runCreate({ gh }: GitHubForgeParts, { repository, branch, input }: Creation): Promise<GhResult | Fault> {
  const { host } = repository
  const repo = host === 'github.com' ? slug(repository) : `${host}/${slug(repository)}`
  const base = input.project.defaultBranch
  // One argument each, so that a title that begins with a dash is no option.
  const args = ['pr', 'create', `--repo=${repo}`, `--head=${branch}`, `--base=${base}`, `--title=${input.title}`]
  const limits = { timeoutMs: TIMEOUT_MS, signal: input.signal }
  const call = { host, apiCalls: API_CALLS, mutates: true, input: input.body, ...limits }
  try {
    return await gh.run([...args, '--body-file=-'], call)
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'command_timed_out') throw error
    return unreachableFault(host, `gh pr create did not end within ${TIMEOUT_MS / 1000} s`, error)
  }
}

/** By branch and marker; else by the address gh named, because GitHub's lists lag behind what it has just made. */
async function findCreated(
  { gh }: GitHubForgeParts,
  { repository, branch, input }: Creation,
  result: GhResult | Fault,
): Promise<RestPull | null> {
  const found = await findPull(gh, repository, input)
  if (found !== null || result instanceof Fault) return found
  const named = /\/pull\/(\d+)$/.exec(`${result.said} ${result.stdout}`.trim())
  if (named === null) return null
  const pull = await getPull(gh, repository, Number(named[1]), input.signal)
  if (pull === null || pull.number !== Number(named[1]) || pull.base.ref !== input.project.defaultBranch) return null
  return pull.head.ref === branch && pull.head.sha === input.headSha ? atItsAddress(repository, pull) : null
}

/** What gh says of GitHub's refusals: an HTTP status, or the words of an error that GraphQL answers with status 200. */
const REASONS = [
  // Right after a push GitHub may not see the branch yet, and refuses everything about it.
  [/Head (?:sha|ref|user|repository)\b|not all refs are readable/i, 'github_unreachable'],
  [/HTTP 401|Bad credentials/i, 'github_unauthorized'],
  [/rate limit|submitted too quickly|abuse detection|HTTP 429/i, 'github_rate_limited'],
  [/HTTP 403|Resource not accessible|does not have the correct permissions/i, 'github_forbidden'],
  [/HTTP 404|Could not resolve to a Repository/i, 'github_not_found'],
  [/HTTP 5\d\d|EOF|error connecting|connection re|timeout|TLS/i, 'github_unreachable'],
] as const

/** gh does not tell how long a limit lasts. */
function creationFault({ repository, branch }: Creation, { said, exitCode }: GhResult): Fault {
  const { host } = repository
  // A branch is named after its order, which may be about a timeout.
  const words = said.replaceAll(branch, '')
  const reason = REASONS.find(([pattern]) => pattern.test(words))
  const code = reason === undefined ? 'github_failed' : reason[1]
  const limit = code === 'github_rate_limited' ? { retryAfterS: UNNAMED_S } : {}
  const what = `GitHub (${host}) opened no pull request in ${slug(repository)}: ${said}.`
  return refusal(code, what, { host, exitCode, ...limit })
}

/** Colours of labels that have to be made. */
const COLOURS: Readonly<Record<string, string>> = {
  moose: '8a5a2b',
  'risk: low': '2da44e',
  'risk: medium': 'd4a72c',
  'risk: high': 'cf222e',
}
const OTHER_COLOUR = 'ededed'

type Labelling = { repository: GitHubRepository; number: number; labels: readonly string[] }

/** Puts labels on a pull request and makes those the repository lacks. A failure is only noted: the work is done. */
async function putLabels(parts: GitHubForgeParts, labelling: Labelling, signal: AbortSignal): Promise<void> {
  if (labelling.labels.length === 0) return
  try {
    if (await addLabels(parts, labelling, signal)) return
    for (const name of labelling.labels) await makeLabel(parts, labelling.repository, name, signal)
    if (!(await addLabels(parts, labelling, signal))) throw new Error('GitHub still does not know the labels')
  } catch (thrown) {
    if (signal.aborted) throw thrown
    const { code, message } = toFault(thrown)
    parts.log.warn({ number: labelling.number, code, reason: message }, 'the labels of a pull request were not set')
  }
}

/** @returns false when the repository lacks one of them */
async function addLabels(
  { gh }: GitHubForgeParts,
  { repository, number, labels }: Labelling,
  signal: AbortSignal,
): Promise<boolean> {
  const path = `repos/${slug(repository)}/issues/${number}/labels`
  const request = { host: repository.host, method: 'POST', path, body: { labels }, signal } as const
  const answer = await callApi(gh, request)
  if (answer.status === 404 || answer.status === 422) return false
  if (answer.status >= 300) throw githubFault(request, answer)
  return true
}

async function makeLabel(
  { gh }: GitHubForgeParts,
  repository: GitHubRepository,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const colour = COLOURS[name]
  const body = { name, color: colour === undefined ? OTHER_COLOUR : colour }
  const request = {
    host: repository.host,
    method: 'POST',
    path: `repos/${slug(repository)}/labels`,
    body,
    signal,
  } as const
  const answer = await callApi(gh, request)
  // 422: it is there already.
  if (answer.status >= 300 && answer.status !== 422) throw githubFault(request, answer)
}
