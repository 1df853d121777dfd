import type { OpenAICompatibleProviderSettings } from '@ai-sdk/openai-compatible'

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
