import { STOPS } from './dialect-table.ts'
import {
  asList,
  asRecord,
  asWord,
  type Collected,
  countsOf,
  hasBegun,
  openCall,
  type Reader,
  type ToolCall,
  takeCall,
  textOf,
} from './read-answer.ts'

/** The protocols providers are spoken to in. */
export type Protocol = {
  reader: Reader
  /** The same answer as the events the AI SDK reads: only what it knows, and with an end. */
  write(collected: Collected): object[]
}

/** Stands for a stop reason that the provider did not give, in an answer that is whole. */
export const NOT_SAID = 'moose_not_said'

const stopOf = ({ stop }: Collected): string => (stop === null ? NOT_SAID : stop)

type Json = Record<string, unknown>

const firstOf = (value: unknown): Json | null => {
  const list = asList(value)
  const found = list.find(({ index }) => index === undefined || index === null || index === 0)
  return found === undefined ? null : found
}

function note(collected: Collected, stop: string | null): void {
  if (stop === null) return
  collected.stop = stop
  collected.isOver = true
}

/** Where a server that speaks Chat Completions counts: also Groq's, and Moonshot's with the choice. */
const USAGE_PLACES: readonly ((event: Json, choice: Json | null) => unknown)[] = [
  (event) => event['usage'],
  (event) => asRecord(event['x_groq'])?.['usage'],
  (_, choice) => choice?.['usage'],
]

/** What a choice adds: a part, or a message, which is the whole, as far as it has come, or one more part. */
function takeSaid(choice: Json | null, collected: Collected): void {
  const delta = asRecord(choice?.['delta'])
  const message = delta === null ? asRecord(choice?.['message']) : null
  const said = delta ?? message
  // @see https://ai.google.dev/gemini-api/docs/openai#thinking
  const isThought = asRecord(asRecord(said?.['extra_content'])?.['google'])?.['thought'] === true
  const text = isThought ? '' : textOf(said === null ? choice?.['text'] : said['content'])
  if (asWord(said?.['refusal']) !== null) collected.refused = true
  const isWhole = message !== null && text.trim() !== '' && isSame(text, collected.text)
  if (isWhole) collected.isOver = true
  else if (message !== null && text.startsWith(collected.text)) collected.text = text
  else collected.text += text
  for (const [index, call] of asList(said?.['tool_calls']).entries())
    if (message === null || !isCallAgain(collected.calls[index], call)) takeChatCall(collected, call)
}

/** Whether one text is the other but for white space. What is much longer is not looked at: a stream may have many events. */
function isSame(text: string, before: string): boolean {
  if (before.length > 2 * text.length + 64) return false
  return text === before || text.replace(/\s+/g, '') === before.replace(/\s+/g, '')
}

/** Whether a call of a message is the one that has come at its place. */
function isCallAgain(known: ToolCall | undefined, { id, function: called }: Json): boolean {
  if (known === undefined) return false
  const { name, arguments: input } = asRecord(called) ?? {}
  if (asWord(id) !== null && known.key.slice(known.key.indexOf(' ') + 1) === id) return true
  return name === known.name && isSame(typeof input === 'string' ? input : JSON.stringify(input ?? null), known.input)
}

/** Parts of a call share its index; servers that give all calls one index, or none, tell them by ids or names. */
function takeChatCall(collected: Collected, { index, id, function: called }: Json): void {
  const { name, arguments: input } = asRecord(called) ?? {}
  const place = typeof index === 'number' ? String(index) : ''
  const own = asWord(id)
  const known = openCall(collected, (key) => key.startsWith(`${place} `))
  const isOther = own === null ? place === '' : known?.key !== `${place} ${own}`
  const goesOn = known !== undefined && !(isOther && asWord(name) !== null)
  const key = goesOn ? known.key : `${place} ${own === null ? `#${collected.calls.length}` : own}`
  takeCall(collected, { key, name, input })
}

