import type { FailedAttempt } from '../db/outcome-vectors.ts'
import { isOf } from '../faults/families.ts'
import type { RetryDecision, RetryRequest } from '../ports/routing.ts'
import type { Candidates } from './candidates.ts'
import type { RoutingChoice } from './decide.ts'
import type { Candidate } from './static-rule.ts'

const MAX_ATTEMPTS = 3

/**
 * What to do about a failed proposal: the same proposer once more, then the next more able one, then a human. Where
 * the same one would fail the same way, the second step comes first. An outage of its provider is no failure and uses up
 * no try.
 *
 * @param candidates proposers that can be called, in any order
 * @param currentThreshold of the proposer that failed, whether it can be called or not; null: its row is gone
 */
export function decideRetry(
  { current_proposer: current, attempt, failure_reason: reason }: RetryRequest,
  candidates: readonly Pick<Candidate, 'name' | 'complexityThreshold'>[],
  currentThreshold: number | null,
): RetryDecision {
  if (isOf('outage', reason)) return afterOutage(current, attempt)
  const numbers = { attempt_number: Math.min(attempt + 1, MAX_ATTEMPTS), max_attempts: MAX_ATTEMPTS }
  const escalate = (reasoning: string): RetryDecision => ({
    ...numbers,
    attempt_number: attempt,
    should_retry: false,
    strategy: 'escalate',
    reasoning,
  })
  if (attempt >= MAX_ATTEMPTS) return escalate(`${MAX_ATTEMPTS} tries have failed; a human must look at the order.`)
  if (attempt === 1 && !isOf('same_again', reason) && candidates.some(({ name }) => name === current)) {
    const reasoning = `The first try failed; ${current} tries once more.`
    return { ...numbers, should_retry: true, next_proposer: current, strategy: 'same_model', reasoning }
  }
  const next = currentThreshold === null ? null : moreAble(currentThreshold, candidates)
  if (next === null) return escalate(`No proposer more able than ${current} is available; a human must look at it.`)
  const reasoning = `${current} has failed; ${next} is the next more able proposer.`
  return { ...numbers, should_retry: true, next_proposer: next, strategy: 'switch_model', reasoning }
}

function afterOutage(current: string, attempt: number): RetryDecision {
  const reasoning = `The provider of ${current} has an outage, which is no failure of ${current}: the same try is made when it is back.`
  const numbers = { attempt_number: attempt, max_attempts: MAX_ATTEMPTS }
  return { ...numbers, should_retry: true, next_proposer: current, strategy: 'same_model', reasoning }
}

/** The first above a threshold, then by name; null when there is none. */
function moreAble(
  threshold: number,
  candidates: readonly Pick<Candidate, 'name' | 'complexityThreshold'>[],
): string | null {
  const [next] = candidates
    .filter(({ complexityThreshold }) => complexityThreshold > threshold)
    .toSorted(
      (left, right) => left.complexityThreshold - right.complexityThreshold || (left.name < right.name ? -1 : 1),
    )
  return next === undefined ? null : next.name
}

/**
 * The decision for an order that has failed before: the retry strategy names the proposer, over all attempts at the same
 * content. Once the strategy has given up and a human wants another attempt all the same, the last proposer tries, never a
 * weaker one.
 *
 * @param failures oldest first
 * @returns the decision as it is where nothing has failed, or where the one to try cannot be called any more
 * @throws {Fault} `provider_paused` when that one has to wait for its provider
 */
export function afterFailures(
  workOrderId: string,
  decided: RoutingChoice,
  { failures, candidates }: { failures: readonly FailedAttempt[]; candidates: Candidates },
): RoutingChoice {
  const last = failures.at(-1)
  if (last === undefined) return decided
  const threshold = candidates.proposers.find(({ name }) => name === last.proposer)?.complexityThreshold
  const request = {
    work_order_id: workOrderId,
    current_proposer: last.proposer,
    attempt: failures.length,
    failure_reason: last.code,
  }
  const retry = decideRetry(request, candidates.proposers, threshold === undefined ? null : threshold)
  const wanted = retry.should_retry && retry.next_proposer !== undefined ? retry.next_proposer : last.proposer
  const chosen = candidates.proposers.find(({ name }) => name === wanted)
  if (chosen === undefined) return decided
  const pause = candidates.pauses.get(wanted)
  if (pause !== undefined) throw pause
  const reason = `${retry.reasoning} Without the failures before: ${decided.reason}`
  return { ...decided, chosen, reason, strategy: RETRY_STRATEGY[retry.strategy] }
}

const RETRY_STRATEGY = {
  same_model: 'retry_same_model',
  switch_model: 'retry_switch_model',
  escalate: 'retry_escalated',
} as const
