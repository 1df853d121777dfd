import { completionUsage, messageUsage, type Plan, responseUsage, type ToolCall } from './scripted-answer.ts'

/** The text in two pieces, so that collecting is exercised. */
function piecesOf(text: string): string[] {
  const middle = Math.ceil(text.length / 2)
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '')
}

const named = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
const plain = (data: object) => `data: ${JSON.stringify(data)}\n\n`

/** @see https://docs.anthropic.com/en/docs/build-with-claude/streaming */
export function messageEvents(plan: Plan): string[] {
  const { text, calls, thoughts, ending } = plan
  if (ending === 'overloaded') {
    return [named('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })]
  }
  const usage = messageUsage(plan)
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'stand-in',
    content: [],
    stop_reason: null,
    usage: { ...usage, output_tokens: 1 },
  }
  const begun = [
    named('message_start', { message }),
    ...(thoughts === '' ? [] : thinkingEvents(thoughts)),
    named('content_block_start', { index: 1, content_block: { type: 'text', text: '' } }),
    ...piecesOf(text).map((piece) =>
      named('content_block_delta', { index: 1, delta: { type: 'text_delta', text: piece } }),
    ),
  ]
  if (ending === 'none') return begun
  const whole = calls.length === 0 ? 'end_turn' : 'tool_use'
  const stopReason = { whole, truncated: 'max_tokens', refused: 'refusal' }[ending]
  return [
    ...begun,
    named('content_block_stop', { index: 1 }),
    ...calls.flatMap(toolUseEvents),
    named('message_delta', {
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: usage.output_tokens, output_tokens_details: usage.output_tokens_details },
    }),
    named('message_stop', {}),
  ]
}

