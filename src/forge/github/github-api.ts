import { z } from 'zod'
import { Fault, type FaultCode } from '../../faults/fault.ts'
import { jsonOrNull } from '../../json-or-null.ts'
import { type Gh, type GhResult, MAX_OUTPUT_BYTES, tokenVariables } from './gh.ts'

export type ApiRequest = {
  host: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Below the API's root, without a leading slash: `repos/o/r/pulls?state=all`. */
  path: string
  body?: unknown
  /** Of GraphQL, where a mutation is a POST as a question is: it changes something. */
  changes?: boolean
  signal: AbortSignal | null
}

export type ApiAnswer = {
  status: number
  /** By lower-case name. */
  headers: ReadonlyMap<string, string>
  /** Parsed JSON as it came; null when there is none. */
  body: unknown
  /** The same as text; of one that is too long, its beginning and its end. */
  text: string
  /** It is too long: `body` is null. */
  isCut: boolean
  /** A text of the body as it may be shown. */
  shown: (text: string) => string
}

const TIMEOUT_MS = 30_000

/**
 * One request through `gh api -i`, which tells the real status and headers.
 *
 * @returns any answer of GitHub, also an error
 * @throws {Fault} `github_unreachable` when there was none (whether the request was carried out is unknown),
 *   `github_unauthorized`, `command_missing`, `attempt_cancelled`
 */
export async function callApi(gh: Gh, request: ApiRequest): Promise<ApiAnswer> {
  const { host, method, path, body, signal } = request
  const args = ['api', '--include', '--method', method, '--hostname', host, ...HEADERS]
  if (body !== undefined) args.push('--input', '-')
  const result = await withoutTimeout(request, () =>
    gh.run([...args, path], {
      host,
      apiCalls: 1,
      mutates: isMutation(request),
      timeoutMs: TIMEOUT_MS,
      signal,
      ...(body === undefined ? {} : { input: JSON.stringify(body) }),
    }),
  )
  const answer = parseAnswer(result)
  if (answer === null) throw unreachableFault(host, result.said)
  return answer
}

function isMutation({ method, path, changes }: ApiRequest): boolean {
  return path === 'graphql' ? changes === true : method !== 'GET'
}

/** @see https://docs.github.com/en/rest/about-the-rest-api/api-versions */
const HEADERS = ['-H', 'Accept: application/vnd.github+json', '-H', 'X-GitHub-Api-Version: 2022-11-28']

/**
 * A request of which only success makes sense, its answer checked.
 *
 * @throws {Fault} `github_*` by the answer's status; `github_failed` also for an answer of another shape
 */
export async function askApi<Schema extends z.ZodType>(
  gh: Gh,
  request: ApiRequest,
  schema: Schema,
): Promise<z.infer<Schema>> {
  return (await askApiAt(gh, request, schema)).told
}

/** The same with the time of the answer by GitHub's own clock, in whole seconds; NaN: it tells none. */
export async function askApiAt<Schema extends z.ZodType>(
  gh: Gh,
  request: ApiRequest,
  schema: Schema,
): Promise<{ told: z.infer<Schema>; at: number }> {
  const answer = await callApi(gh, request)
  if (isRefusal(answer)) throw githubFault(request, answer)
  if (answer.isCut) throw tooLongFault(request.host)
  const parsed = schema.safeParse(answer.body)
  if (parsed.success) return { told: parsed.data, at: Date.parse(String(answer.headers.get('date'))) }
  const message = `GitHub (${request.host}) answered ${request.method} ${request.path} in a form Moose does not know.`
  throw new Fault('github_failed', message, { host: request.host, status: answer.status }, parsed.error)
}

const MEBIBYTE = 1024 * 1024

/** Of an answer that is longer than Moose reads. */
export function tooLongFault(host: string): Fault {
  const message =
    `GitHub (${host}) answered with more than ${MAX_OUTPUT_BYTES / MEBIBYTE} MiB, which Moose does not read. ` +
    'Look for very long comments on GitHub, and delete them.'
  return new Fault('github_failed', message, { host, isTooLong: true })
}

export function isTooLong(error: unknown): error is Fault {
  return error instanceof Fault && error.details['isTooLong'] === true
}

async function withoutTimeout<T>({ host }: ApiRequest, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'command_timed_out') throw error
    throw unreachableFault(host, `no answer within ${TIMEOUT_MS / 1000} s`, error)
  }
}

/** Characters of status line and headers. */
const LONGEST_HEAD = 64 * 1024

/** What `gh api --include` prints: status line, headers, an empty line, the body. */
function parseAnswer({ stdout: text, isCut, shown }: Pick<GhResult, 'stdout' | 'isCut' | 'shown'>): ApiAnswer | null {
  const status = /^HTTP\/[\d.]+ (\d{3})/.exec(text)
  if (status === null) return null
  const beginning = text.slice(0, LONGEST_HEAD)
  const end = /\r?\n\r?\n/.exec(beginning)
  const head = end === null ? beginning : text.slice(0, end.index)
  const body = end === null ? '' : text.slice(end.index + end[0].length)
  const parsed = isCut ? null : jsonOrNull(body)
  return { status: Number(status[1]), headers: parseHeaders(head), body: parsed, text: body, isCut, shown }
}

