import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModel } from 'ai'
import type { Secrets } from '../config.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { keyOf } from './availability.ts'
import { chatUsage } from './chat-usage.ts'
import { fetchNotingStatus } from './status-on-wire.ts'

/** Stated here because the SDKs would otherwise look for another one in the environment. */
const ENDPOINT = { anthropic: 'https://api.anthropic.com/v1', openai: 'https://api.openai.com/v1' } as const

/**
 * The AI SDK's model for a proposer: Anthropic's Messages, OpenAI's Responses, or Chat Completions of any server that
 * speaks it. The proposer must be available (`whyUnavailable` gave null) and not be a replay.
 */
export function languageModel(proposer: ProposerConfig, secrets: Secrets): LanguageModel {
  const { provider, model, baseUrl } = proposer
  if (provider === 'anthropic') return createAnthropic(settings(provider, baseUrl, secrets))(model)
  if (provider === 'openai') return createOpenAI(settings(provider, baseUrl, secrets)).responses(model)
  const apiKey = keyOf('openai-compatible', secrets)
  return createOpenAICompatible({
    name: 'openai-compatible',
    baseURL: String(baseUrl),
    includeUsage: true,
    convertUsage: chatUsage,
    fetch: fetchNotingStatus,
    ...(apiKey === null ? {} : { apiKey }),
  })(model)
}

function settings(provider: 'anthropic' | 'openai', baseUrl: string | null, secrets: Secrets) {
  const baseURL = baseUrl === null ? ENDPOINT[provider] : baseUrl
  return { apiKey: String(keyOf(provider, secrets)), baseURL, fetch: fetchNotingStatus }
}
