import { keepPullRequest, type PullRequestRow } from '../../db/pull-requests.ts'
import { Fault } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { PublishInput } from '../../ports/pull-request.ts'
import { attemptDiff } from '../attempt-diff.ts'
import { pushToFirstFree } from '../push-to-first-free.ts'
import { createPull } from './create-pull.ts'
import { findPull } from './find-pull.ts'
import type { GitHubForgeParts } from './github-forge-parts.ts'
import { type GitHubRepository, githubRepositoryOf } from './github-repository.ts'
import { putLabels } from './labels.ts'
import { patiently } from './patiently.ts'
import { type RestPull, stateOf } from './rest-pull.ts'

/** Find, push, create, find: whatever an earlier run or another process has done is found and not repeated. */
export async function publishAttempt(parts: GitHubForgeParts, input: PublishInput): Promise<PullRequestRow> {
  const repository = githubRepositoryOf(input.project)
  const known = await patiently(parts, input.signal, () => findPull(parts.gh, repository, input))
  const pull = known === null ? await pushAndCreate(parts, repository, input) : known
  const row = await keep(parts, input, pull)
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

/** One that is closed is kept as that, so that it is seen when it is reopened. */
async function keep(
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

function closedByHand({ number, head, html_url }: RestPull): Fault {
  const message = `Pull request #${number} of this attempt was closed: ${html_url}. Reopen it and the order is in review with it, or retry the order to have it done anew.`
  return new Fault('pull_request_closed', message, { number, branch: head.ref })
}
