import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { listenOnLoopback } from './loopback.ts'

export type JsonServer = AsyncDisposable & { url: string; received: unknown[]; headers: IncomingHttpHeaders[] }

/**
 * Somebody else's service on loopback: answers each request with the same status and body; `silent` never answers. Of
 * a GET the query is what it received.
 */
export async function startJsonServer(answer: { status: number; body: unknown } | 'silent'): Promise<JsonServer> {
  const received: unknown[] = []
  const headers: IncomingHttpHeaders[] = []
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    headers.push(request.headers)
    const query = Object.fromEntries(new URL(String(request.url), 'http://localhost').searchParams)
    received.push(request.method === 'GET' ? query : JSON.parse(await text(request)))
    if (answer === 'silent') return
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  }
  const server = createServer((request, response) => void reply(request, response))
  const listening = await listenOnLoopback(server)
  const stop = () => listening[Symbol.asyncDispose]()
  return { url: `${listening.origin}/api`, received, headers, [Symbol.asyncDispose]: stop }
}
