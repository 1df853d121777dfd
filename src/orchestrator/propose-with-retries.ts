import { Fault, type FaultCode, type FaultRecord } from '../errors.ts'
import type { Adapters, AttemptContext } from '../pipeline/attempt-context.ts'
import { type Proposed, propose } from '../pipeline/propose.ts'
import type { Routed } from '../pipeline/route.ts'
import type { Run } from './durable-step.ts'

/** Faults that are the proposer's: the Manager is asked who tries next. Anything else ends the attempt as it is. */
const OF_PROPOSER: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'model_answer_refused',
  'model_answer_truncated',
  'model_call_rejected',
  'model_overloaded',
  'model_timed_out',
  'proposal_rejected',
  'proposer_refused',
])

/** Whatever a foreign Manager says. */
const MOST_TRIES = 10

/**
 * Proposes until there is a proposal or the Manager gives up (seed 7.2). Every try is a durable step of its own, so
 * that none that has ended is paid again after a crash; who makes a try is decided within it, because that depends on
 * what is configured at the time.
 *
 * @throws {Fault} the last try's
 */
export async function proposeWithRetries(
  context: AttemptContext,
  routed: Routed,
  adapters: Adapters,
  { run, onBase }: { run: Run; onBase: (baseSha: string) => Promise<void> },
): Promise<Proposed> {
  let failure: FaultRecord | null = null
  for (let number = 1; ; number += 1) {
    const previous = failure
    try {
      return await run({
        name: 'propose',
        input: proposeInput(routed, previous),
        run: async () => {
          const asked = await whoIsNext(context, routed, adapters, { number, previous })
          return propose(context, routed, adapters, { asked, onBase }).catch((error: unknown) => {
            // What is no Fault is named by the step: a lost database is nobody's failed proposal.
            throw error instanceof Fault ? triedBy(asked, error) : error
          })
        },
      })
    } catch (error) {
      if (!(error instanceof Fault) || !OF_PROPOSER.has(error.code) || error.details['escalated'] === true) throw error
      failure = error.toRecord()
    }
  }
}

function proposeInput(routed: Routed, previous: FaultRecord | null) {
  const first = { proposer: routed.decision.selected_proposer, files_in_scope: routed.order.files_in_scope }
  return previous === null ? first : { ...first, previous_failure: previous.code }
}

/** @throws {Fault} the previous failure, marked as escalated, when nobody is */
async function whoIsNext(
  context: AttemptContext,
  { decision: routing }: Routed,
  { manager }: Pick<Adapters, 'manager'>,
  { number, previous }: { number: number; previous: FaultRecord | null },
): Promise<string> {
  if (previous === null) return routing.selected_proposer
  const fault = Fault.fromRecord(previous)
  const request = {
    work_order_id: context.workOrderId,
    current_proposer: String(fault.details['tried_by']),
    attempt: number - 1,
    failure_reason: fault.code,
  }
  const decision = await manager.decideRetry(request, context.signal)
  await context.note(`${decision.strategy}: ${decision.reasoning}`)
  const mayRetry = decision.should_retry && number <= Math.min(decision.max_attempts, MOST_TRIES)
  if (mayRetry) return decision.next_proposer === undefined ? request.current_proposer : decision.next_proposer
  throw new Fault(fault.code, fault.message, { ...fault.details, escalated: true, strategy: decision.strategy })
}

function triedBy(proposer: string, fault: Fault): Fault {
  return new Fault(fault.code, fault.message, { ...fault.details, tried_by: proposer }, fault)
}
