import { Fault } from '../faults/fault.ts'
import { type ModelCall, promptBytesOf } from './model-answer.ts'

/** More bytes than a token of any text of a program has on average, so that a prompt is not refused that would fit. */
const MOST_BYTES_PER_TOKEN = 5
/** Fewer, so that the answer is not given room the prompt takes. */
export const FEWEST_BYTES_PER_TOKEN = 3
/** The least an answer is worth asking for. */
const LEAST_ANSWER_TOKENS = 1_024

type Fitting = Pick<ModelCall, 'messages' | 'offersTools' | 'maxOutputTokens'> & {
  proposer: Pick<ModelCall['proposer'], 'name' | 'contextTokens'>
}

/**
 * A call whose answer may be as long as the model has room for beside the prompt. Servers refuse a limit that does not fit
 * into what is left of the context, also where the answer would have been short.
 *
 * @returns the call as it is when the proposer's `context_tokens` is not stated
 * @throws {Fault} `model_call_rejected` (details: `problem` is `context`) when the prompt certainly leaves no room for an
 *   answer; nothing is reserved then
 */
export function fitToContext<Call extends Fitting>(call: Call): Call {
  const { proposer, maxOutputTokens } = call
  const { name, contextTokens } = proposer
  if (contextTokens === null) return call
  const bytes = promptBytesOf(call)
  const atLeast = Math.floor(bytes / MOST_BYTES_PER_TOKEN)
  if (atLeast + LEAST_ANSWER_TOKENS > contextTokens) {
    const message =
      `The prompt is too long for ${name}: ${bytes} bytes are ${atLeast} tokens or more, and with the answer they have to ` +
      `fit into ${contextTokens} (its context_tokens). Split the work order, name fewer files, or have another proposer do it: ` +
      `moose proposer pause ${name}`
    const details = { proposer: name, problem: 'context', prompt_bytes: bytes, context_tokens: contextTokens }
    throw new Fault('model_call_rejected', message, details)
  }
  const room = contextTokens - Math.ceil(bytes / FEWEST_BYTES_PER_TOKEN)
  return { ...call, maxOutputTokens: Math.min(maxOutputTokens, Math.max(room, LEAST_ANSWER_TOKENS)) }
}
