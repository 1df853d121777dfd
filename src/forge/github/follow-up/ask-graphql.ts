import { z } from 'zod'
import { Fault } from '../../../faults/fault.ts'
import type { OfPullRequest } from '../../../ports/pull-request-facts.ts'
import {
  type ApiAnswer,
  callApi,
  githubFault,
  isRefusal,
  isTooLong,
  messageOf,
  refusal,
  tooLongFault,
} from '../github-api.ts'
import { githubRepositoryOf } from '../github-repository.ts'
import type { GitHubForgeParts } from '../pulls.ts'

export type Query = { query: string; variables: Record<string, unknown> }
/** `changes`: it is a mutation, which waits for its turn. */
export type Asking = { of: Pick<OfPullRequest, 'project'>; changes: boolean; signal: AbortSignal }

/**
 * What a query or a mutation gives, in the form of a schema.
 *
 * @throws {Fault} `github_*`: also where GitHub answers 200 and refuses what was asked for
 */
export async function askGraphQL<Schema extends z.ZodType>(
  parts: Pick<GitHubForgeParts, 'gh'>,
  asking: Asking,
  body: Query,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const answer = await callGraphQL(parts, asking, body)
  if (answer.isCut) throw tooLongFault(githubRepositoryOf(asking.of.project).host)
  const parsed = Data.safeParse(answer.body)
  const data = schema.safeParse(parsed.success ? parsed.data.data : null)
  if (data.success) return data.data
  const { host } = githubRepositoryOf(asking.of.project)
  const refused = refusalIn(answer)
  if (refused !== null) throw new Fault(refused.code, `GitHub (${host}) refused that: ${refused.message}.`, { host })
  const message = `GitHub (${host}) answered in a form Moose does not know.`
  throw new Fault('github_failed', message, { host, isUnread: true }, data.error)
}

/** Of an answer that could not be read, where GitHub refused nothing: asking again later may end better. */
export function asPassing(error: unknown): never {
  if (!isTooLong(error) && !(error instanceof Fault && error.details['isUnread'] === true)) throw error
  const message = `${error.message} It is tried again later.`
  throw new Fault('github_unreachable', message, error.details, error)
}

/** The answer as it came, also with a refusal in it. @throws {Fault} `github_*` where there is nothing else in it */
export async function callGraphQL(
  { gh }: Pick<GitHubForgeParts, 'gh'>,
  { of, changes, signal }: Asking,
  body: Query,
): Promise<ApiAnswer> {
  const { host } = githubRepositoryOf(of.project)
  const request = { host, method: 'POST', path: 'graphql', body, changes, signal } as const
  const answer = await callApi(gh, request)
  if (!isRefusal(answer) || refusalIn(answer) !== null) return answer
  if (answer.status !== 200 || !/^something went wrong/i.test(messageOf(answer))) throw githubFault(request, answer)
  throw refusal('github_unreachable', `GitHub (${host}) did not answer: ${messageOf(answer)}.`, { host })
}

const Data = z.object({ data: z.unknown() })
/** Of a longer list a schema says only that. */
const MOST_ERRORS = 1_000
const Errors = z.object({
  errors: z
    .array(z.object({ type: z.string().optional(), message: z.string() }))
    .min(1)
    .max(MOST_ERRORS),
})
const CODES = { NOT_FOUND: 'github_not_found', FORBIDDEN: 'github_forbidden', UNPROCESSABLE: 'github_failed' } as const

/** What GitHub says it does not do, where it answers 200; null: it does. */
export function refusalIn(answer: ApiAnswer): { code: (typeof CODES)[keyof typeof CODES]; message: string } | null {
  const parsed = Errors.safeParse(answer.body)
  const [first] = parsed.success ? parsed.data.errors : []
  if (answer.status !== 200 || first === undefined) return null
  const { type } = first
  if (type !== 'NOT_FOUND' && type !== 'FORBIDDEN' && type !== 'UNPROCESSABLE') return null
  const body = { message: first.message }
  const message = messageOf({ ...answer, body })
  return { code: CODES[type], message: message.endsWith('.') ? message.slice(0, -1) : message }
}
