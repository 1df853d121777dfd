import { z } from 'zod'
import { DEEPEST_JSON, isNestedWithin } from '../../json-or-null.ts'
import { type Problem, TROUBLES, type TroubleRule } from './dialect-table.ts'
import { withoutQuotations } from './quoted-request.ts'
import { readReset } from './read-reset.ts'

/** A failure as a provider told it. */
export type Told = {
  /** The status on the wire, or the one an event of a stream states; null: none. */
  status: number | null
  headers: Readonly<Record<string, string>>
  /** What came, as text. */
  body: string
  /** What had been sent, as JSON: what the provider repeats of it are not its words. Empty: it is not known. */
  request: string
  /** Whether edit tools were offered. */
  offersTools: boolean
}

export type Trouble = {
  problem: Problem
  /** The provider's words; empty: it said none that can be read. */
  message: string
  /** How long the provider wants to be left alone, in ms; null: it does not say. */
  resetMs: number | null
}

const MOST_CODES = 40
const MOST_DEPTH = 6
/** The fields a code may stand in. */
const CODE_FIELDS = new Set(['code', 'type', 'status', 'reason', 'quotaid', 'error_type', 'limit_source', 'param'])

/** Reads what is wrong from status, headers and body, by the first rule of the table that fits. */
export function readTrouble(told: Told, now: Date): Trouble {
  const parsed = parseJson(told.body)
  const codes = codesIn(parsed)
  const message = messageIn(parsed, told.body)
  const said = withoutQuotations(message, told.request)
  const rule = TROUBLES.find((candidate) => fits(candidate, { ...told, codes, ...said }))
  const problem = rule === undefined ? problemOfStatus(told.status) : rule.problem
  return { problem, message, resetMs: readReset({ headers: told.headers, body: parsed, message, problem }, now) }
}

function fits(
  rule: TroubleRule,
  told: Pick<Told, 'status' | 'offersTools'> & { codes: string[]; own: string; quotes: boolean },
) {
  const { status, codes, own, quotes } = told
  const { statuses, codes: wanted, codePart, says } = rule
  if (rule.offersTools === true && !told.offersTools) return false
  if (rule.quotes === true && !quotes) return false
  if (statuses !== undefined && (status === null || !statuses.includes(status))) return false
  if (wanted !== undefined && !codes.some((code) => wanted.includes(code))) return false
  if (codePart !== undefined && !codes.some((code) => codePart.test(code))) return false
  return says === undefined || says.test(own)
}

function problemOfStatus(status: number | null): Problem {
  return status !== null && status >= 500 ? 'busy' : 'other'
}

/** Undefined: it is no JSON, or none that anything here could walk through. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isNestedWithin(value, DEEPEST_JSON) ? value : undefined
  } catch {
    // Whoever asks has another way to read what is no JSON: a page of a proxy, or a line of a stream.
    return undefined
  }
}

const Entries = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())])

/** Every text or number in a field that names a code, in lower case. What a message quotes of a request is none. */
function codesIn(value: unknown, depth = 0): string[] {
  const entries = Entries.safeParse(value)
  if (!entries.success || depth === MOST_DEPTH) return []
  const found: string[] = []
  for (const [name, entry] of Object.entries(entries.data)) {
    if (found.length >= MOST_CODES) break
    const isCode = CODE_FIELDS.has(name.toLowerCase()) && (typeof entry === 'string' || typeof entry === 'number')
    if (isCode) found.push(String(entry).slice(0, 200).toLowerCase())
    else found.push(...codesIn(entry, depth + 1))
  }
  return found
}

const Worded = z.object({ message: z.string() })
const Said = z.union([
  Worded.transform(({ message }) => message),
  z.object({ error: Worded }).transform(({ error }) => error.message),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z
    .array(z.object({ error: Worded }))
    .min(1)
    .max(20)
    .transform((list) => list.map(({ error }) => error.message).join()),
])

const LONGEST_PAGE = 200

/** A page of a proxy has no message; of any other text the first part is it. */
function messageIn(parsed: unknown, body: string): string {
  const said = Said.safeParse(parsed)
  if (said.success) return said.data
  const text = body.slice(0, 64 * 1024).trim()
  if (text.startsWith('<')) return `a page: ${withoutTags(text)}`
  return text.slice(0, LONGEST_PAGE)
}

function withoutTags(page: string): string {
  const text = page.replace(/<[^<>]{0,500}>/g, ' ').replace(/\s+/g, ' ')
  return text.trim().slice(0, LONGEST_PAGE)
}