/** @see https://platform.openai.com/docs/api-reference/chat-streaming */
const chat: Protocol = {
  reader: {
    repeatsStop: false,
    failureIn(event) {
      const choice = firstOf(event['choices'])
      if (event['object'] === 'error' || event['type'] === 'error') return event['error'] ?? event
      // @see https://platform.minimaxi.com/document/ChatCompletion%20v2 (base_resp)
      const status = asRecord(event['base_resp'])?.['status_code']
      if (typeof status === 'number' && status !== 0) return event['base_resp']
      return choice?.['error'] ?? event['error']
    },
    take(event, collected) {
      const choices = asList(event['choices'])
      const choice = firstOf(choices)
      takeSaid(choice, collected)
      const stop = asWord(choice?.['finish_reason'])
      if (stop !== 'null') note(collected, stop)
      const usage = USAGE_PLACES.map((place) => countsOf(place(event, choice))).find((counts) => counts !== null)
      if (usage === undefined) return
      collected.usage = usage
      // Some count the prompt before they answer, and some send a whole document as an event.
      const isDocument = asRecord(choice?.['message']) !== null && asRecord(choice?.['delta']) === null
      if ((choices.length === 0 || isDocument) && hasBegun(collected)) collected.isOver = true
    },
  },
  write: (collected) => [
    { choices: [{ index: 0, delta: { role: 'assistant', content: collected.text }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: collected.refused ? 'content_filter' : stopOf(collected) }] },
    { choices: [], usage: collected.usage },
  ],
}

/** Counts that are none would make the SDK refuse the answer; what it makes of none is not counted. */
const NO_TOKENS = { input_tokens: 0, output_tokens: 0 }

/**
 * @param place of the one block that begins, whose arguments come in parts: a call that begins has none, written as `{}`
 */
function takeContent(collected: Collected, content: unknown, place?: unknown): void {
  const isPart = typeof place === 'number'
  if (typeof content === 'string') collected.text += content
  for (const [index, block] of asList(content).entries()) {
    if (block['type'] !== 'tool_use') {
      collected.text += textOf([block])
      continue
    }
    const { name, input } = block
    const isBegun = isPart && JSON.stringify(input) === '{}'
    takeCall(collected, { key: isPart ? String(place) : `block ${index}`, name, input: isBegun ? '' : input })
  }
}

/** @see https://docs.anthropic.com/en/docs/build-with-claude/streaming */
const messages: Protocol = {
  reader: {
    repeatsStop: false,
    failureIn: (event) => (event['type'] === 'error' ? (event['error'] ?? event) : undefined),
    take(event, collected) {
      const { type } = event
      const message = type === 'message_start' ? asRecord(event['message']) : type === 'message' ? event : null
      const usage = countsOf(message === null ? event['usage'] : message['usage'])
      if (usage !== null) collected.usage = { ...collected.usage, ...usage }
      if (message !== null) takeContent(collected, message['content'])
      if (type === 'content_block_start') takeContent(collected, [event['content_block']], event['index'])
      const delta = asRecord(event['delta'])
      if (delta?.['type'] === 'text_delta') collected.text += textOf(delta['text'])
      const call =
        delta?.['type'] === 'input_json_delta'
          ? openCall(collected, (key) => key === String(event['index']))
          : undefined
      // Others are of tools that the provider runs itself.
      if (call !== undefined && typeof delta?.['partial_json'] === 'string') call.input += delta['partial_json']
      note(collected, asWord(message === null ? delta?.['stop_reason'] : message['stop_reason']))
      if (type === 'message_stop') collected.isOver = true
    },
  },
  write(collected) {
    const usage = { ...NO_TOKENS, ...collected.usage }
    return [
      { type: 'message_start', message: { id: 'message', model: 'model', role: 'assistant', content: [], usage } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: collected.text } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: stopOf(collected) }, usage },
      { type: 'message_stop' },
    ]
  },
}

/** The whole answer, of which a stream has told before. Its calls count then, unless some or their arguments are missing. */
function takeItems(items: readonly Json[], collected: Collected): void {
  const isText = collected.text === ''
  const came = collected.calls
  const named = came.filter(({ name }) => name !== '')
  const whole = items.filter(({ type, arguments: input }) => type === 'function_call' && asWord(input) !== null)
  const areCalls = came.length === 0 || whole.length >= Math.max(named.length, 1)
  if (areCalls) collected.calls = []
  for (const [index, { type, content, name, arguments: input }] of items.entries()) {
    if (isText && type === 'message') collected.text += textOf(asList(content))
    if (!areCalls || type !== 'function_call') continue
    const at = named[collected.calls.length]?.at
    const call = takeCall(collected, { key: `item ${index}`, name, input })
    if (at !== undefined) call.at = at
  }
}

const NO_PLACE = 'no place'

