import { z } from 'zod'
import { Fault } from '../../errors.ts'
import type { ApiAnswer, ApiRequest } from './api-answer.ts'

const Told = z.object({ message: z.string() })
const SHOWN = 300

/**
 * The Fault for an answer that is no success.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (403 and 429 of a limit)
 */
export function githubFault(request: Pick<ApiRequest, 'host' | 'method' | 'path'>, answer: ApiAnswer): Fault {
  const { status } = answer
  const said = messageOf(answer)
  const what = `GitHub (${request.host}) answered ${request.method} ${request.path} with HTTP ${status}: ${said}.`
  const details = { host: request.host, status }
  if (isRateLimited(answer)) {
    const seconds = retryAfterSeconds(answer)
    return new Fault('github_rate_limited', `${what} Try again in ${seconds} s.`, { ...details, retryAfterS: seconds })
  }
  if (status === 401) {
    const advice = `The token is wrong or has ended. Renew it: gh auth login --hostname ${request.host}, or set GH_TOKEN.`
    return new Fault('github_unauthorized', `${what} ${advice}`, details)
  }
  if (status === 403) {
    const advice = 'The token may not do this. It needs write access to contents and pull requests of the repository.'
    return new Fault('github_forbidden', `${what} ${advice}`, details)
  }
  if (status === 404) {
    const advice = 'There is no such thing, or the token may not see it. Check the repository and the token.'
    return new Fault('github_not_found', `${what} ${advice}`, details)
  }
  if (status >= 500)
    return new Fault('github_unreachable', `${what} It should pass; see https://www.githubstatus.com`, details)
  return new Fault('github_failed', what, details)
}

/** No answer came: whatever was asked may or may not have happened. */
export function unreachableFault(host: string, why: string, cause?: unknown): Fault {
  const message = `GitHub (${host}) cannot be reached: ${why}. Check the network, then try again.`
  return new Fault('github_unreachable', message, { host }, cause)
}

export function messageOf({ body }: ApiAnswer): string {
  const told = Told.safeParse(body)
  const text = told.success ? told.data.message : 'no reason given'
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, SHOWN)
}

function isRateLimited(answer: ApiAnswer): boolean {
  const { status, headers } = answer
  if (status === 429) return true
  if (status !== 403) return false
  return (
    headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0' || /rate limit/i.test(messageOf(answer))
  )
}

/** GitHub asks for at least a minute where it names no time. */
const UNNAMED_S = 60

function retryAfterSeconds({ headers }: ApiAnswer): number {
  const named = Number(headers.get('retry-after'))
  if (headers.has('retry-after') && Number.isFinite(named)) return Math.max(1, Math.ceil(named))
  const reset = Number(headers.get('x-ratelimit-reset'))
  const date = Date.parse(String(headers.get('date')))
  if (Number.isFinite(reset) && Number.isFinite(date)) return Math.max(1, Math.ceil(reset - date / 1000))
  return UNNAMED_S
}
