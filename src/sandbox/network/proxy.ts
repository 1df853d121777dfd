import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { allows, type NetworkPlace, placeOf, type RefusedHost } from '../../contract/hosts/host-rule.ts'
import { listenOnLoopback } from '../reach/listen-on-loopback.ts'
import { listenInHome } from '../reach/socket-folder.ts'
import { createWayOut, openTunnel, sendOn, type WayOut, type WayOutOptions } from './way-out.ts'

const MOST_HEADER_BYTES = 16 * 1024
const HEADERS_MS = 15_000
const COUNTED_EVERY_MS = 1_000

const LIMITS = {
  connections: 256,
  /** Of a connection on which nothing moves. */
  idleMs: 5 * 60_000,
  /** Both ways together: more than any set-up fetches. */
  bytes: 32 * 1024 ** 3,
}

export type ProxyOptions = WayOutOptions & {
  /** On a Unix socket in this home, which is an absolute path; null: on a port of loopback. */
  home: string | null
  /** Told once of every place that is refused. */
  onRefused: (refused: RefusedHost) => void
  limits?: Partial<typeof LIMITS>
}

/** Disposing it ends every connection through it. */
export type OpenProxy = AsyncDisposable & {
  /** Absolute path, or a port of 127.0.0.1. */
  at: { socket: string } | { port: number }
  refused(): RefusedHost[]
}

/**
 * An HTTP proxy for one child: CONNECT for https and whatever else speaks through a tunnel, absolute-form for http. What
 * goes through a tunnel is not looked at. What is refused is answered with 403 and a sentence that says why.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-connect and https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form
 */
export async function openProxy(options: ProxyOptions): Promise<OpenProxy> {
  const { granted, home } = options
  const parts: Parts = {
    granted,
    limits: { ...LIMITS, ...options.limits },
    wayOut: createWayOut(options),
    refusals: new Refusals(options.onRefused),
    sockets: new Set(),
    passed: 0,
  }
  const server = createServer({ maxHeaderSize: MOST_HEADER_BYTES, headersTimeout: HEADERS_MS })
  server.maxConnections = parts.limits.connections
  server.on('drop', () => parts.refusals.add({ host: 'connections', port: null }, 'too_much'))
  server.on('connection', (socket: Socket) => keep(parts, socket))
  server.on('connect', (request, client, head) => void tunnel(parts, request, { client, head }))
  server.on('request', (request, response) => void exchange(parts, request, response))
  server.on('clientError', (_error, socket) => endWith(socket, REFUSALS.malformed))
  const listening = home === null ? await listenOnLoopback(server) : await listenInHome(server, home)
  const counting = setInterval(() => count(parts), COUNTED_EVERY_MS)
  counting.unref()
  return {
    at: 'socket' in listening ? { socket: listening.socket } : { port: listening.port },
    refused: () => parts.refusals.list(),
    async [Symbol.asyncDispose]() {
      clearInterval(counting)
      const closed = once(server, 'close')
      await listening[Symbol.asyncDispose]()
      for (const socket of parts.sockets) socket.destroy()
      await closed
    },
  }
}

type Parts = {
  granted: readonly string[]
  limits: typeof LIMITS
  wayOut: ReturnType<typeof createWayOut>
  refusals: Refusals
  /** All that are open, on both sides. */
  sockets: Set<Socket>
  /** Bytes of those that are closed. */
  passed: number
}

function keep(parts: Parts, socket: Socket): void {
  parts.sockets.add(socket)
  socket.setTimeout(parts.limits.idleMs, () => socket.destroy())
  socket.once('close', () => {
    parts.sockets.delete(socket)
    parts.passed += bytesOf(socket)
  })
}

const bytesOf = ({ bytesRead, bytesWritten }: Socket): number => bytesRead + bytesWritten

/** What passes is counted on both sides. */
function isSpent({ passed, sockets, limits }: Parts): boolean {
  let bytes = passed
  for (const socket of sockets) bytes += bytesOf(socket)
  return bytes > 2 * limits.bytes
}

function count(parts: Parts): void {
  if (parts.sockets.size === 0 || !isSpent(parts)) return
  parts.refusals.add({ host: 'bytes', port: null }, 'too_much')
  for (const socket of parts.sockets) socket.destroy()
}

type Answer = { status: number; text: string }

const REFUSALS: Readonly<Record<RefusedHost['why'], Answer>> = {
  malformed: { status: 400, text: 'Moose: this is a proxy for http and https, and that is no place on the net.' },
  not_granted: { status: 403, text: 'Moose: this host is not granted to the project.' },
  no_public_address: {
    status: 403,
    text: 'Moose: this host has no address of the public net, and an inner one has to be granted itself.',
  },
  too_much: { status: 403, text: 'Moose: too much has gone through this proxy.' },
}
const UNREACHED: Answer = { status: 502, text: 'Moose: this host cannot be reached.' }

