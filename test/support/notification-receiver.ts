import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { sql } from 'kysely'
import type { Moose } from '../../src/app.ts'
import { EndpointsResponse, NewEndpointResponse } from '../../src/contract/notifications/endpoints.ts'
import { listenOnLoopback } from './loopback.ts'
import type { MooseHome } from './moose-home.ts'

export type Received = { headers: IncomingMessage['headers']; body: string; path: string }

/** A receiver on loopback. `answers`: the status of each in turn, the last one from then on; null: it never answers. */
export async function receiver(...answers: (number | null)[]) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), path: String(request.url) })
      const status = answers.length > 1 ? answers.shift() : answers[0]
      if (status !== null && status !== undefined)
        response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end()
    })
  })
  const listening = await listenOnLoopback(server)
  return { url: `${listening.origin}/hooks`, received, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() }
}

/** Calls the API as who runs this process. */
export async function call(
  moose: Moose,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; said: unknown }> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const response = await moose.http.fetch(new Request(`http://127.0.0.1${path}`, { method, ...sent }))
  return { status: response.status, said: await response.json() }
}
/** Adds an endpoint. */
export async function added(moose: Moose, body: Record<string, unknown>) {
  const { status, said } = await call(moose, 'POST', '/api/notifications', body)
  assert.equal(status, 201, JSON.stringify(said))
  return NewEndpointResponse.parse(said)
}
export const listed = async (moose: Moose) =>
  EndpointsResponse.parse((await call(moose, 'GET', '/api/notifications')).said).endpoints

/** What an endpoint was sent, by kind, with what it is about. */
export const sentTo = async (home: MooseHome, name: string) => {
  const { rows } = await sql<{ kind: string; data: Record<string, unknown> }>`
    select kind, data from notification_outbox where endpoint_id = (select id from notification_endpoints where name = ${name})
    order by created_at, kind`.execute(home.database.db)
  return rows
}
export const kindsTo = async (home: MooseHome, name: string) => (await sentTo(home, name)).map(({ kind }) => kind)
