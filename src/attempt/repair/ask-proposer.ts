import { isOf } from '../../faults/families.ts'
import { Fault } from '../../faults/fault.ts'
import type { ProposerResponse } from '../../ports/proposal.ts'
import { asProviderPaused } from '../as-provider-paused.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Repairing } from '../steps/apply.ts'
import { MOST_ANSWERS_OF_ONE, type Proposed, questionOf } from '../steps/propose.ts'
import type { Routed } from '../steps/route.ts'

type Failed = {
  /** The commit that failed. */
  headSha: string
  /** The answer that the conversation ends with so far. */
  answered: ProposerResponse
  repair: Repairing
  /** How many answers it may take. */
  mostCalls: number
}

/**
 * Has the proposer that made the change mend it, in the same conversation.
 *
 * @throws {Fault} those of `Proposer.propose`, where an outage of the provider is `provider_paused`: no other proposer takes over
 */
export async function askProposer(
  context: AttemptContext,
  { routed, proposed }: { routed: Routed; proposed: Proposed },
  { proposer, workspaces, buildProposerRequest }: Pick<Adapters, 'proposer' | 'workspaces' | 'buildProposerRequest'>,
  { headSha, answered, repair, mostCalls }: Failed,
): Promise<{ response: ProposerResponse; reason: string }> {
  const { project } = routed
  const { baseSha, proposer: asked, told } = proposed
  await context.note(repair.reason)
  // Another home may have fetched the base; the mirror of this one may lack it.
  if (context.epoch > 0) await workspaces.bringBase(project, baseSha, context.signal)
  const question = questionOf(context, routed, { workspaces, buildProposerRequest }, { asked, baseSha, told })
  const changed = workspaces.tree(project, headSha)
  const failed = { ...repair.told, number: repair.number, answered, changed }
  const response = await proposer
    .propose({ ...question, mostCalls: Math.min(MOST_ANSWERS_OF_ONE, mostCalls), repair: failed })
    .catch((error: unknown) => {
      throw error instanceof Fault && isOf('outage', error.code) ? asProviderPaused(error, asked) : error
    })
  return { response, reason: repair.reason }
}
