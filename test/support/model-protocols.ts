import type { Scripted } from './model-server.ts'

/** What of an answer is the same in all three protocols. */
type Plan = {
  text: string
  ending: 'whole' | 'truncated' | 'refused' | 'none' | 'overloaded'
  input: number
  output: number
}

function planOf(scripted: Scripted): Plan {
  const tokens = { input: 100, output: 20 }
  if (scripted.kind === 'text') {
    const { text, input = tokens.input, output = tokens.output } = scripted
    return { text, ending: 'whole', input, output }
  }
  if (scripted.kind === 'truncated') return { text: scripted.text, ending: 'truncated', ...tokens }
  if (scripted.kind === 'refused') return { text: '', ending: 'refused', ...tokens }
  if (scripted.kind === 'overloaded-in-stream') return { text: '', ending: 'overloaded', ...tokens }
  return { text: scripted.kind === 'unfinished' ? scripted.text : 'the beginning of', ending: 'none', ...tokens }
}

/** What an answer is charged with; nothing when its end, which says so, is never sent. */
export function tokensOf(scripted: Scripted): { input: number; output: number } {
  const charged = ['text', 'truncated', 'refused'].includes(scripted.kind)
  const { input, output } = planOf(scripted)
  return charged ? { input, output } : { input: 0, output: 0 }
}

/** The text in two pieces, so that collecting is exercised. */
function piecesOf(text: string): string[] {
  const middle = Math.ceil(text.length / 2)
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '')
}

const named = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
const plain = (data: object) => `data: ${JSON.stringify(data)}\n\n`

/** @see https://docs.anthropic.com/en/docs/build-with-claude/streaming */
export function messageEvents(scripted: Scripted): string[] {
  const { text, ending, input, output } = planOf(scripted)
  if (ending === 'overloaded') {
    return [named('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })]
  }
  const usage = { input_tokens: input, output_tokens: 1 }
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'stand-in',
    content: [],
    stop_reason: null,
    usage,
  }
  const begun = [
    named('message_start', { message }),
    named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...piecesOf(text).map((piece) =>
      named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }),
    ),
  ]
  if (ending === 'none') return begun
  const stopReason = { whole: 'end_turn', truncated: 'max_tokens', refused: 'refusal' }[ending]
  return [
    ...begun,
    named('content_block_stop', { index: 0 }),
    named('message_delta', {
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: output },
    }),
    named('message_stop', {}),
  ]
}

/** @see https://platform.openai.com/docs/api-reference/responses-streaming */
export function responseEvents(scripted: Scripted): string[] {
  const { text, ending, input, output } = planOf(scripted)
  const begun = [
    named('response.created', { response: { id: 'resp_1', created_at: 1, model: 'stand-in' } }),
    named('response.output_item.added', { output_index: 0, item: { type: 'message', id: 'item_1' } }),
    ...piecesOf(text).map((delta) => named('response.output_text.delta', { item_id: 'item_1', delta })),
  ]
  if (ending === 'none') return begun
  const usage = { input_tokens: input, output_tokens: output }
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
  return [...begun, ...(ending === 'refused' ? [refusal] : []), done, ending === 'truncated' ? incomplete : completed]
}

/** @see https://platform.openai.com/docs/api-reference/chat-streaming */
export function completionEvents(scripted: Scripted): string[] {
  const { text, ending, input, output } = planOf(scripted)
  const chunk = (delta: object, finishReason: string | null) =>
    plain({ id: 'chat_1', created: 1, model: 'stand-in', choices: [{ index: 0, delta, finish_reason: finishReason }] })
  if (ending === 'overloaded') return [plain({ error: { message: 'overloaded', type: 'server_error', code: 503 } })]
  const begun = [chunk({ role: 'assistant' }, null), ...piecesOf(text).map((content) => chunk({ content }, null))]
  if (ending === 'none') return begun
  const finishReason = { whole: 'stop', truncated: 'length', refused: 'content_filter' }[ending]
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  return [...begun, chunk({}, finishReason), plain({ id: 'chat_1', choices: [], usage }), 'data: [DONE]\n\n']
}
