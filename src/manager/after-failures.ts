import type { FailedAttempt } from '../db/outcome-vectors.ts'
import type { Candidates } from './candidates.ts'
import type { Decided } from './decide.ts'
import { decideRetry } from './retry-strategy.ts'

/**
 * Who takes an order on again that has failed: the retry strategy says, over all attempts at the same content. Once it
 * has given up and a human wants another attempt all the same, the last one tries, never a weaker one.
 *
 * @param failures oldest first
 * @returns the decision as it is where nothing has failed, or where the one to try cannot be called any more
 * @throws {Fault} `provider_paused` when that one has to wait for his provider
 */
export function afterFailures(
  workOrderId: string,
  decided: Decided,
  { failures, field }: { failures: readonly FailedAttempt[]; field: Candidates },
): Decided {
  const last = failures.at(-1)
  if (last === undefined) return decided
  const threshold = field.candidates.find(({ name }) => name === last.proposer)?.complexityThreshold
  const request = {
    work_order_id: workOrderId,
    current_proposer: last.proposer,
    attempt: failures.length,
    failure_reason: last.code,
  }
  const retry = decideRetry(request, field.candidates, threshold === undefined ? null : threshold)
  const wanted = retry.should_retry && retry.next_proposer !== undefined ? retry.next_proposer : last.proposer
  const chosen = field.candidates.find(({ name }) => name === wanted)
  if (chosen === undefined) return decided
  const pause = field.pauses.get(wanted)
  if (pause !== undefined) throw pause
  const reason = `${retry.reasoning} Without the failures before: ${decided.reason}`
  return { ...decided, chosen, reason, strategy: RETRY_STRATEGY[retry.strategy] }
}

const RETRY_STRATEGY = {
  same_model: 'retry_same_model',
  switch_model: 'retry_switch_model',
  escalate: 'retry_escalated',
} as const
