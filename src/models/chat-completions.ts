import { z } from 'zod'
import type { ModelAnswer, ModelMessage } from './model-answer.ts'

const TextPart = z.object({ type: z.literal('text'), text: z.string() })

/**
 * What is understood of a Chat Completions request; sampling parameters are accepted and not passed on.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const ChatRequest = z.object({
  model: z.string(),
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'developer', 'user', 'assistant']),
        content: z.union([z.string(), z.array(TextPart)]),
      }),
    )
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
})
export type ChatRequest = z.infer<typeof ChatRequest>

export function messagesOf({ messages }: ChatRequest): ModelMessage[] {
  return messages.map(({ role, content }) => ({
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }))
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