/** The way to where a request wants to go; what it is answered with where there is none. */
async function admit(
  parts: Parts,
  { place, asked, scheme }: { place: NetworkPlace | null; asked: string; scheme: 'http' | 'https' },
): Promise<{ way: WayOut; place: NetworkPlace } | Answer> {
  const refuse = (why: RefusedHost['why']): Answer => {
    parts.refusals.add(place === null ? { host: asked, port: null } : place, why)
    const { status, text } = REFUSALS[why]
    return { status, text: place === null ? text : `${text} (${place.host}:${place.port})` }
  }
  if (place === null) return refuse('malformed')
  if (!parts.granted.some((rule) => allows(rule, place))) return refuse('not_granted')
  if (isSpent(parts)) return refuse('too_much')
  try {
    const way = await parts.wayOut(place, scheme)
    return way === null ? refuse('no_public_address') : { way, place }
  } catch (error) {
    return unreached(error)
  }
}

/** The reason is one of the system, of a resolver, or of the operator's proxy: it names no login. */
function unreached(error: unknown): Answer {
  const why = error instanceof Error ? error.message : String(error)
  return { ...UNREACHED, text: `${UNREACHED.text} (${why.replaceAll(/[^ -~]/g, '?').slice(0, 200)})` }
}

async function tunnel(
  parts: Parts,
  request: IncomingMessage,
  { client, head }: { client: Duplex; head: Buffer },
): Promise<void> {
  client.on('error', () => client.destroy())
  const asked = String(request.url)
  const admitted = await admit(parts, { place: placeOf(asked, null), asked, scheme: 'https' })
  if ('status' in admitted) return endWith(client, admitted)
  try {
    const remote = await openTunnel(admitted.way, admitted.place)
    keep(parts, remote)
    remote.on('error', () => client.destroy())
    remote.once('close', () => client.destroy())
    client.once('close', () => remote.destroy())
    if (client.destroyed) return void remote.destroy()
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    if (head.length > 0) remote.write(head)
    client.pipe(remote)
    remote.pipe(client)
  } catch (error) {
    endWith(client, unreached(error))
  }
}

function endWith(client: Duplex, { status, text }: Answer): void {
  if (client.destroyed || !client.writable) return
  const head = `HTTP/1.1 ${status} ${status === 403 ? 'Forbidden' : status === 400 ? 'Bad Request' : 'Bad Gateway'}`
  const body = `${text}\n`
  client.on('error', () => client.destroy())
  client.end(
    `${head}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Of one connection, not of what is sent over it. @see https://www.rfc-editor.org/rfc/rfc9110#name-connection */
const OF_CONNECTION = new Set(
  'connection proxy-connection keep-alive proxy-authenticate proxy-authorization te trailer upgrade'.split(' '),
)

function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set(
    String(headers.connection)
      .toLowerCase()
      .split(/[\s,]+/),
  )
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name) && (!named.has(name) || name === 'host')),
  )
}

/** The Host of a request is the one that was looked at, whatever it says itself. */
async function exchange(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.on('error', () => response.destroy())
  const asked = String(request.url)
  const [, authority, path = ''] = /^http:\/\/([^/?#]{1,300})([^#]*)$/i.exec(asked) ?? []
  const place = authority === undefined ? null : placeOf(authority, 80)
  const admitted = await admit(parts, { place, asked, scheme: 'http' })
  if ('status' in admitted) return answer(response, admitted)
  const { way, place: to } = admitted
  const sent = sendOn(way, to, {
    method: String(request.method),
    path: path.startsWith('/') ? path : `/${path}`,
    headers: { ...passedOn(request.headers), host: to.port === 80 ? to.host : `${to.host}:${to.port}` },
    setHost: false,
  })
  sent.once('socket', (socket) => keep(parts, socket))
  sent.once('timeout', () => sent.destroy(new Error('it does not answer')))
  sent.once('response', (received) => {
    response.writeHead(Number(received.statusCode), passedOn(received.headers))
    pipeline(received, response, () => received.destroy())
  })
  sent.once('error', (error) => answer(response, unreached(error)))
  response.once('close', () => sent.destroy())
  request.pipe(sent)
}

function answer(response: ServerResponse, { status, text }: Answer): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`)
}

/** Different places that are told each; further ones are counted together. */
const MOST_TOLD = 50
const LONGEST_SHOWN = 100
const OTHERS = '(others)'

/** What one child was refused. What it asked for is its own text: it is cut, and has no character that could do harm. */
class Refusals {
  readonly #told = new Map<string, RefusedHost>()
  readonly #onFirst: (refused: RefusedHost) => void

  /** @param onFirst told of every place once, and of the first beyond those that are told each */
  constructor(onFirst: (refused: RefusedHost) => void) {
    this.#onFirst = onFirst
  }

  add(place: NetworkPlace | { host: string; port: null }, why: RefusedHost['why']): void {
    const host = place.host.slice(0, LONGEST_SHOWN).replaceAll(/[^A-Za-z0-9.:_*[\]-]/g, '?')
    const key = `${host} ${place.port} ${why}`
    const isRoom = this.#told.has(key) || this.#told.size < MOST_TOLD
    const [name, first] = isRoom
      ? [key, { host, port: place.port, times: 0, why }]
      : [OTHERS, { host: OTHERS, port: null, times: 0, why }]
    const known = this.#told.get(name)
    const entry = known === undefined ? first : known
    entry.times += 1
    this.#told.set(name, entry)
    if (known === undefined) this.#onFirst({ ...entry })
  }

  /** In the order in which each was refused first. */
  list(): RefusedHost[] {
    return [...this.#told.values()].map((entry) => ({ ...entry }))
  }
}
