import { createParser, type EventSourceParser } from 'eventsource-parser'
import { parseJson } from './read-trouble.ts'

/** A call of a tool, as the provider gave it. */
export type ToolCall = {
  /** Tells the parts of one call from those of another. */
  key: string
  /** How much of the text stands before it. */
  at: number
  name: string
  /** The arguments, as JSON if the model has written any. */
  input: string
}

/** What came of an answer, whatever protocol it was said in. */
export type Collected = {
  text: string
  /** In the order in which they began. */
  calls: ToolCall[]
  /** What the provider said of a call that it could not read itself; null: there was none. */
  lostCall: string | null
  /** The model refused in a field of its own. */
  refused: boolean
  /** The provider's word for how it ended; null: none. */
  stop: string | null
  /** As the protocol counts; null: not counted. */
  usage: Record<string, unknown> | null
  /** The protocol said that the answer is over, or the document came to its end. */
  isOver: boolean
}

/** A failure that a provider told within an answer that had begun with a good status. */
export class ToldInAnswer extends Error {
  /** The failure as JSON. */
  readonly body: string
  /** Whether a part of the answer had come. */
  readonly begun: boolean
  /** What had been asked, as JSON; empty: it is not known. */
  request = ''
  /** Whether edit tools were offered. */
  offersTools = false

  constructor(failure: unknown, begun: boolean) {
    super('the provider told of a failure within the answer')
    this.body = JSON.stringify({ error: failure })
    this.begun = begun
  }
}

/** The answer ended before the protocol said that it is over. */
export class CutAnswer extends Error {}

/** Something else than the API of a model answered with a good status. */
export class NoAnswer extends Error {}

/** Reads one protocol. */
export type Reader = {
  /** Takes one event of a stream, or a whole document; what it does not know it passes over. */
  take(event: Record<string, unknown>, collected: Collected): void
  /** The failure an event or a document tells of; undefined: none. */
  failureIn(event: Record<string, unknown>): unknown
  /** Whether a stop reason may stand in every event of a stream, so that a connection that breaks may have cut the answer. */
  repeatsStop: boolean
}

/** Bytes in which a text that is no answer still shows what it is. */
const HEAD = 200

/**
 * Reads an answer to its end, as a stream or as one document, whatever was asked for and whatever the content type says.
 * That it is whole shows, by protocol:
 *
 * - Chat Completions: a `finish_reason`, `[DONE]`, or a chunk with usage and no choices, which is sent last;
 * - Messages: a `stop_reason`, or `message_stop`;
 * - Responses: `response.completed` or `response.incomplete`;
 * - Gemini: a `finishReason`, or the reason why the prompt was blocked;
 * - a document of any of them: it can be parsed.
 *
 * A connection that breaks after that has broken nothing, but with Gemini, which may repeat its word with every chunk.
 *
 * @throws {ToldInAnswer} {@link CutAnswer} {@link NoAnswer}, and what the body throws
 */
export async function readAnswer(body: ReadableStream<Uint8Array>, reader: Reader): Promise<Collected> {
  const collected: Collected = {
    text: '',
    calls: [],
    lostCall: null,
    refused: false,
    stop: null,
    usage: null,
    isOver: false,
  }
  const parser = createParser({ onEvent: (event) => takeEvent(event, reader, collected) })
  const came: Came = { head: '', document: null }
  const decoder = new TextDecoder()
  try {
    for await (const chunk of body) takeText(decoder.decode(chunk, { stream: true }), came, parser)
    // An event is over with an empty line, which a server may forget after the last one.
    takeText(`${decoder.decode()}${came.document === null ? '\n\n' : ''}`, came, parser)
  } catch (error) {
    if (!collected.isOver || reader.repeatsStop) throw error
  }
  if (came.document !== null) takeDocument(came.document.join(''), reader, collected)
  if (!collected.isOver)
    throw new CutAnswer(came.head === '' ? 'the answer is empty' : 'the answer broke off before its end')
  return collected
}

type Came = {
  /** The first characters that are no space. */
  head: string
  /** Null: it is a stream of events. */
  document: string[] | null
}

