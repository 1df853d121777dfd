import { z } from 'zod'
import { Fault } from '../../../faults/fault.ts'
import type { CheckFact, CheckFailure, OfPullRequest, RerunAnswer } from '../../../ports/pull-request-facts.ts'
import { plainText } from '../../../redaction/plain-text.ts'
import { askApi, callApi, githubFault, isRefusal, messageOf } from '../github-api.ts'
import { githubRepositoryOf, slug } from '../github-repository.ts'
import type { GitHubForgeParts } from '../pulls.ts'
import { retryGitHub } from '../retry-github.ts'
import { visible } from '../visible.ts'
import { askGraphQL } from './ask-graphql.ts'

/** The useful part of what a check printed, bounded and without secrets; made where the checks of an attempt are. */
export type TellFailure = (output: string) => Pick<CheckFailure, 'text' | 'identity'>

/**
 * What made a check red: the failing part of its job's log, where it is one of GitHub Actions; else what it says of itself.
 */
export async function failureOfCheck(
  parts: GitHubForgeParts & { tellFailure: TellFailure },
  { of, check, signal }: { of: OfPullRequest; check: CheckFact; signal: AbortSignal },
): Promise<CheckFailure> {
  const log = check.actions === null ? null : await logOf(parts, { of, jobId: check.actions.job_id, signal })
  if (log !== null && log.trim() !== '') return { from: 'log', ...parts.tellFailure(log), why: null }
  const summary = check.kind === 'run' ? await summaryOf(parts, { of, id: check.id, signal }) : null
  if (summary !== null && summary.trim() !== '') {
    return { from: 'summary', ...parts.tellFailure(summary), why: null }
  }
  const why =
    check.kind === 'status'
      ? `"${check.name}" is a commit status: it has no log on GitHub.`
      : `GitHub has neither a log nor a summary of "${check.name}" that Moose may read.`
  const is_required = await isRequired(parts, { of, id: check.id, signal })
  return { from: 'none', text: '', identity: null, why, is_required }
}

type Asked = { of: OfPullRequest; signal: AbortSignal }

/**
 * Null: it is gone (GitHub keeps logs for 90 days), is not there yet, or the token may not read it.
 *
 * @see https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
 */
async function logOf(
  parts: GitHubForgeParts,
  { of, jobId, signal }: Asked & { jobId: string },
): Promise<string | null> {
  const repository = githubRepositoryOf(of.project)
  const path = `repos/${slug(repository)}/actions/jobs/${jobId}/logs`
  const request = { host: repository.host, method: 'GET', path, signal } as const
  const ask = async () => {
    const answer = await callApi(parts.gh, request)
    // The server that keeps the logs answers in its own way.
    if (answer.status === 404 || answer.status === 410) return null
    if (isRefusal(answer)) throw githubFault(request, answer)
    return answer.text
  }
  const text = await visible(() => retryGitHub(parts, signal, ask))
  return text === null ? null : withoutMarks(text)
}

/** Where the runners of GitHub check a repository out. */
const RUNNER_ROOT = /(?:\/home\/runner\/work|\/Users\/runner\/work|D:\\a)[\\/][\w.-]{1,100}[\\/][\w.-]{1,100}[\\/]/g

