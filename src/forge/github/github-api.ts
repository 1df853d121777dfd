import type { z } from 'zod'
import { Fault } from '../../faults/fault.ts'
import type { ApiAnswer, ApiRequest } from './api-answer.ts'
import type { Gh, GhResult } from './gh.ts'
import { githubFault, isRefusal, unreachableFault } from './github-faults.ts'

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

/** Moose only asks over GraphQL. */
function isMutation({ method, path }: ApiRequest): boolean {
  return method !== 'GET' && path !== 'graphql'
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
  const answer = await callApi(gh, request)
  if (isRefusal(answer)) throw githubFault(request, answer)
  const parsed = schema.safeParse(answer.body)
  if (parsed.success) return parsed.data
  const message = `GitHub (${request.host}) answered ${request.method} ${request.path} in a form Moose does not know.`
  throw new Fault('github_failed', message, { host: request.host, status: answer.status }, parsed.error)
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
function parseAnswer({ stdout: text, shown }: Pick<GhResult, 'stdout' | 'shown'>): ApiAnswer | null {
  const status = /^HTTP\/[\d.]+ (\d{3})/.exec(text)
  if (status === null) return null
  const beginning = text.slice(0, LONGEST_HEAD)
  const end = /\r?\n\r?\n/.exec(beginning)
  const head = end === null ? beginning : text.slice(0, end.index)
  const body = end === null ? '' : text.slice(end.index + end[0].length)
  return { status: Number(status[1]), headers: parseHeaders(head), body: parseJson(body), shown }
}

function parseHeaders(head: string): ReadonlyMap<string, string> {
  const lines = head.split(/\r?\n/).slice(1)
  return new Map(lines.map((line) => [line.replace(/:.*/s, '').toLowerCase(), line.replace(/^[^:]*:\s*/, '')]))
}

/** A proxy's page of HTML is an answer without a body; its status still counts. */
function parseJson(text: string): unknown {
  try {
    const parsed: unknown = text === '' ? null : JSON.parse(text)
    return parsed
  } catch {
    return null
  }
}
