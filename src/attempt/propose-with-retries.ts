import { Fault, type FaultCode, type FaultRecord } from '../faults/fault.ts'
import type { Adapters, AttemptContext } from './context.ts'
import type { Run } from './durable-step.ts'
import { failureSummary } from './failure-summary.ts'
import { type OnDecision, proposePastOutages } from './propose-past-outages.ts'
import type { Proposed } from './steps/propose.ts'
import type { Routed } from './steps/route.ts'

/**
 * Faults that are the proposer's: the Manager is asked who tries next. Anything else ends the attempt as it is, or has
 * it wait: an outage is no failed proposal and counts for nothing.
 */
const OF_PROPOSER: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'model_answer_refused',
  'model_answer_truncated',
  'model_call_rejected',
  'proposal_rejected',
  'proposer_refused',
])

/** Whatever a foreign Manager says. */
const MOST_TRIES = 10

/**
 * Proposes until there is a proposal or the Manager gives up (seed 7.2). Every failed try is a durable step of its own,
 * so that none that has ended is paid again after a crash; who makes a try is decided within it, because that depends on
 * what is configured, and who is there, at the time.
 *
 * @throws {Fault} the last try's; `provider_paused` when it has to wait for its provider
 */
export async function proposeWithRetries(
  context: AttemptContext,
  routed: Routed,
  adapters: Adapters,
  { run, ...told }: { run: Run; onBase: (baseSha: string) => Promise<void>; onDecision: OnDecision },
): Promise<Proposed> {
  const failures: FaultRecord[] = []
  for (;;) {
    try {
      return await run({
        name: 'propose',
        input: proposeInput(routed, failures.at(-1)),
        async run() {
          const asked = await whoIsNext(context, routed, adapters, failures)
          const failed = new Set(failures.map(triedBy))
          const last = failures.at(-1)
          const previousFailure = last === undefined ? await context.previousFailure() : failureSummary(last)
          return proposePastOutages(context, routed, adapters, { asked, failed, previousFailure, ...told })
        },
      })
    } catch (error) {
      if (!(error instanceof Fault) || !OF_PROPOSER.has(error.code) || error.details['escalated'] === true) throw error
      failures.push(error.toRecord())
    }
  }
}

function proposeInput(routed: Routed, previous: FaultRecord | undefined) {
  const first = { proposer: routed.decision.selected_proposer, files_in_scope: routed.order.files_in_scope }
  return previous === undefined ? first : { ...first, previous_failure: previous.code }
}

/**
 * @param failures of the tries so far, oldest first
 * @throws {Fault} the last failure, marked as escalated, when nobody is
 */
async function whoIsNext(
  context: AttemptContext,
  { decision: routing }: Routed,
  { manager }: Pick<Adapters, 'manager'>,
  failures: readonly FaultRecord[],
): Promise<string> {
  const last = failures.at(-1)
  if (last === undefined) return routing.selected_proposer
  const request = {
    work_order_id: context.workOrderId,
    current_proposer: triedBy(last),
    attempt: failures.length,
    failure_reason: last.code,
  }
  const decision = await manager.decideRetry(request, context.signal)
  await context.note(`${decision.strategy}: ${decision.reasoning}`)
  const mayRetry = decision.should_retry && failures.length < Math.min(decision.max_attempts, MOST_TRIES)
  if (mayRetry) return decision.next_proposer === undefined ? request.current_proposer : decision.next_proposer
  throw new Fault(last.code, last.message, { ...last.details, escalated: true, strategy: decision.strategy })
}

function triedBy({ details }: FaultRecord): string {
  return String(details?.['tried_by'])
}
