import { type ProposeInput, type Proposer, ProposerEnvelope } from '../ports/proposal.ts'
import { askForeignService } from '../remote/foreign-service.ts'
import { faultOfEdits } from './proposer.ts'

const MAX_ANSWER_BYTES = 10_000_000

/**
 * A Proposer outside Moose, called as the specification has it (4.4). It gets the paths of the scope and where they are to be
 * read, not the contents; its answer is passed on as it is, also when it is free text.
 */
export function createForeignProposer({ url, timeoutMs }: { url: string; timeoutMs: number }): Proposer {
  return {
    async propose(input) {
      const { request, base, signal, onProgress } = input
      await onProgress(`asking the Proposer at ${new URL(url).host} …`)
      const { data } = await askForeignService({
        who: 'The Proposer',
        url,
        body: { ...request, metadata: { ...request.metadata, ...originOf(input) } },
        answer: ProposerEnvelope,
        maxBytes: MAX_ANSWER_BYTES,
        timeoutMs,
        signal,
        faults: { unreachable: 'proposer_unreachable', refused: 'proposer_refused' },
      })
      const fault = await faultOfEdits(data.content, base, request.context)
      return { ...data, format: fault === null ? 'edits' : 'text' }
    },
  }
}

function originOf({ workOrderId, attempt, proposer, base }: ProposeInput) {
  return { work_order_id: workOrderId, attempt, proposer, base_sha: base.sha }
}
