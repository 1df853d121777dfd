import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { type LanguageModel, type LanguageModelUsage, streamText } from 'ai'
import type { Secrets } from '../config.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { EDIT_TOOLS } from '../edits/edit-tools.ts'
import type { Network } from '../remote/network-route.ts'
import { ENDPOINT, keyOf } from './availability.ts'
import { markedParts, withMarksInParts } from './cache-marks.ts'
import { chatUsage, statedCost } from './dialects/chat-usage.ts'
import { STOPS, type Stop } from './dialects/dialect-table.ts'
import { NOT_SAID } from './dialects/protocols.ts'
import { type LearntLimits, withoutQuery } from './dialects/shape-request.ts'
import type { ModelMessage, PricedUsage, RawAnswer } from './model-answer.ts'
import { providerFetch } from './provider-fetch.ts'

// The SDK would print its warnings to stderr itself.
globalThis.AI_SDK_LOG_WARNINGS = false

export type AnswerRequest = {
  model: LanguageModel
  messages: readonly ModelMessage[]
  /** As the model was made. */
  offersTools: boolean
  maxOutputTokens: number
  signal: AbortSignal
  /** Ours, so that a call can be found in what the provider recorded. */
  requestId: string
}

/**
 * One answer, streamed and collected. Streamed because a provider that streams answers at once and keeps the
 * connection busy, where a silent one is cut by whatever stands in between. The SDK repeats nothing: `models.ts` does,
 * so that every try is metered.
 *
 * @throws whatever the SDK throws
 */
export async function streamAnswer(request: AnswerRequest): Promise<RawAnswer> {
  const { model, messages, offersTools, maxOutputTokens, signal, requestId } = request
  const { stream } = streamText({
    model,
    instructions: contentOf(messages, 'system').join('\n\n'),
    messages: messages.flatMap(({ role, content, repeatsTo }) =>
      role === 'system' ? [] : [{ role, content: repeatsTo === undefined ? content : markedParts(content, repeatsTo) }],
    ),
    ...(offersTools ? { tools: EDIT_TOOLS } : {}),
    maxOutputTokens,
    maxRetries: 0,
    abortSignal: signal,
    headers: { 'x-client-request-id': requestId },
    // OpenAI keeps answers for later turns unless told not to; the code in them is not ours to leave there.
    // Arguments are read when the answer has ended; sent earlier, they need not be JSON.
    providerOptions: { openai: { store: false }, anthropic: { toolStreaming: false } },
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
  return { text: text.join(''), finishReason: 'interrupted', rawFinishReason: null, usage: null, statedCost: null }
}

function contentOf(messages: readonly ModelMessage[], role: ModelMessage['role']): string[] {
  return messages.filter((message) => message.role === role).map((message) => message.content)
}

type Finish = { finishReason: string; rawFinishReason: string | undefined; totalUsage: LanguageModelUsage }

/** The AI SDK's words, with which calls are recorded. */
const FINISH: Readonly<Record<Stop, string>> = {
  whole: 'stop',
  length: 'length',
  content: 'content-filter',
  tool: 'tool-calls',
  broken: 'interrupted',
}

function finished(text: string, { rawFinishReason, totalUsage }: Finish): RawAnswer {
  // OpenAI's Responses give no word of their own for a whole answer.
  const raw = rawFinishReason === undefined || rawFinishReason === NOT_SAID ? null : rawFinishReason
  const stop = raw === null ? 'whole' : STOPS.get(raw.toLowerCase())
  return {
    text,
    finishReason: FINISH[stop === undefined ? 'whole' : stop],
    rawFinishReason: raw,
    usage: countTokens(totalUsage),
    statedCost: statedCost(totalUsage.raw),
  }
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

/** What every call to a provider is made with. */
export type CallMeans = {
  secrets: Secrets
  network: Network
  learnt: LearntLimits
  /** Whether what the model calls is to be part of its answer. */
  offersTools: boolean
  /** Called before anything of a call leaves this process. */
  onSend: () => void
}

/**
 * The AI SDK's model for a proposer: Anthropic's Messages, OpenAI's Responses, Gemini's generateContent, or Chat
 * Completions of any server that speaks it. The proposer must be available (`whyUnavailable` gave null) and not be a
 * replay.
 */
export function languageModel(proposer: ProposerConfig, { secrets, ...means }: CallMeans): LanguageModel {
  const { provider, model, baseUrl, keyVariable } = proposer
  if (provider === 'replay') throw new TypeError('a replay reaches no model')
  const key = keyOf({ provider, keyVariable }, secrets)
  const fetch = providerFetch({ ...proposer, provider }, means)
  if (provider === 'openai-compatible') {
    return createOpenAICompatible({
      name: 'openai-compatible',
      baseURL: withoutQuery(String(baseUrl)),
      includeUsage: true,
      convertUsage: chatUsage,
      transformRequestBody: withMarksInParts,
      fetch,
      ...(key === null ? {} : { apiKey: key }),
    })(model)
  }
  const settings = {
    apiKey: String(key),
    baseURL: baseUrl === null ? ENDPOINT[provider] : withoutQuery(baseUrl),
    fetch,
  }
  if (provider === 'anthropic') return createAnthropic(settings)(model)
  if (provider === 'google') return createGoogleGenerativeAI(settings)(model)
  return createOpenAI(settings).responses(model)
}
