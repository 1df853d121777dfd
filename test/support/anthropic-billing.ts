import { createHash } from 'node:crypto'
import type { Tokens } from './scripted-answer.ts'

const MOST_MARKS = 4
/** Blocks before a mark in which an entry of an earlier call is looked for. */
const LOOKED_BACK = 20
const LIVES_MS = 5 * 60_000
/** Of English and code, roughly. */
const CHARACTERS_PER_TOKEN = 4

type Input = Pick<Tokens, 'input' | 'cacheRead' | 'cacheWrite'>

/** What a call is charged for its input: all of it, of that what was read from the cache, and what was written there. */
export type InputBill = (body: Record<string, unknown>) => Input | 'too many marks'

/**
 * Charges for input as Anthropic does: up to each marked block a prefix is written to the cache, unless it is too short, and
 * read from there for five minutes after it was last used, if it is the same to the letter.
 *
 * @param least tokens below which a prefix is not cached
 * @see https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
 */
export function anthropicBilling({ now, least = 1_024 }: { now: () => number; least?: number }): InputBill {
  const livesUntil = new Map<string, number>()
  return (body) => {
    const blocks = blocksOf(body)
    const marks = [...blocks.keys()].filter((index) => blocks[index]?.isMarked === true)
    if (marks.length > MOST_MARKS) return 'too many marks'
    const cached = marks.filter((index) => Number(blocks[index]?.tokens) >= least)
    const isLive = (index: number) => Number(livesUntil.get(String(blocks[index]?.prefix))) > now()
    const reachable = cached.flatMap((mark) => [...blocks.keys()].slice(Math.max(0, mark - LOOKED_BACK), mark + 1))
    const read = reachable.filter(isLive).map((index) => Number(blocks[index]?.tokens))
    const cacheRead = Math.max(0, ...read)
    const written = Math.max(cacheRead, ...cached.map((index) => Number(blocks[index]?.tokens)))
    for (const index of cached) livesUntil.set(String(blocks[index]?.prefix), now() + LIVES_MS)
    return { input: Number(blocks.at(-1)?.tokens), cacheRead, cacheWrite: written - cacheRead }
  }
}

/** How much input at the usual rate costs the same. */
export function asUsualInput({ input, cacheRead, cacheWrite }: Input): number {
  return input - cacheRead - cacheWrite + 1.25 * cacheWrite + 0.1 * cacheRead
}

type Block = {
  isMarked: boolean
  /** Of everything up to its end. */
  tokens: number
  prefix: string
}

function blocksOf(body: Record<string, unknown>): Block[] {
  const said = [{ role: 'system', content: body['system'] ?? [] }, ...listOf(body['messages'])]
  const hash = createHash('sha256').update(String(body['model']))
  let characters = 0
  return said.flatMap(({ role, content }) => {
    const parts = typeof content === 'string' ? [{ text: content }] : listOf(content)
    return parts.map((part) => {
      hash.update(JSON.stringify([role, part['text']]))
      characters += String(part['text']).length
      const tokens = Math.ceil(characters / CHARACTERS_PER_TOKEN)
      return { isMarked: part['cache_control'] !== undefined, tokens, prefix: hash.copy().digest('hex') }
    })
  })
}

function listOf(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw new TypeError('a list is missing in the call')
  return value
}
