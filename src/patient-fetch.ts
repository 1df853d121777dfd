import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'

/**
 * `fetch` for servers that think before they answer. Node's own gives up when the headers, or the next piece of a
 * body, take longer than 300 seconds, whatever the caller's signal says; this one waits until the signal ends it.
 * It follows no redirect and asks for no compression.
 * @see https://undici.nodejs.org/#/docs/api/Client (headersTimeout, bodyTimeout)
 */
export const patientFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init)
  request.signal.throwIfAborted()
  const body = Buffer.from(await request.arrayBuffer())
  const incoming = await send(request, body)
  return toResponse(incoming)
}

function send(request: Request, body: Buffer): Promise<IncomingMessage> {
  const start = new URL(request.url).protocol === 'https:' ? httpsRequest : httpRequest
  const headers = { ...Object.fromEntries(request.headers), 'content-length': String(body.byteLength) }
  return new Promise((resolve, reject) => {
    const outgoing = start(request.url, { method: request.method, headers, signal: request.signal })
    outgoing.once('response', resolve)
    // Stays for the life of the request: a connection that breaks later is reported by the response's own stream.
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function toResponse(incoming: IncomingMessage): Response {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values === undefined ? [] : values) headers.append(name, value)
  }
  const status = incoming.statusCode as number
  const bodyless = status === 204 || status === 205 || status === 304
  if (bodyless) incoming.resume()
  return new Response(bodyless ? null : Readable.toWeb(incoming), { status, headers })
}
