import type { Kysely } from 'kysely'
import { type AttemptKey, type AttemptRow, attemptsOf } from '../db/attempts/attempts.ts'
import { type ModelCallTotals, sumModelCalls } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import { answersOfProposal, type ProposerResponse, rejectionsOf } from '../ports/proposal.ts'

/**
 * What the model calls that a commit was paid with add up to: those of the attempt that made it, of the verifications until then
 * that had a conflict resolved, and of this one.
 *
 * @param verifies the attempt that made the commit; null or missing: this one did
 */
export async function spentOnCommit(
  db: Kysely<Database>,
  { workOrderId, attempt }: AttemptKey,
  verifies: number | null | undefined,
): Promise<ModelCallTotals> {
  const isOfCommit = ({ number, verifies: of }: AttemptRow) =>
    number === attempt || (typeof verifies === 'number' && number < attempt && (number === verifies || of === verifies))
  const paid = (await attemptsOf(db, workOrderId)).filter(isOfCommit)
  return sumModelCalls(db, workOrderId, ...paid.map(({ number }) => number))
}

/**
 * The specification's figures of a proposer, for all that the attempt asked models: the proposal with its refinements, and the
 * repairs. A foreign Proposer books one call for all of one proposal, and says itself how many answers it took.
 *
 * @param response of the proposal
 */
export function proposerMetadata(response: ProposerResponse, spent: ModelCallTotals) {
  const { costUsd, inputTokens: input, outputTokens: output, durationMs } = spent
  return {
    cost: costUsd,
    token_usage: {
      input,
      output,
      total: input + output,
      cache_read: spent.cacheReadTokens,
      cache_write: spent.cacheWriteTokens,
    },
    execution_time_ms: durationMs,
    refinement_metadata: {
      ...response.refinement_metadata,
      cycles: Math.max(answersOfProposal(response), spent.answers),
      rejections: rejectionsOf(response),
    },
  }
}
