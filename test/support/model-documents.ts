import { completionUsage, messageUsage, type Plan, responseUsage } from './scripted-answer.ts'

/** @see https://docs.anthropic.com/en/api/messages */
export function messageDocument(plan: Plan): object {
  const stopReason = plan.ending === 'refused' ? 'refusal' : plan.ending === 'truncated' ? 'max_tokens' : 'end_turn'
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'stand-in',
    content: plan.text === '' ? [] : [{ type: 'text', text: plan.text }],
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
    output: [{ type: 'message', id: 'item_1', role: 'assistant', status: 'completed', content: [said] }],
    usage: responseUsage(plan),
  }
}

/** @see https://platform.openai.com/docs/api-reference/chat/object */
export function completionDocument(plan: Plan): object {
  const finishReason = plan.ending === 'refused' ? 'content_filter' : plan.ending === 'truncated' ? 'length' : 'stop'
  const message = { role: 'assistant', content: plan.text }
  return {
    id: 'chat_1',
    object: 'chat.completion',
    created: 1,
    model: 'stand-in',
    choices: [{ index: 0, message, finish_reason: finishReason }],
    usage: completionUsage(plan),
  }
}
