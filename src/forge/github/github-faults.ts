import { z } from 'zod'
import { Fault, type FaultCode } from '../../faults/fault.ts'
import type { ApiAnswer, ApiRequest } from './api-answer.ts'

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

/** How to give Moose a token for a host, as words in a sentence. */
export function tokenVariables(host: string): string {
  return host === 'github.com' ? 'set GH_TOKEN' : `set GH_HOST=${host} and GH_ENTERPRISE_TOKEN`
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