/** The arguments come in parts, and whole again at the end. Servers that give calls no place tell them by their items. */
function takeResponseCall({ type, output_index: place, ...event }: Json, collected: Collected): void {
  const item = asRecord(event['item'])
  const key = typeof place === 'number' ? `${place}` : (asWord(event['item_id']) ?? asWord(item?.['id']) ?? NO_PLACE)
  if (type === 'response.function_call_arguments.delta') takeCall(collected, { key, name: null, input: event['delta'] })
  if (item?.['type'] !== 'function_call' || !/^response\.output_item\.(?:added|done)$/.test(String(type))) return
  const call = takeCall(collected, { key, name: item['name'], input: null })
  if (type !== 'response.output_item.done') return
  const whole = asWord(item['arguments'])
  if (whole !== null) call.input = whole
  // The next call without a place is another one.
  if (key === NO_PLACE) call.key = 'done'
}

/** @see https://platform.openai.com/docs/api-reference/responses-streaming */
const responses: Protocol = {
  reader: {
    repeatsStop: false,
    failureIn(event) {
      const response = asRecord(event['response']) ?? event
      if (event['type'] === 'error') return event['error'] ?? event
      if (response['status'] === 'failed' || event['type'] === 'response.failed') return response['error'] ?? response
      return event['type'] === undefined ? event['error'] : undefined
    },
    take(event, collected) {
      if (event['type'] === 'response.output_text.delta') collected.text += textOf(event['delta'])
      if (event['type'] === 'response.refusal.delta') collected.refused = true
      takeResponseCall(event, collected)
      const isEnd = event['type'] === 'response.completed' || event['type'] === 'response.incomplete'
      const response = isEnd ? asRecord(event['response']) : event['object'] === 'response' ? event : null
      if (response === null) return
      const items = asList(response['output'])
      const parts = items.filter(({ type }) => type === 'message').flatMap(({ content }) => asList(content))
      // A document has the answer only here; in a stream it has come before.
      takeItems(items, collected)
      if (parts.some(({ type }) => type === 'refusal')) collected.refused = true
      collected.usage = countsOf(response['usage'])
      collected.isOver = true
      if (event['type'] !== 'response.incomplete' && response['status'] !== 'incomplete') return
      const reason = asWord(asRecord(response['incomplete_details'])?.['reason'])
      // For once the word does matter: the protocol says that the answer is not whole.
      note(collected, reason !== null && STOPS.has(reason) ? reason : 'error')
    },
  },
  write(collected) {
    const { stop, refused, text, usage } = collected
    const place = { output_index: 0, item: { type: 'message', id: 'item' } }
    const reason = refused ? 'content_filter' : stop
    const response = { incomplete_details: reason === null ? null : { reason }, usage }
    return [
      { type: 'response.created', response: { id: 'response', created_at: 0, model: 'model' } },
      { type: 'response.output_item.added', ...place },
      { type: 'response.output_text.delta', item_id: 'item', delta: text },
      { type: 'response.output_item.done', ...place },
      { type: reason === null ? 'response.completed' : 'response.incomplete', response },
    ]
  },
}

/** @see https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse */
const gemini: Protocol = {
  reader: {
    // @see https://github.com/songquanpeng/one-api/pull/1477
    repeatsStop: true,
    failureIn: (event) => event['error'],
    take(event, collected) {
      const candidate = firstOf(event['candidates'])
      const parts = asList(asRecord(candidate?.['content'])?.['parts'])
      for (const { text, thought, functionCall } of parts) {
        if (typeof text === 'string' && thought !== true) collected.text += text
        const call = asRecord(functionCall)
        // Each comes whole.
        if (call !== null)
          takeCall(collected, { key: String(collected.calls.length), name: call['name'], input: call['args'] ?? {} })
      }
      if (asWord(candidate?.['finishReason']) === 'MALFORMED_FUNCTION_CALL')
        collected.lostCall = asWord(candidate?.['finishMessage']) ?? 'MALFORMED_FUNCTION_CALL'
      const usage = countsOf(event['usageMetadata'])
      if (usage !== null) collected.usage = { ...collected.usage, ...usage }
      note(collected, asWord(candidate?.['finishReason']))
      const blocked = asWord(asRecord(event['promptFeedback'])?.['blockReason'])
      if (blocked === null) return
      collected.refused = true
      note(collected, blocked)
    },
  },
  write: ({ text, refused, usage, ...ending }) => [
    {
      candidates: [
        {
          content: { role: 'model', parts: [{ text }] },
          finishReason: refused ? 'SAFETY' : stopOf({ text, refused, usage, ...ending }),
        },
      ],
      ...(usage === null ? {} : { usageMetadata: usage }),
    },
  ],
}

export const PROTOCOLS = { anthropic: messages, openai: responses, google: gemini, 'openai-compatible': chat } as const