function toolUseEvents({ name, input }: ToolCall, number: number): string[] {
  const index = number + 2
  const content_block = { type: 'tool_use', id: `toolu_${number}`, name, input: {} }
  const delta = (partial_json: string) =>
    named('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } })
  return [
    named('content_block_start', { index, content_block }),
    ...['', ...piecesOf(input)].map(delta),
    named('content_block_stop', { index }),
  ]
}

/** @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking */
function thinkingEvents(thoughts: string): string[] {
  const delta = (part: object) => named('content_block_delta', { index: 0, delta: part })
  return [
    named('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
    ...piecesOf(thoughts).map((thinking) => delta({ type: 'thinking_delta', thinking })),
    delta({ type: 'signature_delta', signature: 'c2lnbmVk' }),
    named('content_block_stop', { index: 0 }),
  ]
}

/** @see https://platform.openai.com/docs/api-reference/responses-streaming */
export function responseEvents(plan: Plan): string[] {
  const { text, calls, thoughts, ending } = plan
  const begun = [
    named('response.created', { response: { id: 'resp_1', created_at: 1, model: 'stand-in' } }),
    ...(thoughts === '' ? [] : summaryEvents(thoughts)),
    named('response.output_item.added', { output_index: 0, item: { type: 'message', id: 'item_1' } }),
    ...piecesOf(text).map((delta) => named('response.output_text.delta', { item_id: 'item_1', delta })),
  ]
  if (ending === 'none') return begun
  const usage = responseUsage(plan)
  if (ending === 'overloaded') {
    const error = { code: 'server_error', message: 'The server had an error' }
    return [...begun, named('response.failed', { sequence_number: 3, response: { error, usage } })]
  }
  const refusal = named('response.refusal.delta', { item_id: 'item_1', delta: 'I cannot help with that' })
  const done = named('response.output_item.done', { output_index: 0, item: { type: 'message', id: 'item_1' } })
  const incomplete = named('response.incomplete', {
    response: { incomplete_details: { reason: 'max_output_tokens' }, usage },
  })
  const completed = named('response.completed', { response: { usage } })
  const called = calls.flatMap(functionCallEvents)
  return [
    ...begun,
    ...(ending === 'refused' ? [refusal] : []),
    done,
    ...called,
    ending === 'truncated' ? incomplete : completed,
  ]
}

function functionCallEvents({ name, input }: ToolCall, number: number): string[] {
  const place = { output_index: number + 1 }
  const item = { type: 'function_call', id: `fc_${number}`, call_id: `call_${number}`, name }
  const delta = (part: string) =>
    named('response.function_call_arguments.delta', { ...place, item_id: item.id, delta: part })
  return [
    named('response.output_item.added', { ...place, item: { ...item, arguments: '', status: 'in_progress' } }),
    ...piecesOf(input).map(delta),
    named('response.function_call_arguments.done', { ...place, item_id: item.id, arguments: input }),
    named('response.output_item.done', { ...place, item: { ...item, arguments: input, status: 'completed' } }),
  ]
}

function summaryEvents(thoughts: string): string[] {
  const place = { item_id: 'thought_1', output_index: 0, summary_index: 0 }
  const item = { type: 'reasoning', id: 'thought_1', summary: [] }
  return [
    named('response.output_item.added', { output_index: 0, item }),
    named('response.reasoning_summary_part.added', { ...place, part: { type: 'summary_text', text: '' } }),
    ...piecesOf(thoughts).map((delta) => named('response.reasoning_summary_text.delta', { ...place, delta })),
    named('response.output_item.done', { output_index: 0, item }),
  ]
}

/** The fields servers put thoughts into, each with all of them. */
const thoughtDeltas = (thoughts: string): object[] => [
  { reasoning_content: thoughts },
  { reasoning: thoughts },
  { content: [{ type: 'thinking', thinking: [{ type: 'text', text: thoughts }] }] },
]

/** @see https://platform.openai.com/docs/api-reference/chat-streaming */
export function completionEvents(plan: Plan): string[] {
  const { text, calls, thoughts, ending } = plan
  const chunk = (delta: object, finishReason: string | null) =>
    plain({ id: 'chat_1', created: 1, model: 'stand-in', choices: [{ index: 0, delta, finish_reason: finishReason }] })
  if (ending === 'overloaded') return [plain({ error: { message: 'overloaded', type: 'server_error', code: 503 } })]
  const begun = [
    chunk({ role: 'assistant' }, null),
    ...(thoughts === '' ? [] : thoughtDeltas(thoughts).map((delta) => chunk(delta, null))),
    ...piecesOf(text).map((content) => chunk({ content }, null)),
  ]
  if (ending === 'none') return begun
  const whole = calls.length === 0 ? 'stop' : 'tool_calls'
  const finishReason = { whole, truncated: 'length', refused: 'content_filter' }[ending]
  const usage = completionUsage(plan)
  const counted = usage === null ? [] : [plain({ id: 'chat_1', choices: [], usage })]
  const called = calls.flatMap(toolCallDeltas).map((tool_calls) => chunk({ tool_calls: [tool_calls] }, null))
  return [...begun, ...called, chunk({}, finishReason), ...counted, 'data: [DONE]\n\n']
}

function toolCallDeltas({ name, input }: ToolCall, index: number): object[] {
  const begun = { index, id: `call_${index}`, type: 'function', function: { name, arguments: '' } }
  return [begun, ...piecesOf(input).map((part) => ({ index, function: { arguments: part } }))]
}

/** Only what is whole: no stand-in of Gemini breaks off. @see https://ai.google.dev/api/generate-content */
export function geminiEvents({ text, calls, input, output }: Plan): string[] {
  const chunk = (parts: object[], ending: object) =>
    plain({ candidates: [{ content: { role: 'model', parts }, index: 0, ...ending }], modelVersion: 'stand-in' })
  const called = calls.map(({ name, input: args }) => ({ functionCall: { name, args: JSON.parse(args) } }))
  const usageMetadata = { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output }
  return [
    ...piecesOf(text).map((piece) => chunk([{ text: piece }], {})),
    ...(called.length === 0 ? [] : [chunk(called, {})]),
    plain({ candidates: [{ content: { role: 'model', parts: [] }, finishReason: 'STOP' }], usageMetadata }),
  ]
}
