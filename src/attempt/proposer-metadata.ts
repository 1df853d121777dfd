import type { ModelCallTotals } from '../db/model-calls.ts'
import type { ProposerResponse } from '../ports/proposal.ts'

/** The attempts whose model calls a commit was paid with. @param verifies the attempt that made it; null: this one did */
export function paidIn(attempt: number, verifies: number | null | undefined): number[] {
  return verifies === null || verifies === undefined ? [attempt] : [verifies, attempt]
}

/**
 * The specification's figures of a proposer, for all that the attempt asked models: the proposal with its refinements, and the
 * repairs. A foreign Proposer books one call for all of one proposal, and says itself how many answers it took.
 *
 * @param response of the proposal
 */
export function proposerMetadata({ refinement_metadata: refinement }: ProposerResponse, spent: ModelCallTotals) {
  const { costUsd, inputTokens: input, outputTokens: output, durationMs } = spent
  const { cycles, ...told } = refinement === undefined ? { cycles: 1, rejections: [] } : refinement
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
    refinement_metadata: { ...told, cycles: Math.max(cycles, spent.answers) },
  }
}