/** Each line begins with when it was printed, and what the runner itself says has marks; files are told from the root. */
function withoutMarks(log: string): string {
  return log
    .replace(/^\ufeff/, '')
    .replaceAll(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,9}Z ?/gm, '')
    .replaceAll(/^##\[(?:group|endgroup|debug|command|section)\].*$/gm, '')
    .replaceAll(/^##\[(error|warning|notice)\]/gm, '$1: ')
    .replaceAll(RUNNER_ROOT, '')
}

const MOST_ANNOTATIONS = 30
const Summary = z.object({
  node: z
    .object({
      title: z.string().nullish(),
      summary: z.string().nullish(),
      text: z.string().nullish(),
      annotations: z
        .object({
          nodes: z
            .array(
              z
                .object({
                  path: z.string(),
                  message: z.string(),
                  location: z.object({ start: z.object({ line: z.number().int() }) }),
                })
                .nullable(),
            )
            .max(MOST_ANNOTATIONS),
        })
        .nullish(),
    })
    .nullable(),
})
const SUMMARY_QUERY = `query CheckSummary($id: ID!) {
  node(id: $id) {
    ... on CheckRun {
      title summary text
      annotations(first: ${MOST_ANNOTATIONS}) { nodes { path message location { start { line } } } }
    }
  }
}`

async function summaryOf(parts: GitHubForgeParts, { of, id, signal }: Asked & { id: string }): Promise<string | null> {
  const query = { query: SUMMARY_QUERY, variables: { id } }
  const ask = () => askGraphQL(parts, { of, changes: false, signal }, query, Summary)
  const told = await visible(() => retryGitHub(parts, signal, ask))
  if (told === null || told.node === null) return null
  const { title, summary, text, annotations } = told.node
  const notes = annotations?.nodes.flatMap((note) =>
    note === null ? [] : [`${note.path}:${note.location.start.line}: error: ${note.message}`],
  )
  const lines = [title, summary, text, ...(notes === undefined ? [] : notes)]
  return plainText(lines.filter((part) => typeof part === 'string' && part !== '').join('\n'))
}

const Required = z.object({ node: z.object({ isRequired: z.boolean() }).nullable() })
const REQUIRED_QUERY = `query CheckRequired($id: ID!, $pull: ID!) {
  node(id: $id) {
    ... on CheckRun { isRequired(pullRequestId: $pull) }
    ... on StatusContext { isRequired(pullRequestId: $pull) }
  }
}`

/** Whether a pull request is not merged without it; null: the token may not see that. */
async function isRequired(
  parts: GitHubForgeParts,
  { of, id, signal }: Asked & { id: string },
): Promise<boolean | null> {
  if (of.nodeId === null) return null
  const query = { query: REQUIRED_QUERY, variables: { id, pull: of.nodeId } }
  const ask = () => askGraphQL(parts, { of, changes: false, signal }, query, Required)
  const told = await visible(() => retryGitHub(parts, signal, ask))
  return told === null || told.node === null ? null : told.node.isRequired
}

/** @see https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run */
const Run = z.object({ status: z.string().nullable(), run_attempt: z.number().int().optional() })

/** Has the failed jobs of a run made again, unless it was made again before. */
export async function rerunFailed(
  parts: GitHubForgeParts,
  { of, check, signal }: Asked & { check: CheckFact },
): Promise<RerunAnswer> {
  if (check.actions === null) return refused(`"${check.name}" is no job of GitHub Actions: GitHub cannot run it again.`)
  const repository = githubRepositoryOf(of.project)
  const run = `repos/${slug(repository)}/actions/runs/${check.actions.run_id}`
  const look = { host: repository.host, method: 'GET', path: run, signal } as const
  const ask = { host: repository.host, method: 'POST', path: `${run}/rerun-failed-jobs`, signal } as const
  return await retryGitHub(parts, signal, async () => {
    const known = await visible(() => askApi(parts.gh, look, Run))
    if (known === null) return refused(`The token may not see the run of "${check.name}".`)
    const isRunning = known.status !== 'completed'
    if (isRunning || (known.run_attempt !== undefined && known.run_attempt > 1)) {
      return { outcome: 'already', is_running: isRunning }
    }
    const answer = await callApi(parts.gh, ask)
    if (!isRefusal(answer)) return { outcome: 'rerun' }
    const fault = githubFault(ask, answer)
    if (!isRefusedRerun(fault)) throw fault
    return refused(`GitHub does not run "${check.name}" again: ${messageOf(answer)}.`)
  })
}

/** By its age, by the token's permissions, or because it was made by something else. */
function isRefusedRerun({ code }: Fault): boolean {
  return code === 'github_forbidden' || code === 'github_not_found' || code === 'github_failed'
}

function refused(why: string): RerunAnswer {
  return { outcome: 'refused', why }
}
