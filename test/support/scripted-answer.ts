/** What an answer is made of. Cached tokens are a part of the input, reasoning is a part of the output. */
export type Tokens = { input: number; output: number; cacheRead: number; cacheWrite: number; reasoning: number }

export type ToolCall = { name: string; input: string }

/** What the stand-in does with one call. Tokens that are not stated are 100 in and 20 out. */
export type Scripted = Partial<Tokens> &
  (
    | {
        kind: 'text'
        text: string
        /** Tools it calls after the text, each with its arguments as JSON, or what a model has written in its place. */
        calls?: readonly ToolCall[]
        /** What it thinks before, in the field its protocol has for that. */
        thoughts?: string
        headersAfterMs?: number
        /** Between two events of a stream. */
        pauseMs?: number
        /** Does not say what it has used. */
        uncounted?: true
      }
    /** Stops at the output limit. */
    | { kind: 'truncated'; text: string }
    | { kind: 'refused' }
    /** An HTTP error with a provider's body. */
    | { kind: 'status'; status: number; message: string; code?: string; headers?: Record<string, string> }
    /** Breaks the connection: before the headers, or in the middle of the text. */
    | { kind: 'dropped'; when: 'before-headers' | 'mid-text' }
    /** Ends the text properly on the wire but without the provider's last event. */
    | { kind: 'unfinished'; text: string }
    /** 200, and then the error as an event of the stream. */
    | { kind: 'overloaded-in-stream' }
    /** Never answers. */
    | { kind: 'silent' }
  )

/** What of an answer is the same in all protocols. */
export type Plan = Tokens & {
  text: string
  calls: readonly ToolCall[]
  thoughts: string
  ending: 'whole' | 'truncated' | 'refused' | 'none' | 'overloaded'
  counted: boolean
}

const ENDING = {
  text: 'whole',
  truncated: 'truncated',
  refused: 'refused',
  'overloaded-in-stream': 'overloaded',
  unfinished: 'none',
  dropped: 'none',
  silent: 'none',
  status: 'none',
} as const

export function planOf(scripted: Scripted): Plan {
  const text = 'text' in scripted ? scripted.text : scripted.kind === 'dropped' ? 'the beginning of' : ''
  const { input = 100, output = 20, cacheRead = 0, cacheWrite = 0, reasoning = 0 } = scripted
  const counted = !('uncounted' in scripted)
  const thoughts = scripted.kind === 'text' && scripted.thoughts !== undefined ? scripted.thoughts : ''
  const calls = scripted.kind === 'text' && scripted.calls !== undefined ? scripted.calls : []
  return {
    text,
    calls,
    thoughts,
    ending: ENDING[scripted.kind],
    counted,
    input,
    output,
    cacheRead,
    cacheWrite,
    reasoning,
  }
}

/** Whether an answer says how it ends. */
export function isWhole(scripted: Scripted): boolean {
  return ['whole', 'truncated', 'refused'].includes(planOf(scripted).ending)
}

/**
 * What a provider charges for; null: nothing. A call that is never answered is charged only when the script states its
 * tokens.
 */
export function chargeOf(scripted: Scripted): Tokens | null {
  const { kind } = scripted
  if (kind === 'status' || kind === 'overloaded-in-stream') return null
  const isAnswered = kind !== 'silent' && !(kind === 'dropped' && scripted.when === 'before-headers')
  if (!isAnswered && scripted.input === undefined && scripted.output === undefined) return null
  const { input, output, cacheRead, cacheWrite, reasoning } = planOf(scripted)
  return { input, output, cacheRead, cacheWrite, reasoning }
}

/** @see https://docs.anthropic.com/en/api/messages (usage: the cached input is not in input_tokens) */
export function messageUsage({ input, output, cacheRead, cacheWrite, reasoning, counted }: Plan) {
  if (!counted) return { input_tokens: 0, output_tokens: 0 }
  return {
    input_tokens: input - cacheRead - cacheWrite,
    cache_read_input_tokens: cacheRead,
    cache_creation_input_tokens: cacheWrite,
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
  }
}

/** @see https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage */
export function responseUsage({ input, output, cacheRead, cacheWrite, reasoning, counted }: Plan) {
  if (!counted) return null
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

/** @see https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage */
export function completionUsage({ input, output, cacheRead, cacheWrite, reasoning, counted }: Plan) {
  if (!counted) return null
  return {
    prompt_tokens: input,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    completion_tokens: output,
    completion_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}
