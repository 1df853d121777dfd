import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import type { Network } from './network-route.ts'

/**
 * `fetch` for servers that think before they answer. Node's own gives up when the headers, or the next piece of a
 * body, take longer than 300 seconds, whatever the caller's signal says; this one waits until the signal ends it.
 * It follows no redirect and asks for no compression. A name and password in the URL become basic authentication;
 * `Request` would refuse them with an error that quotes both.
 * @see https://undici.nodejs.org/#/docs/api/Client (headersTimeout, bodyTimeout)
 */
export const patientFetch: typeof fetch = (input, init) => fetchBy(DIRECTLY, input, init)

/** No proxy, and Node's own certificates. */
export const DIRECTLY: Pick<Network, 'agentFor'> = { agentFor: () => undefined }

/** `patientFetch` through the proxies, and with the certificates, of a network. @throws {Fault} those of `agentFor` */
export async function fetchBy(
  network: Pick<Network, 'agentFor'>,
  ...[input, init]: Parameters<typeof fetch>
): Promise<Response> {
  const { url, auth } = splitCredentials(new URL(input instanceof Request ? input.url : input))
  const agent = network.agentFor(url)
  const request = new Request(input instanceof Request ? input : url, init)
  request.signal.throwIfAborted()
  const body = Buffer.from(await request.arrayBuffer())
  return toResponse(await send(request, body, { auth, agent }))
}

/** `auth` as Node wants it, undefined when the URL has none. */
function splitCredentials(url: URL): { url: URL; auth: string | undefined } {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  const auth = url.username === '' ? undefined : [url.username, url.password].map(decodeURIComponent).join(':')
  return { url: bare, auth }
}

type Through = { auth: string | undefined; agent: Agent | undefined }

function send(request: Request, body: Buffer, { auth, agent }: Through): Promise<IncomingMessage> {
  const start = new URL(request.url).protocol === 'https:' ? httpsRequest : httpRequest
  const headers = { ...Object.fromEntries(request.headers), 'content-length': String(body.byteLength) }
  return new Promise((resolve, reject) => {
    const outgoing = start(request.url, { method: request.method, headers, signal: request.signal, auth, agent })
    outgoing.once('response', resolve)
    // Node tells of a 101 by this event alone, and the signal ends it no more.
    outgoing.once('upgrade', (_incoming, socket) => {
      socket.destroy()
      reject(new Error('The server answered 101, for another protocol that was not asked for.'))
    })
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
  const status = Number(incoming.statusCode)
  const bodyless = status === 204 || status === 205 || status === 304
  if (bodyless) incoming.resume()
  return new Response(bodyless ? null : Readable.toWeb(incoming), { status, headers })
}
