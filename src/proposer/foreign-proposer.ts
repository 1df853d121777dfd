import { type ProposeInput, type Proposer, ProposerEnvelope } from '../ports/proposal.ts'
import { askForeignService } from '../remote/foreign-service.ts'
import type { Network } from '../remote/network-route.ts'
import { conflictText } from './conflict-message.ts'
import { faultOfEdits } from './proposer.ts'
import { repairText } from './repair-message.ts'

const MAX_ANSWER_BYTES = 10_000_000

/**
 * A Proposer outside Moose, called as the specification has it (4.4). It gets the paths of the scope and where they are to be
 * read, not the contents; its answer is passed on as it is, also when it is free text.
 */
export function createForeignProposer({
  url,
  timeoutMs,
  network,
}: {
  url: string
  timeoutMs: number
  network: Pick<Network, 'agentFor'>
}): Proposer {
  return {
    async propose(input) {
      const { request, base, repair, signal, onProgress } = input
      await onProgress(`asking the Proposer at ${new URL(url).host} …`)
      const { data } = await askForeignService({
        who: 'The Proposer',
        url,
        network,
        body: { ...toldOf(input), metadata: { ...request.metadata, ...originOf(input) } },
        answer: ProposerEnvelope,
        maxBytes: MAX_ANSWER_BYTES,
        timeoutMs,
        signal,
        faults: { unreachable: 'proposer_unreachable', refused: 'proposer_refused' },
      })
      const fault = await faultOfEdits(data.content, repair === null ? base : repair.changed, request.context)
      return { ...data, format: fault === null ? 'edits' : 'text' }
    },
  }
}

/** A repair is told in the task: the specification's request has no other place for it. */
function toldOf({ request, repair }: ProposeInput): ProposeInput['request'] {
  if (repair === null) return request
  const told =
    'conflict' in repair
      ? [conflictText(repair)]
      : [`Your earlier answer was:\n\n${repair.answered.content}`, repairText(repair)]
  return { ...request, task_description: [request.task_description, ...told].join('\n\n') }
}

function originOf({ workOrderId, attempt, proposer, base, repair }: ProposeInput) {
  const origin = { work_order_id: workOrderId, attempt, proposer, base_sha: base.sha }
  if (repair === null) return origin
  if ('conflict' in repair) {
    return { ...origin, conflict: { files: repair.conflict.map(({ path }) => path), merged_sha: repair.changed.sha } }
  }
  const { number, failure, diff, changed } = repair
  return { ...origin, repair: { number, failure, diff, head_sha: changed.sha } }
}
