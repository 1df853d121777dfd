import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible, type OpenAICompatibleProviderSettings } from '@ai-sdk/openai-compatible'
import { type LanguageModel, type LanguageModelUsage, streamText } from 'ai'
import type { Secrets } from '../config.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { keyOf } from './availability.ts'
import type { ModelMessage, PricedUsage, RawAnswer } from './model-answer.ts'
import { providerFetch } from './provider-fetch.ts'

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
 * connection busy, where a silent one is cut by whatever stands in between. The SDK repeats nothing: `models.ts` does,
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

/** Stated here because the SDKs would otherwise look for another one in the environment. */
const ENDPOINT = {
  anthropic: 'https://api.anthropic.com/v1',
  openai: 'https://api.openai.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
} as const

/**
 * The AI SDK's model for a proposer: Anthropic's Messages, OpenAI's Responses, Gemini's generateContent, or Chat
 * Completions of any server that speaks it. The proposer must be available (`whyUnavailable` gave null) and not be a
 * replay.
 */
export function languageModel(proposer: ProposerConfig, secrets: Secrets): LanguageModel {
  const { provider, model, baseUrl, keyVariable, extraHeaders: headers } = proposer
  if (provider === 'replay') throw new TypeError('a replay reaches no model')
  const key = keyOf({ provider, keyVariable }, secrets)
  if (provider === 'openai-compatible') {
    return createOpenAICompatible({
      name: 'openai-compatible',
      baseURL: String(baseUrl),
      includeUsage: true,
      convertUsage: chatUsage,
      fetch: providerFetch,
      headers,
      ...(key === null ? {} : { apiKey: key }),
    })(model)
  }
  const baseURL = baseUrl === null ? ENDPOINT[provider] : baseUrl
  const settings = { apiKey: String(key), baseURL, headers, fetch: providerFetch }
  if (provider === 'anthropic') return createAnthropic(settings)(model)
  if (provider === 'google') return createGoogleGenerativeAI(settings)(model)
  return createOpenAI(settings).responses(model)
}

type ConvertUsage = NonNullable<OpenAICompatibleProviderSettings['convertUsage']>

/**
 * Counts what a server that speaks Chat Completions will charge. OpenAI counts reasoning within `completion_tokens`;
 * xAI counts it beside them, and Gemini's endpoint leaves it out of everything but `total_tokens`. What was written
 * into the cache is reported where OpenRouter put it.
 *
 * @returns every count undefined when the server reports none
 * @see https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage
 * @see https://docs.x.ai/docs/key-information/consumption-and-rate-limits
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 */
export const chatUsage: ConvertUsage = (usage) => {
  const input = known(usage?.prompt_tokens)
  const said = known(usage?.completion_tokens)
  const reasoning = known(usage?.completion_tokens_details?.reasoning_tokens)
  const output = outputOf(said, reasoning, restOf(usage?.total_tokens, input))
  const cacheRead = known(usage?.prompt_tokens_details?.cached_tokens)
  const written = usage?.prompt_tokens_details?.['cache_write_tokens']
  const cacheWrite = typeof written === 'number' ? written : undefined
  return {
    inputTokens: { total: input, noCache: undefined, cacheRead, cacheWrite },
    outputTokens: { total: output, text: undefined, reasoning },
  }
}

/** What is left of the total for the output; undefined when there is no total. */
function restOf(total: number | null | undefined, input: number | undefined): number | undefined {
  return typeof total === 'number' && input !== undefined ? total - input : undefined
}

/** Reasoning that is more than the whole output, or that only the total holds, was not counted within it. */
function outputOf(said: number | undefined, reasoning = 0, rest = 0): number | undefined {
  if (said === undefined) return undefined
  return Math.max(reasoning > said ? said + reasoning : said, rest)
}

function known(tokens: number | null | undefined): number | undefined {
  return tokens === null ? undefined : tokens
}
