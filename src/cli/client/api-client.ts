import type { z } from 'zod'
import { CheckEvent, type CheckProject } from '../../contract/base-checks.ts'
import { EventsResponse, type EventView, type SettingsChanged } from '../../contract/events.ts'
import { FaultBody } from '../../contract/faults.ts'
import { WorkOrderParams } from '../../contract/work-orders.ts'
import { Fault, isFaultCode, toFault } from '../../faults/fault.ts'
import { readAll, readEvents, readStream } from './event-stream.ts'

/** Takes a request to the API: over the network, or straight to the app in this process. */
export type Send = (request: Request) => Response | Promise<Response>

type Call<T> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the root, e.g. `/api/work-orders`; encoded. */
  path: string
  /** Sent as JSON. */
  body?: unknown
  answer: z.ZodType<T>
  signal?: AbortSignal
}

export type HistoryQuery = { after?: string; find?: string }

/** The HTTP API as functions. Answers are checked against the contract; error bodies are thrown as the Fault they carry. */
export type ApiClient = {
  /** @throws {Fault} what the API answers; `service_unreachable` without an answer */
  call<T>(call: Call<T>): Promise<T>
  /** What a path answers that is no JSON, such as CSV. @throws {Fault} as `call` */
  text(path: string, type: string): Promise<string>
  /**
   * Events after an id (`0`: from the beginning), oldest first, then those that come, until the signal aborts. Of one
   * order the stream ends by itself once nothing more will come without a human; `workOrderId` null means all orders.
   */
  follow(query: { workOrderId: string | null; afterId: string; signal: AbortSignal }): AsyncGenerator<EventView>
  /** As `follow` of all orders; in between what is told of settings. */
  followAll(query: { afterId: string; signal: AbortSignal }): AsyncGenerator<EventView | SettingsChanged>
  /**
   * Runs set-up and checks of a project on its base commit. Leaving the loop, or aborting, ends them.
   *
   * @throws {Fault} also what ended the check, such as `repository_unreachable` and `checks_invalid`
   */
  check(project: string, body: CheckProject, signal: AbortSignal): AsyncGenerator<CheckEvent>
  /** The stored events of an order, oldest first; those after an id, those with a text. */
  history(workOrderId: string, signal?: AbortSignal, only?: HistoryQuery): AsyncGenerator<EventView>
}

export function createApiClient(baseUrl: string, send: Send): ApiClient {
  const ask = async (path: string, init: RequestInit) => {
    const response = await reach(send, new Request(new URL(path, baseUrl), init))
    if (!response.ok) throw await faultOf(response)
    return response
  }
  const client: ApiClient = {
    async call<T>({ method, path, body, answer, signal }: Call<T>) {
      const response = await ask(path, {
        method,
        headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      })
      return parseAnswer(await jsonOf(response), answer)
    },
    text: async (path, type) => await (await ask(path, { headers: { accept: type } })).text(),
    async *follow({ workOrderId, afterId, signal }) {
      const query = workOrderId === null ? `?after=${afterId}` : `?after=${afterId}&follow=attempt`
      const headers = { accept: 'text/event-stream' }
      const response = await ask(`${eventsPath(workOrderId)}${query}`, { headers, signal })
      if (response.body !== null) yield* readEvents(response.body, signal)
    },
    async *followAll({ afterId, signal }) {
      const headers = { accept: 'text/event-stream' }
      const response = await ask(`/api/events?after=${afterId}&settings=true`, { headers, signal })
      if (response.body !== null) yield* readAll(response.body, signal)
    },
    async *check(project, body, signal) {
      const response = await ask(`/api/projects/${encodeURIComponent(project)}/check`, {
        method: 'POST',
        headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal,
      })
      if (response.body === null) return
      for await (const event of readStream(response.body, signal, CheckEvent)) {
        if (event.type === 'failed') throw asFault(event.error)
        yield event
      }
    },
    async *history(workOrderId, signal, only = {}) {
      for await (const page of pages(client, workOrderId, only, signal)) yield* page
    },
  }
  return client
}

/** The stored events, page by page; no page is empty. */
async function* pages(
  client: ApiClient,
  workOrderId: string,
  only: HistoryQuery,
  signal?: AbortSignal,
): AsyncGenerator<EventView[]> {
  const query = new URLSearchParams({ after: '0', ...only })
  for (;;) {
    const path = `${eventsPath(workOrderId)}?${query.toString()}`
    const interruptible = signal === undefined ? {} : { signal }
    const { events } = await client.call({ method: 'GET', path, answer: EventsResponse, ...interruptible })
    const last = events.at(-1)
    if (last === undefined) return
    yield events
    query.set('after', last.id)
  }
}

/**
 * Path of one work order.
 *
 * @param id whole, or its first characters
 * @throws {Fault} `work_order_not_found` for a text that cannot be one: it must not become another path
 */
export function workOrderPath(id: string): string {
  if (WorkOrderParams.shape.id.safeParse(id).success) return `/api/work-orders/${id}`
  const message = `"${id.slice(0, 80)}" is no id of a work order: that takes at least 4 characters of 0-9 and a-f. See them with: moose list`
  throw new Fault('work_order_not_found', message, { id: id.slice(0, 80) })
}

/**
 * Path of one proposer.
 *
 * @throws {Fault} `not_found` for a name that would become another path
 */
export function proposerPath(name: string): string {
  if (name !== '' && name !== '.' && name !== '..') return `/api/proposers/${encodeURIComponent(name)}`
  const message = `There is no proposer "${name}". See them with: moose proposer list`
  throw new Fault('not_found', message, { proposer: name })
}

/** Path of one project. */
export function projectPath(name: string): string {
  return `/api/projects/${encodeURIComponent(name)}`
}

function eventsPath(workOrderId: string | null): string {
  return workOrderId === null ? '/api/events' : `${workOrderPath(workOrderId)}/events`
}

async function reach(send: Send, request: Request): Promise<Response> {
  try {
    return await send(request)
  } catch (error) {
    if (error instanceof Fault || request.signal.aborted) throw error
    const message = `Moose does not answer at ${new URL(request.url).origin}: ${toFault(error).message}. Is it running? See with: moose status`
    throw new Fault('service_unreachable', message, {}, error)
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = `What answers at ${response.url} is not Moose (${response.status}, no JSON).`
    throw new Fault('internal', message, { status: response.status }, error)
  }
}

function parseAnswer<T>(body: unknown, answer: z.ZodType<T>): T {
  const parsed = answer.safeParse(body)
  if (parsed.success) return parsed.data
  const message = 'The service answered something this version of Moose does not know. Do both run the same version?'
  throw new Fault('internal', message, {}, parsed.error)
}

/** The Fault an error answer carries. */
async function faultOf(response: Response): Promise<Fault> {
  return asFault(parseAnswer(await jsonOf(response), FaultBody).error)
}

/** What an answer names as an error; a code of another version becomes `internal` and stays in the details. */
export function asFault(error: z.infer<typeof FaultBody>['error']): Fault {
  const details = error.details === undefined ? {} : error.details
  if (isFaultCode(error.code)) return new Fault(error.code, error.message, details)
  return new Fault('internal', error.message, { ...details, code: error.code })
}
