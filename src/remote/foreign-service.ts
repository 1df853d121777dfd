import { z } from 'zod'
import { deadline } from '../async/deadline.ts'
import { cancellation } from '../faults/cancellation.ts'
import { Fault, type FaultCode } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'
import { DEEPEST_JSON, isNestedWithin, jsonOrNull } from '../json-or-null.ts'
import type { Network } from './network-route.ts'
import { fetchBy } from './patient-fetch.ts'

const QUOTE_LENGTH = 300
/** Of what is wrong with an answer; only its beginning is quoted. */
const TOLD_PROBLEMS = 20

export type ForeignCall<T> = {
  /** Whom a person knows it as, e.g. `the Manager`. */
  who: string
  url: string
  network: Pick<Network, 'agentFor'>
  /** POSTed as JSON; null: the service is asked with GET. */
  body: unknown
  answer: z.ZodType<T>
  /** Of its answer. */
  maxBytes: number
  timeoutMs: number
  signal: AbortSignal
  faults: { unreachable: FaultCode; refused: FaultCode }
}

/**
 * Asks a foreign service, in JSON, and checks the answer.
 *
 * @throws {Fault} `faults.unreachable` when it cannot be reached, is too slow or answers 5xx, 408 or 429;
 *   `faults.refused` for every other status and for an answer that is not of the shape (details: `status`, `reason`);
 *   `attempt_cancelled` when the signal was aborted
 */
export async function askForeignService<T>(call: ForeignCall<T>): Promise<T> {
  const { status, text } = await send(call)
  if (status >= 500 || status === 408 || status === 429) throw unreachable(call, answered(status, text), status)
  if (status < 200 || status > 299) throw refused(call, answered(status, text), status)
  const answer = readJson(call, text, status)
  if (!isNestedWithin(answer, DEEPEST_JSON))
    throw refused(call, `its answer is nested deeper than ${DEEPEST_JSON} levels`, status)
  const parsed = call.answer.safeParse(answer)
  if (parsed.success) return parsed.data
  const problems = describeIssues(parsed.error, { most: TOLD_PROBLEMS })
  throw refused(call, `its answer does not have the agreed shape: ${quote(problems)}`, status)
}

async function send<T>(call: ForeignCall<T>): Promise<{ status: number; text: string }> {
  const late = deadline(call.timeoutMs)
  try {
    const response = await fetchBy(call.network, call.url, {
      ...requestOf(call.body),
      signal: AbortSignal.any([call.signal, late]),
    })
    return { status: response.status, text: await readText(call, response) }
  } catch (error) {
    if (error instanceof Fault) throw error
    if (call.signal.aborted) throw cancellation(call.signal, `The call to ${call.who} was cancelled.`, error)
    const reason = late.aborted ? `it did not answer within ${call.timeoutMs} ms` : String(error)
    throw unreachable(call, reason, null, error)
  }
}

function requestOf(body: unknown): RequestInit {
  if (body === null) return { method: 'GET', headers: { accept: 'application/json' } }
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  return { method: 'POST', headers, body: JSON.stringify(body) }
}

async function readText<T>(call: ForeignCall<T>, response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body === null ? [] : response.body) {
    bytes += chunk.byteLength
    if (bytes > call.maxBytes) {
      throw refused(call, `its answer is longer than ${call.maxBytes} bytes`, response.status)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function readJson<T>(call: ForeignCall<T>, text: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw refused(call, `its answer is not JSON: ${quote(text)}`, status, error)
  }
}

function unreachable<T>({ who, url, faults }: ForeignCall<T>, reason: string, status: number | null, cause?: unknown) {
  const message = `${who} at ${shownUrl(url)} could not be asked: ${reason}. See that it runs; it will be asked again.`
  return new Fault(faults.unreachable, message, { url: shownUrl(url), status, reason }, cause)
}

function refused<T>({ who, url, faults }: ForeignCall<T>, reason: string, status: number, cause?: unknown) {
  const message = `${who} at ${shownUrl(url)} returned an unusable answer: ${reason}. Correct it or its address, then retry the order.`
  return new Fault(faults.refused, message, { url: shownUrl(url), status, reason }, cause)
}

/** Without a password or a token that it may hold. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** With the words of the service, where it gives a reason. */
function answered(status: number, text: string): string {
  const words = quote(reasonIn(jsonOrNull(text)) ?? text)
  return words === '' ? `it answered HTTP ${status}` : `it answered HTTP ${status}: ${words}`
}

/** As `{ error }`, `{ error: { message } }` or `{ message }`; null: it is no such answer. */
function reasonIn(answer: unknown): string | null {
  const Reason = z.object({ message: z.string().min(1) }).transform(({ message }) => message)
  const said = z.object({ error: z.string().min(1).or(Reason) }).transform(({ error }) => error)
  const read = said.or(Reason).safeParse(answer)
  return read.success ? read.data : null
}

function quote(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > QUOTE_LENGTH ? `${line.slice(0, QUOTE_LENGTH)}…` : line
}
