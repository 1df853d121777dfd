import type { ProposerConfig } from '../db/proposer-configs.ts'
import { withoutReasoning } from '../edits/reasoning.ts'
import { cancellation } from '../faults/cancellation.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { ModelAnswer, RawAnswer } from './model-answer.ts'

/**
 * Why an answer cannot be used whatever it says; null when it is whole.
 *
 * @returns `model_answer_truncated`, `model_answer_refused`, `model_overloaded` for a stream that ended without saying
 *   why, `model_call_rejected` for an ending Moose does not know
 */
export function faultOfAnswer(answer: RawAnswer, proposer: string, maxOutputTokens: number): Fault | null {
  const details = { proposer, finish_reason: answer.rawFinishReason }
  if (answer.finishReason === 'length') {
    const message =
      `${proposer} reached its output limit (${maxOutputTokens} tokens allowed) before the answer was complete. ` +
      'Split the work order into smaller ones, or name fewer files.'
    return new Fault('model_answer_truncated', message, details)
  }
  if (answer.finishReason === 'content-filter') {
    const message = `${proposer} refused to answer. Reword the work order, or let another proposer do it.`
    return new Fault('model_answer_refused', message, details)
  }
  if (answer.finishReason === 'stop') return faultOfEmptyText(answer, proposer)
  return faultOfEnding(answer, proposer)
}

function faultOfEmptyText(answer: RawAnswer, proposer: string): Fault | null {
  if (partsOf(answer.text).text.trim() !== '') return null
  const message = `${proposer} answered with nothing. Reword the work order, or let another proposer do it.`
  return new Fault('model_answer_refused', message, { proposer, finish_reason: answer.rawFinishReason })
}

/** What came, as an answer: what the model thought is none of it, in whichever tags it stands. */
export function partsOf(text: string): Pick<ModelAnswer, 'text' | 'unclear'> {
  try {
    return { text: withoutReasoning(text), unclear: null }
  } catch (error) {
    const unclear = toFault(error)
    if (unclear.code !== 'reasoning_unclear') throw error
    return { text, unclear }
  }
}

function faultOfEnding({ rawFinishReason, finishReason }: RawAnswer, proposer: string): Fault {
  const details = { proposer, finish_reason: rawFinishReason }
  if (rawFinishReason === null) {
    const message = `The answer of ${proposer} broke off (${finishReason}). It is worth trying again.`
    return new Fault('model_overloaded', message, { ...details, status: null, retry_after_ms: null })
  }
  const message = `The answer of ${proposer} ended with "${rawFinishReason}", which Moose cannot take for a whole answer.`
  return new Fault('model_call_rejected', message, details)
}

/** The fault of a call to a model whose signal was aborted. */
export function callCancelled({ name }: ProposerConfig, signal: AbortSignal, cause: unknown): Fault {
  return cancellation(signal, `The call to ${name} was cancelled.`, cause)
}
