import { completionUsage, messageUsage, type Plan, responseUsage } from './scripted-answer.ts'

/** @see https://docs.anthropic.com/en/api/messages */
export function messageDocument(plan: Plan): object {
  const whole = plan.calls.length === 0 ? 'end_turn' : 'tool_use'
  const stopReason = plan.ending === 'refused' ? 'refusal' : plan.ending === 'truncated' ? 'max_tokens' : whole
  const called = plan.calls.map(({ name, input }, number) => {
    return { type: 'tool_use', id: `toolu_${number}`, name, input: JSON.parse(input) }
  })
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'stand-in',
    content: [...(plan.text === '' ? [] : [{ type: 'text', text: plan.text }]), ...called],
    stop_reason: stopReason,
    stop_sequence: null,
    usage: messageUsage(plan),
  }
}

/** @see https://platform.openai.com/docs/api-reference/responses/object */
export function responseDocument(plan: Plan): object {
  const isTruncated = plan.ending === 'truncated'
  const said =
    plan.ending === 'refused'
      ? { type: 'refusal', refusal: 'I cannot help with that' }
      : { type: 'output_text', text: plan.text, annotations: [] }
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model: 'stand-in',
    status: isTruncated ? 'incomplete' : 'completed',
    incomplete_details: isTruncated ? { reason: 'max_output_tokens' } : null,
    output: [
      { type: 'message', id: 'item_1', role: 'assistant', status: 'completed', content: [said] },
      ...plan.calls.map(({ name, input }, number) => {
        return { type: 'function_call', id: `fc_${number}`, call_id: `call_${number}`, name, arguments: input }
      }),
    ],
    usage: responseUsage(plan),
  }
}

/** @see https://platform.openai.com/docs/api-reference/chat/object */
export function completionDocument(plan: Plan): object {
  const whole = plan.calls.length === 0 ? 'stop' : 'tool_calls'
  const finishReason = plan.ending === 'refused' ? 'content_filter' : plan.ending === 'truncated' ? 'length' : whole
  const tool_calls = plan.calls.map(({ name, input }, number) => {
    return { id: `call_${number}`, type: 'function', function: { name, arguments: input } }
  })
  const message = { role: 'assistant', content: plan.text, ...(tool_calls.length === 0 ? {} : { tool_calls }) }
  return {
    id: 'chat_1',
    object: 'chat.completion',
    created: 1,
    model: 'stand-in',
    choices: [{ index: 0, message, finish_reason: finishReason }],
    usage: completionUsage(plan),
  }
}
