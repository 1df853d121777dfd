import { Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { PublishInput } from '../../ports/pull-request.ts'
import { findPull } from './find-pull.ts'
import type { GhResult } from './gh.ts'
import { refusal, UNNAMED_S, unreachableFault } from './github-faults.ts'
import type { GitHubForgeParts } from './github-forge-parts.ts'
import { type GitHubRepository, slug } from './github-repository.ts'
import { patiently, pauseAfter } from './patiently.ts'
import { pause } from './pause.ts'
import { atItsAddress, getPull, type RestPull } from './rest-pull.ts'

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
export async function createPull(parts: GitHubForgeParts, creation: Creation): Promise<RestPull> {
  for (let round = 0; ; round += 1) {
    await creation.input.hold()
    const result = await faultPoint('open_pull_request', () => runCreate(parts, creation))
    const found = await patiently(parts, creation.input.signal, () => look(parts, creation, result))
    if (found !== null) return found
    const fault = result instanceof Fault ? result : creationFault(creation, result)
    const pauseMs = pauseAfter(fault, round, parts.random)
    if (pauseMs === null) throw fault
    await pause(parts.clock, pauseMs, creation.input.signal)
  }
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
async function look(
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
