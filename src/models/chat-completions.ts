import { z } from 'zod'
import { describeIssues } from '../faults/schema-problems.ts'
import type { ModelAnswer, ModelMessage } from './model-answer.ts'

const TextPart = z.object({ type: z.literal('text', 'is not text, and only text is passed on'), text: z.string() })

/** A parameter that asks for what no answer here has; harmless only as long as it asks for nothing. */
const nothing = (what: string) => z.array(z.unknown()).max(0, `: ${what} are not offered`).nullish()

/**
 * Far more than a conversation has. Of a list that is longer the schema says no more than that, where it would otherwise
 * say what is wrong with every entry, of a million in ten megabytes.
 */
const MOST_MESSAGES = 1_000
const MOST_PARTS = 100
const TOLD_PROBLEMS = 20

/**
 * What is understood of a Chat Completions request. Sampling parameters are accepted and not passed on; what would
 * change the form of the answer is refused.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const ChatRequest = z.object({
  model: z.string(),
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'developer', 'user', 'assistant']),
        content: z.union([z.string(), z.array(TextPart).max(MOST_PARTS)], 'is neither text nor parts that are text'),
      }),
    )
    .min(1)
    .max(MOST_MESSAGES, `has more than ${MOST_MESSAGES} entries`),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, 'is not 1, and there is one answer').nullish(),
  tools: nothing('tools'),
  functions: nothing('functions'),
  modalities: z.array(z.literal('text', 'is not text')).max(MOST_PARTS).nullish(),
  response_format: z.object({ type: z.literal('text', 'is not text') }).nullish(),
})
export type ChatRequest = z.infer<typeof ChatRequest>

export function messagesOf({ messages }: ChatRequest): ModelMessage[] {
  return messages.map(({ role, content }) => ({
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }))
}

/** What is wrong with a request that is none, e.g. `messages.0.content is neither …`; the first 20 of many. */
export function problemsOf(error: z.ZodError): string {
  return describeIssues(error, { most: TOLD_PROBLEMS })
}

/** The answer as one document. */
export function completionOf(answer: ModelAnswer, head: { id: string; model: string }) {
  const message = { role: 'assistant', content: answer.text }
  return {
    ...head,
    object: 'chat.completion',
    created: 0,
    choices: [{ index: 0, message, finish_reason: answer.finishReason }],
    usage: usageOf(answer),
  }
}

/** The same as server-sent events; every data line of the stream. */
export function eventsOf(answer: ModelAnswer, head: { id: string; model: string }): string[] {
  const chunk = (delta: object, finishReason: string | null) =>
    event({
      ...head,
      object: 'chat.completion.chunk',
      created: 0,
      choices: [{ index: 0, delta, finish_reason: finishReason }],
    })
  const usage = { ...head, object: 'chat.completion.chunk', created: 0, choices: [], usage: usageOf(answer) }
  return [
    chunk({ role: 'assistant', content: answer.text }, null),
    chunk({}, answer.finishReason),
    event(usage),
    'data: [DONE]\n\n',
  ]
}

/** An error in the form clients of the protocol read. */
export function errorOf(message: string, code: string) {
  return { error: { message, type: 'invalid_request_error', param: null, code } }
}

export function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function usageOf({ usage }: ModelAnswer) {
  return { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: usage.total }
}
