import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, request as requestOnward } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { listenOnLoopback } from './loopback.ts'

const FOLDER = new URL('../fixtures/tls/', import.meta.url)
/** PEM of the authority that vouches for the server of `startTlsServer`. */
export const AUTHORITY = new URL('ca.pem', FOLDER).pathname
/** The name its certificate is for; nothing resolves it. */
export const TLS_HOST = 'models.example.test'

/** A server of Chat Completions that answers `hello you` over TLS; its key is of use to nobody. */
export async function startTlsServer() {
  const [cert, key] = ['server.pem', 'server-key.pem'].map((name) => readFileSync(new URL(name, FOLDER)))
  const server = createHttpsServer({ cert, key }, (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    const message = { role: 'assistant', content: 'hello you' }
    const usage = { prompt_tokens: 10, completion_tokens: 2 }
    response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage }))
  })
  return await listenOnLoopback(server)
}

export type Proxy = AsyncDisposable & {
  url: string
  /** What it was asked to connect to or to fetch, and with which credentials. */
  asked: { target: string; authorization: string | undefined }[]
}

/** A forward proxy that leads every request to one origin, whatever name it is for. @param refuses with this status */
export async function startProxy(origin: string, refuses: number | null = null): Promise<Proxy> {
  const asked: Proxy['asked'] = []
  const tunnels = new Set<Duplex>()
  const port = Number(new URL(origin).port)
  const server = createHttpServer()
  server.on('connect', (request, socket: Duplex) => {
    asked.push({ target: String(request.url), authorization: request.headers['proxy-authorization'] })
    if (refuses !== null) return void socket.end(`HTTP/1.1 ${refuses} No\r\n\r\n`)
    const onward = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'))
    for (const end of [socket, onward]) {
      tunnels.add(end)
      end.on('error', () => end.destroy())
    }
    socket.pipe(onward).pipe(socket)
  })
  // What is not encrypted is asked of the proxy itself, with the whole URL.
  server.on('request', (request, response) => {
    asked.push({ target: String(request.url), authorization: request.headers['proxy-authorization'] })
    const { pathname, search } = new URL(String(request.url))
    const { method, headers } = request
    const onward = requestOnward({ port, path: `${pathname}${search}`, method, headers }, (answer) => {
      response.writeHead(Number(answer.statusCode), answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  const listening = await listenOnLoopback(server)
  return {
    url: listening.origin,
    asked,
    async [Symbol.asyncDispose]() {
      for (const end of tunnels) end.destroy()
      await listening[Symbol.asyncDispose]()
    },
  }
}
