import { Fault } from '../errors.ts'
import { pullRequestTitle } from '../work-order/naming.ts'
import type { Adapters, AttemptContext } from './attempt-context.ts'
import type { Executor } from './ports/execution.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'

export type Applied = { headSha: string; executor: Executor['name'] }

/**
 * Turns the proposal into one commit on the base, in a private workspace, and keeps it in the mirror.
 * The commit's dates are the claim's, so a repeated run makes the same commit.
 */
export async function apply(
  context: AttemptContext,
  { order, project, shortId }: Routed,
  { baseSha, response }: Proposed,
  { executor, workspaces }: Pick<Adapters, 'executor' | 'workspaces'>,
): Promise<Applied> {
  const { workOrderId, attempt, signal } = context
  await using workspace = await workspaces.open({ project, workOrderId, attempt, sha: baseSha, signal })
  await executor.apply({ workspace, content: response.content, scope: order.files_in_scope, signal })
  const headSha = await workspace.commit(
    commitMessage(context, pullRequestTitle(shortId, order.title)),
    context.claimedAt,
  )
  if (headSha === null) {
    throw new Fault(
      'change_without_effect',
      'The proposal leaves every file as it is. Say more precisely what should change.',
    )
  }
  await context.note(`committed ${headSha.slice(0, 12)} with ${executor.name}`)
  return { headSha, executor: executor.name }
}

function commitMessage({ workOrderId, attempt }: AttemptContext, subject: string): string {
  return `${subject}\n\nWork-Order: ${workOrderId}/${attempt}\n`
}
