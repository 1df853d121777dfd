import { type LanguageModel, type LanguageModelUsage, streamText } from 'ai'
import type { ModelMessage, PricedUsage, RawAnswer } from './model-answer.ts'

// The SDK would print its warnings to stderr itself.
globalThis.AI_SDK_LOG_WARNINGS = false

export type AnswerRequest = {
  model: LanguageModel
  messages: readonly ModelMessage[]
  maxOutputTokens: number
  signal: AbortSignal
  /** Ours, so that a call can be found in what the provider recorded. */
  requestId: string
}

/**
 * One answer, streamed and collected. Streamed because a provider that streams answers at once and keeps the
 * connection busy, where a silent one is cut by whatever stands in between. The SDK repeats nothing: `retry.ts` does,
 * so that every try is metered.
 *
 * @throws whatever the SDK throws
 */
export async function streamAnswer(request: AnswerRequest): Promise<RawAnswer> {
  const { model, messages, maxOutputTokens, signal, requestId } = request
  const { stream } = streamText({
    model,
    instructions: contentOf(messages, 'system').join('\n\n'),
    messages: messages.flatMap(({ role, content }) => (role === 'system' ? [] : [{ role, content }])),
    maxOutputTokens,
    maxRetries: 0,
    abortSignal: signal,
    headers: { 'x-client-request-id': requestId },
    // OpenAI keeps answers for later turns unless told not to; the code in them is not ours to leave there.
    providerOptions: { openai: { store: false } },
    // Errors are parts of the stream too, and thrown below.
    onError: () => {},
  })
  const text: string[] = []
  for await (const part of stream) {
    if (part.type === 'text-delta') text.push(part.text)
    if (part.type === 'error') throw part.error
    if (part.type === 'abort') signal.throwIfAborted()
    if (part.type === 'finish') return finished(text.join(''), part)
  }
  return { text: text.join(''), finishReason: 'interrupted', rawFinishReason: null, usage: null }
}

function contentOf(messages: readonly ModelMessage[], role: ModelMessage['role']): string[] {
  return messages.filter((message) => message.role === role).map((message) => message.content)
}

type Finish = { finishReason: string; rawFinishReason: string | undefined; totalUsage: LanguageModelUsage }

function finished(text: string, { finishReason, rawFinishReason, totalUsage }: Finish): RawAnswer {
  // OpenAI's Responses give no word of their own for a whole answer.
  const raw = rawFinishReason === undefined ? null : rawFinishReason
  return { text, finishReason, rawFinishReason: raw, usage: countTokens(totalUsage) }
}

/** Null when the server does not count; and no call has no input, so that one of 0 was not counted either. */
function countTokens({
  inputTokens: input = 0,
  outputTokens: output,
  inputTokenDetails: { cacheReadTokens: cacheRead = 0, cacheWriteTokens: cacheWrite = 0 },
  outputTokenDetails: { reasoningTokens: reasoning = 0 },
}: LanguageModelUsage): PricedUsage | null {
  if (input === 0 || output === undefined) return null
  const usage = { input, output, cacheRead, cacheWrite, reasoning }
  const isCounted = Object.values(usage).every((tokens) => Number.isSafeInteger(tokens) && tokens >= 0)
  return isCounted && cacheRead + cacheWrite <= input && reasoning <= output ? usage : null
}
