import { Fault } from '../../faults/fault.ts'
import type { PullRequest } from '../../ports/pull-request.ts'
import { branchNames, pullRequestTitle } from '../../work-order/naming.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Evidence } from '../evidence.ts'
import { pullRequestBody } from '../pull-request-body.ts'

/**
 * Pushes the verified commit and opens the pull request.
 *
 * @throws {Fault} `approval_withdrawn`, and those of `Forge.publish`
 */
export async function publish(
  context: AttemptContext,
  evidence: Evidence,
  { forges }: Pick<Adapters, 'forges'>,
): Promise<PullRequest> {
  const { project, order, shortId } = evidence.routed
  const forge = forges[project.forge]
  if (!(await context.isStillApproved())) {
    const message =
      'The order was edited or its approval withdrawn while it ran; nothing was pushed. Approve it again and retry.'
    throw new Fault('approval_withdrawn', message, { id: context.workOrderId })
  }
  return forge.publish({
    project,
    workOrderId: context.workOrderId,
    attempt: context.attempt,
    branches: branchNames({ pattern: project.branchPattern, shortId, title: order.title, attempt: context.attempt }),
    baseSha: evidence.proposed.baseSha,
    headSha: evidence.verified.headSha,
    title: context.published(pullRequestTitle(shortId, order.title)),
    body: pullRequestBody(context, evidence, await context.spentUsd()),
    labels: ['moose', `risk: ${order.risk_level}`],
    signal: context.signal,
    hold: context.hold,
  })
}