function parseHeaders(head: string): ReadonlyMap<string, string> {
  const lines = head.split(/\r?\n/).slice(1)
  return new Map(lines.map((line) => [line.replace(/:.*/s, '').toLowerCase(), line.replace(/^[^:]*:\s*/, '')]))
}

const Told = z.object({ message: z.string() })
/** Of a longer list a schema says only that, and not what is wrong with each of its entries. */
const MOST_ERRORS = 1_000
/** @see https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#exceeding-the-rate-limit */
const QueryRefused = z.object({ data: z.null().optional(), errors: z.array(Told).min(1).max(MOST_ERRORS) })
const SHOWN = 300

type Refusal = Extract<FaultCode, `github_${string}`>

/** What a person does about it. */
const ADVICE: Readonly<Record<Refusal, (host: string) => string>> = {
  github_failed: () => 'Correct what it names, then try again.',
  github_forbidden: () =>
    'The token may not do this. It needs write access to contents and pull requests of the repository.',
  github_not_found: () =>
    'There is no such thing, or the token may not see it. Check the repository and what the token may see.',
  github_rate_limited: () => 'Moose has asked too much for now.',
  github_unauthorized: (host) =>
    `The token is wrong or has ended. Renew it: gh auth login --hostname ${host}, or ${tokenVariables(host)}.`,
  github_unreachable: () => 'It should pass; see https://www.githubstatus.com.',
}

/**
 * The Fault for an answer that is no success.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (403 and 429 of a limit)
 */
export function githubFault({ host, method, path }: Pick<ApiRequest, 'host' | 'method' | 'path'>, answer: ApiAnswer) {
  const { status } = answer
  const what = `GitHub (${host}) answered ${method} ${path} with HTTP ${status}: ${messageOf(answer)}.`
  const code = refusalOf(answer)
  const limit = code === 'github_rate_limited' ? { retryAfterS: retryAfterSeconds(answer) } : {}
  return refusal(code, what, { host, status, ...limit })
}

/** @param details.retryAfterS of a limit: how long GitHub wants to be left alone */
export function refusal(
  code: Refusal,
  what: string,
  details: { host: string; retryAfterS?: number; status?: number; exitCode?: number | null },
): Fault {
  const when = details.retryAfterS === undefined ? '' : ` Try again in ${details.retryAfterS} s.`
  return new Fault(code, `${what} ${ADVICE[code](details.host)}${when}`, details)
}

function refusalOf(answer: ApiAnswer): Refusal {
  const { status } = answer
  if (isRateLimited(answer)) return 'github_rate_limited'
  if (status === 401) return 'github_unauthorized'
  if (status === 403) return 'github_forbidden'
  if (status === 404) return 'github_not_found'
  return status >= 500 ? 'github_unreachable' : 'github_failed'
}

/** No answer came: whatever was asked may or may not have happened. */
export function unreachableFault(host: string, why: string, cause?: unknown): Fault {
  const message = `GitHub (${host}) cannot be reached: ${why}. Check the network, then try again.`
  return new Fault('github_unreachable', message, { host }, cause)
}

/** Whether an answer is no success; GraphQL answers 200 also where it gives nothing of what was asked for. */
export function isRefusal({ status, body }: ApiAnswer): boolean {
  return status >= 300 || QueryRefused.safeParse(body).success
}

/** What GitHub says, e.g. `Bad credentials`. */
export function messageOf({ body, shown }: ApiAnswer): string {
  const told = Told.or(QueryRefused.transform(({ errors: [first] }) => first)).safeParse(body)
  const text = told.data === undefined ? 'no reason given' : told.data.message
  return shown(text)
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, SHOWN)
}

function isRateLimited(answer: ApiAnswer): boolean {
  const { status, headers } = answer
  if (status === 429) return true
  if (status !== 403 && status !== 200) return false
  return (
    headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0' || /rate limit/i.test(messageOf(answer))
  )
}

/** GitHub asks for at least a minute where it names no time. */
export const UNNAMED_S = 60

/** GitHub's limits begin anew within the hour; a wrong number must not stop Moose for days. */
const MOST_BELIEVED_S = 3_600

function retryAfterSeconds(answer: ApiAnswer): number {
  return Math.min(MOST_BELIEVED_S, Math.max(1, Math.ceil(namedSeconds(answer))))
}

function namedSeconds({ headers }: ApiAnswer): number {
  const named = Number(headers.get('retry-after'))
  if (headers.has('retry-after') && Number.isFinite(named)) return named
  const reset = Number(headers.get('x-ratelimit-reset'))
  const date = Date.parse(String(headers.get('date')))
  // Every answer says when the primary limit begins anew; it matters only once that one is used up.
  if (headers.get('x-ratelimit-remaining') !== '0') return UNNAMED_S
  if (Number.isFinite(reset) && Number.isFinite(date)) return reset - date / 1000
  return UNNAMED_S
}
