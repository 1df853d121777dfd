import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Answer } from './answer.ts'
import { page } from './conversation.ts'
import type { Pull, RepositoryState } from './repository-state.ts'

/** A check run, or with `isStatus` a commit status. */
export type StandInRun = {
  name: string
  /** The conclusion of one that has ended, else its status. */
  state: string
  url: string | null
  isStatus?: boolean
  isRequired?: boolean
  /** Of GitHub Actions: the numbers of its run and its job. */
  job?: { run: number; id: number }
  /** What it says of itself. */
  summary?: string
  annotations?: { path: string; line: number; message: string }[]
}

/** Runs of GitHub Actions by their number, and logs by the number of their job. */
export type StandInActions = {
  runs: Map<number, { attempt: number; status: 'completed' | 'in_progress' }>
  logs: Map<number, string>
}

const Published = z.object({
  answers: z.record(z.string(), z.object({ schema: z.unknown(), example: z.record(z.string(), z.unknown()) })),
})
/** Answers as GitHub publishes their form, each with its example. */
export const PUBLISHED = Published.parse(
  JSON.parse(readFileSync(new URL('../../fixtures/github/rest-answers.json', import.meta.url), 'utf8')),
).answers

const UNENDED = new Set(['IN_PROGRESS', 'QUEUED', 'WAITING', 'PENDING', 'REQUESTED'])

type Of = { owner: string; name: string; host: string }

/** As GitHub has them: a check run that has not ended has a status, and no conclusion. */
export function graphRun({ owner, name: repository, host }: Of, prefix: string, run: StandInRun, index: number) {
  const { name, state, isStatus, isRequired = false, job, summary = null, annotations = [] } = run
  const id = `${prefix}_${index}`
  const page =
    job === undefined ? run.url : `https://${host}/${owner}/${repository}/actions/runs/${job.run}/job/${job.id}`
  if (isStatus === true) {
    const created = { createdAt: '2026-01-31T12:00:00Z', isRequired: () => isRequired }
    return { __typename: 'StatusContext', id, context: name, state, targetUrl: page, ...created }
  }
  const hasEnded = !UNENDED.has(state)
  return {
    __typename: 'CheckRun',
    id,
    name,
    detailsUrl: page,
    status: hasEnded ? 'COMPLETED' : state,
    conclusion: hasEnded ? state : null,
    completedAt: hasEnded ? '2026-01-31T12:00:00Z' : null,
    checkSuite: { app: { slug: job === undefined ? 'some-ci' : 'github-actions' } },
    isRequired: () => isRequired,
    title: null,
    summary,
    text: null,
    annotations: {
      nodes: annotations.map(({ path, line, message }) => ({ path, message, location: { start: { line } } })),
    },
  }
}

export function contextsOf(of: Of, prefix: string, runs: readonly StandInRun[]) {
  const nodes = runs.map((run, index) => graphRun(of, prefix, run, index))
  return (asked: Parameters<typeof page>[1]) => page(nodes, asked)
}

/** The server that keeps the logs. */
export const LOG_HOST = 'results-receiver.actions.githubusercontent.com'

/** @see https://docs.github.com/en/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run */
export function jobLog({ actions }: RepositoryState, id: number): Answer {
  if (!actions.logs.has(id)) return { status: 404, body: { message: 'Not Found' } }
  return { status: 302, headers: { location: `https://${LOG_HOST}/logs/${id}?sig=signed` }, body: null }
}

/** What the address leads to. It takes no token, and refuses one. */
export function servedLog({ actions }: RepositoryState, id: number, authorization: string): Answer {
  if (authorization !== '') return { status: 400, body: 'InvalidAuthenticationInfo' }
  const log = actions.logs.get(id)
  if (log === undefined) return { status: 404, body: 'BlobNotFound' }
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: log }
}

export function workflowRun({ actions, pulls }: RepositoryState, id: number): Answer {
  const run = actions.runs.get(id)
  if (run === undefined) return { status: 404, body: { message: 'Not Found' } }
  const pull = pulls.find(({ runs }) => runs?.some(({ job }) => job?.run === id))
  const facts = {
    id,
    run_attempt: run.attempt,
    status: run.status,
    ...(pull === undefined ? {} : { head_sha: pull.sha }),
  }
  const conclusion = run.status === 'completed' ? 'failure' : null
  return { status: 200, body: { ...PUBLISHED['workflow-run']?.example, ...facts, conclusion } }
}

/** The failed jobs of a run begin again, each under another number. */
export function rerun({ actions, pulls }: RepositoryState, id: number): Answer {
  const run = actions.runs.get(id)
  if (run === undefined) return { status: 404, body: { message: 'Not Found' } }
  if (run.status !== 'completed') return { status: 403, body: { message: 'This workflow is already running' } }
  actions.runs.set(id, { attempt: run.attempt + 1, status: 'in_progress' })
  for (const pull of pulls) {
    for (const one of ofRun(pull, id)) {
      one.state = 'IN_PROGRESS'
      one.job = { run: id, id: Number(one.job?.id) + 1_000 }
      pull.checks = 'PENDING'
    }
  }
  return { status: 201, body: {} }
}

function ofRun({ runs = [] }: Pull, id: number): StandInRun[] {
  return runs.filter(({ job, state }) => job?.run === id && state === 'FAILURE')
}

/** @see https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user */
export function permissionOf({ settings }: RepositoryState, login: string): Answer {
  const role = settings.permissions[login] ?? (settings.writers.includes(login) ? 'write' : 'read')
  // The two that came later are told as those that there always were.
  const permission = role === 'maintain' ? 'write' : role === 'triage' ? 'read' : role
  const user = { ...Object(PUBLISHED['permission']?.example['user']), login, role_name: role }
  return { status: 200, body: { permission, role_name: role, user } }
}
