import { z } from 'zod'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { FEWEST_BYTES_PER_TOKEN } from './context-size.ts'
import { LEAST_CACHED_TOKENS, MARKED_CACHES, MOST_CACHE_MARKS } from './dialects/dialect-table.ts'
import type { ModelMessage } from './model-answer.ts'
import { type Price, rewardsCaching } from './price.ts'

type Asked = Pick<ProposerConfig, 'provider' | 'model' | 'baseUrl'>

/**
 * The messages with `repeatsTo` only where a mark is to be sent: none where the provider takes none, where its price does not
 * say what a cache costs, and where what stands before the mark is too short to be cached. Of a conversation that goes on, the
 * end of the last message is marked too: the next question begins with it.
 *
 * @param price null: not known
 */
export function marked(messages: readonly ModelMessage[], asked: Asked, price: Price | null): ModelMessage[] {
  const isWanted = messages.some(({ repeatsTo }) => repeatsTo !== undefined)
  const sends = isWanted && price !== null && rewardsCaching(price) && takesMarks(asked)
  const marks = sends ? chosenMarks(messages, asked.model) : []
  return messages.map(({ role, content }, index) => {
    const ends = marks.filter((mark) => mark.index === index).map(({ end }) => end)
    return ends.length === 0 ? { role, content } : { role, content, repeatsTo: ends }
  })
}

type Mark = { index: number; end: number }

function chosenMarks(messages: readonly ModelMessage[], model: string): Mark[] {
  const least = leastCachedTokens(model) * FEWEST_BYTES_PER_TOKEN
  const marks: Mark[] = []
  let bytes = 0
  for (const [index, { role, content, repeatsTo = [] }] of messages.entries()) {
    const goesOn = index === messages.length - 1 && messages[index - 1]?.role === 'assistant'
    const ends = role === 'system' ? [] : new Set([...repeatsTo, ...(goesOn ? [content.length] : [])])
    for (const end of ends) {
      if (end > 0 && bytes + Buffer.byteLength(content.slice(0, end)) >= least) marks.push({ index, end })
    }
    bytes += Buffer.byteLength(content)
  }
  return [...marks.slice(0, -1).slice(0, MOST_CACHE_MARKS - 1), ...marks.slice(-1)]
}

function leastCachedTokens(name: string): number {
  const row = LEAST_CACHED_TOKENS.find(({ model }) => model.test(name))
  return row === undefined ? 0 : row.tokens
}

function takesMarks({ provider, model, baseUrl }: Asked): boolean {
  const host = baseUrl === null ? '' : new URL(baseUrl).hostname
  return MARKED_CACHES.some(
    (row) =>
      row.provider === provider &&
      (row.host === undefined || row.host.test(host)) &&
      (row.model === undefined || row.model.test(model)),
  )
}

const MARK = { type: 'ephemeral' } as const

/** A text in parts, as the AI SDK takes them, of which each that ends at one of `ends` is marked. */
export function markedParts(content: string, ends: readonly number[]) {
  const providerOptions = { anthropic: { cacheControl: MARK }, openaiCompatible: { cache_control: MARK } }
  const starts = [0, ...ends]
  const parts = ends.map((end, index) => {
    return { type: 'text' as const, text: content.slice(starts[index], end), providerOptions }
  })
  const rest = content.slice(starts.at(-1))
  return rest === '' ? parts : [...parts, { type: 'text' as const, text: rest }]
}

const MarkedText = z.looseObject({ content: z.string(), cache_control: z.json() })

/** The SDK marks a message of one text at the message, where OpenRouter looks for marks at parts alone. */
export function withMarksInParts<Body extends Record<string, unknown>>(body: Body): Body {
  const { messages } = body
  if (!Array.isArray(messages)) return body
  const shaped = messages.map((message: unknown) => {
    const parsed = MarkedText.safeParse(message)
    if (!parsed.success) return message
    const { content, cache_control, ...rest } = parsed.data
    return { ...rest, content: [{ type: 'text', text: content, cache_control }] }
  })
  return { ...body, messages: shaped }
}
