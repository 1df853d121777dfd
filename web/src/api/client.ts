import createClient from 'openapi-fetch'
import type { components, paths } from '../../generated/contract.d.ts'

export type Schemas = components['schemas']
export type Order = Schemas['WorkOrder']
export type ListedOrder = Schemas['ListedWorkOrder']
export type OrderDetail = Schemas['WorkOrderDetail']
export type InboxEntry = Schemas['InboxEntry']
export type MooseEvent = Schemas['Event']
export type Numbers = Schemas['Numbers']
export type NumbersQuery = NonNullable<paths['/api/numbers']['get']['parameters']['query']>
export type Scope = Schemas['Scope']
/** What happens while set-up and checks of a project run. */
export type CheckEvent = Extract<
  paths['/api/projects/{name}/check']['post']['responses'][200]['content']['text/event-stream'],
  { type: string }
>

/** The API of the server that the page came from. The session is in a cookie, which no code of the page can read. */
export const api = createClient<paths, 'application/json'>({
  baseUrl: window.location.origin,
  headers: { Accept: 'application/json' },
})

/** What the API answered in place of what was asked for. */
export class ApiFault extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Codes of the page itself: no answer came, or one that is not of Moose. */
const NO_ANSWER = 'no_answer'

type Answered<Data> = { data?: Data; error?: unknown; response: Response }

/** What an answer holds. @throws {ApiFault} what it says went wrong, or `no_answer` */
export async function answer<Data>(call: Promise<Answered<Data>>): Promise<Data> {
  const answered = await call.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiFault(NO_ANSWER, 'Moose does not answer. Is it running? See with: moose status')
  })
  if (answered.data !== undefined) return answered.data
  throw faultOf(answered.error, answered.response.status)
}

function faultOf(body: unknown, status: number): ApiFault {
  if (isFaultBody(body)) return new ApiFault(body.error.code, body.error.message)
  return new ApiFault(NO_ANSWER, `What answers is not Moose (${status}). Is something between the browser and it?`)
}

export function isFaultBody(body: unknown): body is { error: { code: string; message: string } } {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false
  const { error } = body
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error
}

/** Whether no answer came, or one of another program. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof ApiFault && error.code === NO_ANSWER
}

/** Whether the session is over, or there never was one. */
export function isLoggedOut(error: unknown): boolean {
  return error instanceof ApiFault && error.code === 'unauthenticated'
}
