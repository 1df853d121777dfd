import { Fault, type FaultCode, type FaultRecord, NEXT_MOVE, toFault } from '../errors.ts'
import { type Applied, apply } from '../pipeline/apply.ts'
import type { Adapters, AttemptContext } from '../pipeline/attempt-context.ts'
import { type Proposed, propose } from '../pipeline/propose.ts'
import type { Routed } from '../pipeline/route.ts'
import type { Step } from './durable-step.ts'

type Run = <T>(step: Step<T>) => Promise<T>

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

/** What another run of Aider, told of the first, may do better. */
const WORTH_ANOTHER_RUN: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'aider_crashed',
  'aider_malformed_edits',
  'aider_no_change',
  'aider_out_of_scope',
  'aider_partial',
  'aider_timed_out',
  'model_answer_refused',
  'model_answer_truncated',
  'model_overloaded',
  'model_timed_out',
])

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
        input: proposeInput(routed, number, previous),
        run: async () => {
          const asked = await whoIsNext(context, routed, adapters, { number, previous })
          return propose(context, routed, adapters, { asked, onBase }).catch((error: unknown) => {
            throw triedBy(asked, toFault(error))
          })
        },
      })
    } catch (error) {
      const fault = toFault(error)
      if (!OF_PROPOSER.has(fault.code) || fault.details['escalated'] === true) throw fault
      failure = fault.toRecord()
    }
  }
}

function proposeInput(routed: Routed, number: number, previous: FaultRecord | null) {
  const first = { proposer: routed.decision.selected_proposer, files_in_scope: routed.order.files_in_scope }
  return previous === null ? first : { ...first, try: number, previous_failure: previous.code }
}

/** @throws {Fault} the previous failure, marked as escalated, when nobody is */
async function whoIsNext(
  context: AttemptContext,
  { decision: routing }: Routed,
  { decideRetry }: Pick<Adapters, 'decideRetry'>,
  { number, previous }: { number: number; previous: FaultRecord | null },
): Promise<string> {
  if (previous === null) return routing.selected_proposer
  const fault = Fault.fromRecord(previous)
  const decision = await decideRetry({
    work_order_id: context.workOrderId,
    current_proposer: String(fault.details['tried_by']),
    attempt: number - 1,
    failure_reason: fault.code,
  })
  await context.note(`${decision.strategy}: ${decision.reasoning}`)
  if (decision.next_proposer !== undefined) return decision.next_proposer
  throw new Fault(fault.code, fault.message, { ...fault.details, escalated: true, strategy: decision.strategy })
}

function triedBy(proposer: string, fault: Fault): Fault {
  return new Fault(fault.code, fault.message, { ...fault.details, tried_by: proposer }, fault)
}

/**
 * Applies, and when Aider fails in a way that could end better, once more from the start, with the same proposal and
 * what went wrong (seed 7.2). Each run is a durable step of its own.
 */
export async function applyWithRetry(
  context: AttemptContext,
  done: { routed: Routed; proposed: Proposed },
  adapters: Adapters,
  { run, onCommit }: { run: Run; onCommit: (headSha: string) => Promise<void> },
): Promise<Applied> {
  const once = async (previousFailure: string | null): Promise<Applied> => {
    const applied = await apply(context, done, adapters, previousFailure)
    await onCommit(applied.headSha)
    return applied
  }
  const input = { base_sha: done.proposed.baseSha, format: done.proposed.response.format }
  try {
    return await run({ name: 'apply', input, run: () => once(null) })
  } catch (error) {
    const fault = toFault(error)
    if (!WORTH_ANOTHER_RUN.has(fault.code) || NEXT_MOVE[fault.code] === 'stop') throw fault
    await context.note('aider failed; once more from the start')
    return run({
      name: 'apply',
      input: { ...input, try: 2, previous_failure: fault.code },
      run: () => once(fault.message),
    })
  }
}
