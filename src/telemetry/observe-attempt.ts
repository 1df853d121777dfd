import type { FaultCode } from '../faults/fault.ts'
import { attemptsEnded, attemptsRunning, stepSeconds } from './counters.ts'
import { noteOutcome, observe } from './observe.ts'

type RunOfAttempt = { workOrderId: string; attempt: number; epoch: number }
type Workflow = (run: RunOfAttempt) => Promise<void>
type TryOfStep = { workOrderId: string; attempt: number; name: string; try: number }

/** The same workflow, observed: each run of an attempt in this process begins a trace of its own. */
export function observeAttempts(workflow: Workflow): Workflow {
  return (run) => observeAttempt(run, () => workflow(run))
}

function observeAttempt({ workOrderId, attempt, epoch }: RunOfAttempt, run: () => Promise<void>): Promise<void> {
  attemptsRunning.inc()
  return observe(
    {
      name: 'attempt',
      attributes: { 'moose.work_order.id': workOrderId, 'moose.attempt': attempt, 'moose.resumed': epoch },
      fields: { workOrderId, attempt },
      onEnd(outcome) {
        attemptsRunning.dec()
        attemptsEnded.inc({ outcome })
      },
    },
    run,
  )
}

/** How the run of an attempt ended, which it does not throw; null: with a pull request. */
export function noteEnd(fault: { code: FaultCode } | null): void {
  noteOutcome(fault === null ? 'succeeded' : fault.code)
}

/**
 * Observes one try of a step that is really performed.
 *
 * @param options.failureOf what speaks against an output, as of a step itself
 */
export function observeStep<Output>(
  { workOrderId, attempt, name, try: number }: TryOfStep,
  options: {
    signal: AbortSignal
    failureOf?: ((output: Output) => { code: FaultCode } | null) | undefined
  },
  run: () => Promise<Output>,
): Promise<Output> {
  const { signal, failureOf } = options
  return observe(
    {
      name: `step ${name}`,
      attributes: {
        'moose.work_order.id': workOrderId,
        'moose.attempt': attempt,
        'moose.step': name,
        'moose.try': number,
      },
      fields: { workOrderId, attempt, step: name },
      signal,
      outcomeOf(output) {
        const failure = failureOf === undefined ? null : failureOf(output)
        return failure === null ? 'succeeded' : failure.code
      },
      onEnd(outcome, seconds) {
        const ended = outcome === 'succeeded' || outcome === 'interrupted' ? outcome : 'failed'
        stepSeconds.observe({ step: name, outcome: ended }, seconds)
      },
    },
    run,
  )
}
