import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  request as requestHttp,
} from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect, isIP, isIPv6, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { allows, isName, type NetworkPlace } from '../../contract/hosts/host-rule.ts'
import type { Network } from '../../remote/network-route.ts'
import { isPublicAddress } from './public-address.ts'

const CONNECT_MS = 30_000
/** Names of one child; more are asked for again. */
const MOST_NAMES = 1_000

/** How a place is reached: through the operator's own proxy, or at one of the addresses that were looked at. */
export type WayOut =
  | { proxy: { url: URL; secureContext: SecureContext | undefined }; addresses: null }
  | { proxy: null; addresses: readonly string[] }

export type WayOutOptions = {
  /** `HostRule`s; one that is an address admits names that stand at it. */
  granted: readonly string[]
  network: Network
  resolve: (name: string) => Promise<readonly string[]>
}

/**
 * Finds the way to granted places. A name is resolved once, and its connections go to the addresses that were looked at
 * then. Where the operator's proxy leads out, the name goes to that proxy, which alone knows its address.
 *
 * @returns of a name without an address of the public net or one that is granted: null
 */
export function createWayOut({ granted, network, resolve }: WayOutOptions) {
  const known = new Map<string, readonly string[]>()
  return async (place: NetworkPlace, scheme: 'http' | 'https'): Promise<WayOut | null> => {
    const proxy = network.proxyFor(new URL(`${scheme}://${place.host}:${place.port}`))
    if (proxy !== null) return { proxy, addresses: null }
    const { host, port } = place
    if (!isName(host)) return { proxy: null, addresses: [host.replaceAll(/[[\]]/g, '')] }
    const found = known.get(host) ?? (await resolve(host))
    if (known.size < MOST_NAMES) known.set(host, found)
    const admitted = found.filter((address) => isPublicAddress(address) || isGranted(granted, { address, port }))
    return admitted.length === 0 ? null : { proxy: null, addresses: admitted }
  }
}

function isGranted(granted: readonly string[], { address, port }: { address: string; port: number }): boolean {
  const host = isIPv6(address) ? `[${address}]` : address
  return granted.some((rule) => allows(rule, { host, port }))
}

/** @throws {Error} of the system, or of a proxy that refuses */
export async function openTunnel(way: WayOut, { host, port }: NetworkPlace): Promise<Socket> {
  if (way.proxy !== null) return await throughProxy(way.proxy, `${host}:${port}`)
  const socket = connect({ host, port, allowHalfOpen: true, timeout: CONNECT_MS, ...directly(way.addresses) })
  await settled(socket, 'connect')
  return socket
}

/** The request of a child to a place of http, sent on. */
export function sendOn(
  way: WayOut,
  { host, port }: NetworkPlace,
  request: Omit<RequestOptions, 'headers' | 'path'> & { headers: OutgoingHttpHeaders; path: string },
): ClientRequest {
  if (way.proxy === null)
    return requestHttp({ ...request, host, port, agent: false, timeout: CONNECT_MS, ...directly(way.addresses) })
  const { headers, path } = request
  const options = { ...toProxy(way.proxy), ...request, headers: { ...headers, ...login(way.proxy.url) } }
  return requestTo(way.proxy, { ...options, path: `http://${host}:${port}${path}` })
}

/** Nothing is resolved again: a name might have another address by now. */
function directly(addresses: readonly string[]): { lookup: LookupFunction; autoSelectFamily: true; host?: string } {
  const [only] = addresses
  const entries = addresses.map((address) => ({ address, family: isIP(address) }))
  const lookup: LookupFunction = (_name, options, found) => {
    if (options.all === true) found(null, entries)
    else found(null, String(only), isIP(String(only)))
  }
  // Of a place that is an address nothing is looked up.
  return { lookup, autoSelectFamily: true, ...(addresses.length === 1 && only !== undefined ? { host: only } : {}) }
}

type Proxy = NonNullable<WayOut['proxy']>

async function throughProxy(proxy: Proxy, authority: string): Promise<Socket> {
  const headers = { host: authority, ...login(proxy.url) }
  const request = requestTo(proxy, { ...toProxy(proxy), method: 'CONNECT', path: authority, headers })
  request.end()
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  request.once('error', reject)
  request.once('timeout', () => request.destroy(new Error('the proxy does not answer')))
  request.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
    if (answer.statusCode !== 200) {
      socket.destroy()
      return reject(new Error(`the proxy of this machine answers ${answer.statusCode}`))
    }
    if (head.length > 0) socket.unshift(head)
    resolve(socket)
  })
  request.once('response', (answer) => {
    answer.resume()
    reject(new Error(`the proxy of this machine answers ${answer.statusCode}`))
  })
  return await promise
}

function requestTo({ url }: Proxy, options: RequestOptions): ClientRequest {
  return url.protocol === 'https:' ? requestHttps(options) : requestHttp(options)
}

function toProxy({ url, secureContext }: Proxy): RequestOptions & { secureContext?: SecureContext } {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const place = { host: url.hostname.replaceAll(/[[\]]/g, ''), port, agent: false, timeout: CONNECT_MS } as const
  return secureContext === undefined ? place : { ...place, secureContext }
}

function login({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

async function settled(socket: Socket, event: 'connect'): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once(event, () => resolve())
  socket.once('error', reject)
  socket.once('timeout', () => socket.destroy(new Error('it does not answer')))
  await promise.finally(() => socket.removeListener('error', reject).removeAllListeners('timeout'))
}
