import type { ProposerConfig } from '../db/proposer-configs.ts'
import { EDIT_TOOLS_BYTES } from '../edits/edit-tools.ts'
import { withoutReasoning } from '../edits/reasoning.ts'
import { cancellation } from '../faults/cancellation.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Usd } from '../money.ts'
import type { TokenUsage } from '../ports/proposal.ts'

/** What an answer may be long; the reservation of every call counts on it. */
export const MAX_OUTPUT_TOKENS = 16_000

export type ModelMessage = {
  role: 'system' | 'user' | 'assistant'
  content: string
  /**
   * Ends of what is asked again as it is, ascending, as offsets of `content`: where a provider caches only what is marked, it
   * is marked there. They are no part of the question.
   */
  repeatsTo?: readonly number[]
}

/** Answers an order has paid for before a step of it began (again). */
export type Memory = {
  /** The oldest answer to this question that was not taken yet; null: it was not asked before. */
  take(key: string): Promise<string | null>
}

export type ModelCall = {
  proposer: ProposerConfig
  messages: readonly ModelMessage[]
  /** Whether the tools of `edit-tools.ts` are offered; what is called comes back as text in blocks. Left out: none are. */
  offersTools?: boolean
  maxOutputTokens: number
  signal: AbortSignal
  /** What the call is booked on; null outside of an attempt. */
  workOrderId: string | null
  attempt: number | null
  /** 1 for the first call of a task, 2 for its first refinement, …; with `task` the key of a recording. */
  turn: number
  /** The order's title. */
  task: string
  /** What the order has been answered before the step this call belongs to. */
  memory: Memory
}

export type ModelAnswer = {
  /** Without what the model thought; as it came where `unclear` says why. */
  text: string
  /** Why it cannot be told what of the text is the answer (`reasoning_unclear`); null: all of it is. */
  unclear: Fault | null
  finishReason: string
  usage: TokenUsage
  costUsd: Usd
  /** The provider's model id. */
  model: string
  /** True: read from a recording, no model was called. */
  replayed: boolean
  /** True: the order has paid for this answer before, and no model was asked. */
  remembered: boolean
  /** Of the try that answered; waits before it are not in it. */
  durationMs: number
}

/** Tokens by what they are charged as. */
export type PricedUsage = {
  /** All input, the cached part included. */
  input: number
  /** All output, the reasoning included. */
  output: number
  /** Of the input, what was read from the provider's cache. */
  cacheRead: number
  /** Of the input, what was written into the provider's cache. */
  cacheWrite: number
  /** Of the output, what the model thought and did not say. */
  reasoning: number
}

/** What came back over the wire, not yet judged. */
export type RawAnswer = {
  text: string
  /** stop, length, content-filter, tool-calls, or interrupted: it is not whole. */
  finishReason: string
  /** The provider's own word; null when it gave none. */
  rawFinishReason: string | null
  /** Null: the server did not say, or said what cannot be. */
  usage: PricedUsage | null
  /** What the server says the call has cost; null: it does not say. */
  statedCost: Usd | null
}

/**
 * Why an answer cannot be used whatever it says; null when it is whole. One that ends with the wish to call a tool is
 * whole where it also says something: what was called of tools that were offered is said in it.
 *
 * @returns `model_answer_truncated`, `model_answer_refused`, or `model_overloaded` for one that broke off
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
    const message = `${proposer} refused to answer. Reword the work order, or have another proposer do it: moose proposer pause ${proposer}`
    return new Fault('model_answer_refused', message, details)
  }
  if (answer.finishReason !== 'interrupted') return faultOfEmptyText(answer, proposer)
  const word = answer.rawFinishReason === null ? '' : ` ("${answer.rawFinishReason.slice(0, 80)}")`
  const message = `The answer of ${proposer} broke off${word}. It is worth trying again.`
  return new Fault('model_overloaded', message, { ...details, status: null, retry_after_ms: null })
}

function faultOfEmptyText(answer: RawAnswer, proposer: string): Fault | null {
  if (partsOf(answer.text).text.trim() !== '') return null
  const message = `${proposer} answered with nothing. Reword the work order, or have another proposer do it: moose proposer pause ${proposer}`
  return new Fault('model_answer_refused', message, { proposer, finish_reason: answer.rawFinishReason })
}

/** What a question takes of a prompt, in bytes: its messages, and the tools that are offered with them. */
export function promptBytesOf({ messages, offersTools }: Pick<ModelCall, 'messages' | 'offersTools'>): number {
  const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
  return offersTools === true ? bytes + EDIT_TOOLS_BYTES : bytes
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

/** The fault of a call to a model whose signal was aborted. */
export function callCancelled({ name }: ProposerConfig, signal: AbortSignal, cause: unknown): Fault {
  return cancellation(signal, `The call to ${name} was cancelled.`, cause)
}