function takeText(text: string, came: Came, parser: Pick<EventSourceParser, 'feed'>): void {
  if (came.head.length < HEAD) came.head = (came.head + text).trimStart().slice(0, HEAD)
  if (came.document === null && /^[{[<]/.test(came.head)) came.document = []
  if (came.document === null) parser.feed(text)
  else came.document.push(text)
}

/** A server that leaves out the empty line between events makes one event of several lines of them. */
function takeEvent(
  { event, data }: { event?: string | undefined; data: string },
  reader: Reader,
  collected: Collected,
) {
  if (event === 'error' && !isFailure(data, reader)) throw new ToldInAnswer(failureOf(data), hasBegun(collected))
  const lines = data.includes('\n') && parseJson(data) === undefined ? data.split('\n') : [data]
  for (const line of lines) takeData(line, reader, collected)
}

function isFailure(data: string, reader: Reader): boolean {
  const event = asRecord(parseJson(data))
  const failure = event === null ? undefined : reader.failureIn(event)
  return failure !== undefined && failure !== null
}

/** Of an event that only its name calls a failure. */
function failureOf(data: string): unknown {
  const said = asRecord(parseJson(data))
  return said === null ? { message: data.slice(0, HEAD) } : said
}

function takeData(data: string, reader: Reader, collected: Collected): void {
  const said = data.trim()
  if (said.toUpperCase() === '[DONE]') collected.isOver = true
  if (said === '' || said.toUpperCase() === '[DONE]') return
  const event = asRecord(parseJson(said))
  // Half an event is the end of a stream that was cut; what follows it would stand at the wrong place.
  if (event === null) throw new CutAnswer('an event of the stream cannot be read')
  take(event, reader, collected)
}

function takeDocument(text: string, reader: Reader, collected: Collected): void {
  if (text.trimStart().startsWith('<'))
    throw new NoAnswer(`a page came instead of an answer: ${text.trim().slice(0, HEAD)}`)
  const parsed = parsedDocument(text)
  if (parsed === undefined) throw new CutAnswer('the document that came is not whole, or is nested too deeply')
  // Gemini sends a list of its chunks unless it is asked for events.
  for (const part of Array.isArray(parsed) ? parsed : [parsed]) {
    const event = asRecord(part)
    if (event !== null) take(event, reader, collected)
  }
  collected.isOver = collected.isOver || collected.stop !== null || (!Array.isArray(parsed) && hasBegun(collected))
  if (!collected.isOver && !Array.isArray(parsed)) collected.isOver = collected.usage !== null
  if (!collected.isOver) throw new NoAnswer(`what came is not an answer of a model: ${text.trim().slice(0, HEAD)}`)
}

/** A document, or the list of those that stand in lines; undefined: neither. */
function parsedDocument(text: string): unknown {
  const parsed = parseJson(text)
  if (parsed !== undefined) return parsed
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const events = lines.map((line) => (line.trim() === 'data: [DONE]' ? {} : parseJson(line)))
  return lines.length < 2 || events.includes(undefined) ? undefined : events
}

function take(event: Record<string, unknown>, reader: Reader, collected: Collected): void {
  const failure = reader.failureIn(event)
  if (failure !== undefined && failure !== null) throw new ToldInAnswer(failure, hasBegun(collected))
  reader.take(event, collected)
}

/** Whether anything of an answer has come. */
export function hasBegun({ text, calls }: Collected): boolean {
  return text !== '' || calls.length > 0
}

/** More calls than a model has under way at once. */
const MOST_OPEN = 64

/** The last of the calls that may still get parts for which this holds of their key. */
export function openCall({ calls }: Collected, isMeant: (key: string) => boolean): ToolCall | undefined {
  return calls.slice(-MOST_OPEN).findLast(({ key }) => isMeant(key))
}

/** Notes a part of a call: its name, and what is new of its arguments, as JSON or as the value itself. */
export function takeCall(collected: Collected, part: { key: string; name: unknown; input: unknown }): ToolCall {
  const { key, name, input } = part
  const known = openCall(collected, (other) => other === key)
  const call = known ?? { key, at: collected.text.length, name: '', input: '' }
  if (known === undefined) collected.calls.push(call)
  if (call.name === '' && typeof name === 'string') call.name = name
  if (typeof input === 'string') call.input += input
  else if (input !== undefined && input !== null) call.input += JSON.stringify(input)
  return call
}

/** Null: it is no object. */
export function asRecord(value: unknown): Record<string, unknown> | null {
  return isRecord(value) ? value : null
}

export function asList(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : []
}

/** Nothing is copied: an answer may hold millions of empty objects, for which everything else would wait. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Null: it is no text, or an empty one. */
export function asWord(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** A text, or the texts among parts: what was thought, or is no text, is none of the answer. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return asList(content)
    .filter(({ thought }) => thought !== true)
    .map(({ type, text }) => (typeof text === 'string' && (type === 'text' || type === 'output_text') ? text : ''))
    .join('')
}

const MOST_USAGE_DEPTH = 4

/** The numbers and flags of a usage, also of its parts. What else stands there would make the SDK refuse the whole answer. */
export function countsOf(value: unknown, depth = 0): Record<string, unknown> | null {
  const usage = asRecord(value)
  if (usage === null || depth === MOST_USAGE_DEPTH) return null
  const counts = Object.entries(usage).map(([name, count]) => {
    const isCount = typeof count === 'number' || typeof count === 'boolean'
    return [name, isCount ? count : countsOf(count, depth + 1)] as const
  })
  return Object.fromEntries(counts.filter(([, count]) => count !== null))
}
