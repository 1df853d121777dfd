import type { FaultCode } from '../../src/faults/fault.ts'
import type { Problem } from '../../src/models/dialects/dialect-table.ts'

/** One way in which a call to a provider ends, as it is on the wire, and what must become of it. */
export type Ending = {
  name: string
  /** Where this form is documented or was met. */
  source: string
  /** Edit tools were offered. */
  offersTools?: true
  /** 200 unless stated. */
  status?: number
  headers?: Readonly<Record<string, string>>
  /** Sent as server-sent events; a text as it stands, such as `[DONE]`. */
  events?: readonly (object | string)[]
  /** Sent as one JSON document, or a text as it stands. */
  body?: object | string
  /** The connection breaks after that. */
  cut?: true
  /** The text of the answer, or the fault. */
  verdict: 'hello you' | FaultCode
  problem?: Problem
  /**
   * What one try is booked with: USD by the rates of the test (input 1, cached input 0.1, written cache 1.25, output 10
   * per million), `worst` the whole reservation, `released` nothing, `unresolved`: it is truly unknown.
   */
  booked: `${number}` | 'worst' | 'released' | 'unresolved'
  /** How long the provider says it wants to be left alone. */
  resetMs?: number
  /** What the order does: goes on, waits for the account or for the end of an outage, or is given to another proposer. */
  order: 'goes on' | 'waits for the account' | 'waits for the provider' | 'another proposer'
}

type Verdict = Pick<Ending, 'verdict' | 'order' | 'booked' | 'problem'>

/** A whole answer, and what it cost. */
export const answered = (booked: Ending['booked']): Verdict => ({ verdict: 'hello you', booked, order: 'goes on' })
/** Of account, key or quota; nothing was charged. */
export const refused = (problem: 'account' | 'key' | 'quota', booked: Ending['booked'] = 'released'): Verdict => ({
  verdict: 'model_key_rejected',
  problem,
  booked,
  order: 'waits for the account',
})
export const busy = (booked: Ending['booked']): Verdict => ({
  verdict: 'model_overloaded',
  booked,
  order: 'waits for the provider',
})
/** A fault of one proposer, which another may not have. */
export const other = (
  verdict: 'model_call_rejected' | 'model_answer_refused' | 'model_answer_truncated',
  booked: Ending['booked'],
  problem?: Problem,
): Verdict => ({ verdict, booked, order: 'another proposer', ...(problem === undefined ? {} : { problem }) })

/** A chunk of Chat Completions. */
export const chunk = (delta: object, finish: string | null = null) => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }],
})
export const hello = [chunk({ role: 'assistant', content: 'hello' }), chunk({ content: ' you' })]
/** The chunk with which a stream of Chat Completions ends when usage was asked for. */
export const counted = (usage: object) => ({ id: 'c1', object: 'chat.completion.chunk', choices: [], usage })
/** 1000 tokens in and 200 out: $0.003. */
export const USAGE = { prompt_tokens: 1_000, completion_tokens: 200, total_tokens: 1_200 }
export const whole = (usage: object = USAGE, finish: string | null = 'stop') => [
  ...hello,
  chunk({}, finish),
  counted(usage),
  '[DONE]',
]
/** A document of Chat Completions. */
export const document = (message: object, finish: string | null, usage: object = USAGE) => ({
  id: 'c1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }],
  usage,
})
export const failure = (error: object) => ({ error })
