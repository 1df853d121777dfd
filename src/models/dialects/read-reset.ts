import { z } from 'zod'
import type { Problem } from './dialect-table.ts'

/** What may say when a provider can be asked again. */
type Sources = {
  headers: Readonly<Record<string, string>>
  /** Parsed; undefined: it is no JSON. */
  body: unknown
  message: string
  problem: Problem
}

/** Far beyond any quota's period; what is later is a mistake. */
const LONGEST_MS = 366 * 24 * 3_600_000

/**
 * When a provider wants to be asked again, in ms from now; null when it does not say, or says what cannot be read.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 * @see https://docs.anthropic.com/en/api/rate-limits#response-headers
 * @see https://cloud.google.com/apis/design/errors#retry_info
 * @see https://openrouter.ai/docs/api-reference/limits
 */
export function readReset({ headers, body, message, problem }: Sources, now: Date): number | null {
  // Google states some seconds also for the quota of a day, which is reset at midnight in California.
  if (problem === 'quota' && isOfGoogle(body)) return untilMidnight(now)
  const stated = [
    readRetryAfter(headers, now),
    resetOfUsedUp(headers, now),
    resetInBody(body, now),
    resetInWords(message, now),
  ].filter((ms) => ms !== null)
  if (stated.length === 0) return null
  // A quota's own end is later than the pause a balancer asks for in general.
  const ms = problem === 'quota' ? Math.max(...stated) : stated[0]
  return ms === undefined || ms > LONGEST_MS ? null : Math.max(0, Math.ceil(ms))
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function readRetryAfter(headers: Readonly<Record<string, string>> | undefined, now: Date): number | null {
  if (headers === undefined) return null
  const { 'retry-after-ms': milliseconds, 'retry-after': seconds } = headers
  if (milliseconds !== undefined && /^\d+(\.\d+)?$/.test(milliseconds)) return Math.ceil(Number(milliseconds))
  if (seconds === undefined) return null
  if (/^\d+(\.\d+)?$/.test(seconds)) return Math.ceil(Number(seconds) * 1000)
  return untilDate(seconds, now)
}

const KINDS = ['requests', 'tokens', 'input-tokens', 'output-tokens']

/** OpenAI's and Anthropic's: of each kind what remains and when it is full again. The latest of those that are empty. */
function resetOfUsedUp(headers: Readonly<Record<string, string>>, now: Date): number | null {
  const resets = KINDS.flatMap((kind) => {
    const openai = usedUp(headers[`x-ratelimit-remaining-${kind}`], headers[`x-ratelimit-reset-${kind}`], now)
    const anthropic = usedUp(
      headers[`anthropic-ratelimit-${kind}-remaining`],
      headers[`anthropic-ratelimit-${kind}-reset`],
      now,
    )
    return [openai, anthropic].filter((ms) => ms !== null)
  })
  const plain = usedUp(headers['x-ratelimit-remaining'], headers['x-ratelimit-reset'], now)
  return plain === null && resets.length === 0 ? null : Math.max(...resets, plain === null ? 0 : plain)
}

function usedUp(remaining: string | undefined, reset: string | undefined, now: Date): number | null {
  return remaining === '0' && reset !== undefined ? readTime(reset, now) : null
}

/** A time as a duration (`7m12s`, `59`), as seconds or milliseconds since 1970, or as a date. */
function readTime(text: string, now: Date): number | null {
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text)) {
    const number = Number(text)
    if (number > 1e12) return number - now.getTime()
    return number > 1e9 ? number * 1_000 - now.getTime() : number * 1_000
  }
  const duration = readDuration(text)
  return duration === null ? untilDate(text, now) : duration
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Such as `1h3m`, `7m12.5s`, `20ms`. */
function readDuration(text: string): number | null {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d)){1,5}$/.test(text)) return null
  const parts = [...text.matchAll(/(\d{1,9}(?:\.\d{1,9})?)(ms|[smhd])/g)]
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * Number(UNITS[String(unit)]), 0)
}

function untilDate(text: string, now: Date): number | null {
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime())
}

const Headers = z.record(z.string(), z.union([z.string(), z.number()]).transform(String))
const OpenRouter = z.object({ error: z.object({ metadata: z.object({ headers: Headers }) }) })
const Google = z.object({ error: z.object({ details: z.array(z.looseObject({ '@type': z.string() })).max(50) }) })
const RetryInfo = z.looseObject({ '@type': z.string().endsWith('RetryInfo'), retryDelay: z.string() })

/** OpenRouter repeats headers in the body; Google puts a delay among the details. */
function resetInBody(body: unknown, now: Date): number | null {
  const repeated = OpenRouter.safeParse(body)
  if (repeated.success) {
    const headers = Object.entries(repeated.data.error.metadata.headers)
    return resetOfUsedUp(Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])), now)
  }
  const detailed = Google.safeParse(Array.isArray(body) ? body[0] : body)
  const delays = detailed.success ? detailed.data.error.details.map((entry) => RetryInfo.safeParse(entry)) : []
  const delay = delays.find((found) => found.success)?.data?.retryDelay
  return delay === undefined ? null : readDuration(delay)
}

function isOfGoogle(body: unknown): boolean {
  return Google.safeParse(Array.isArray(body) ? body[0] : body).success
}

/** Where the sentence says when. */
const WORDS: readonly [RegExp, (said: string, now: Date) => number | null][] = [
  [
    /regain access on (\d{4}-\d\d-\d\d at \d\d:\d\d UTC)/i,
    (said, now) => untilDate(said.replace(' at ', 'T').replace(' UTC', 'Z'), now),
  ],
  [
    /(?:try again|retry) in (\d{1,9}(?:\.\d{1,12})?(?:ms|[smhd])[0-9.smhd]{0,30})/i,
    (said) => readDuration(trimmed(said)),
  ],
  [/(?:try again|retry) (?:in|after) (\d{1,9}) seconds?/i, (said) => Number(said) * 1_000],
  [/replenished in ((?:\d{1,3}\.)?\d\d:\d\d:\d\d)/i, (said) => readSpan(said)],
  [/resets? at (\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z?)/i, (said, now) => untilDate(said, now)],
]

/** The end of a sentence is none of a duration, nor are more decimals than a duration has. */
function trimmed(said: string): string {
  return said.replace(/\.$/, '').replace(/(\.\d{3})\d+/, '$1')
}

function resetInWords(message: string, now: Date): number | null {
  for (const [pattern, read] of WORDS) {
    const said = pattern.exec(message)?.[1]
    if (said !== undefined) return read(said, now)
  }
  return null
}

/** .NET's `2.12:32:15`: days, hours, minutes, seconds. */
function readSpan(span: string): number {
  const [seconds = 0, minutes = 0, hours = 0, days = 0] = span.split(/[.:]/).map(Number).toReversed()
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000
}

/** @see https://ai.google.dev/gemini-api/docs/rate-limits (requests per day are reset at midnight Pacific time) */
function untilMidnight(now: Date): number {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/Los_Angeles', timeStyle: 'medium' }).format(now)
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number)
  return (24 * 3_600 - (hours * 3_600 + minutes * 60 + seconds)) * 1_000
}
