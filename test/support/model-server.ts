import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { listenOnLoopback } from './loopback.ts'
import { completionEvents, messageEvents, responseEvents, tokensOf } from './model-protocols.ts'

/** What the stand-in does with one call. */
export type Scripted =
  | { kind: 'text'; text: string; input?: number; output?: number; headersAfterMs?: number; pauseMs?: number }
  /** Stops at the output limit. */
  | { kind: 'truncated'; text: string }
  | { kind: 'refused' }
  /** An HTTP error with a provider's body. */
  | { kind: 'status'; status: number; message: string; code?: string; headers?: Record<string, string> }
  /** Breaks the connection: before the headers, or in the middle of the text. */
  | { kind: 'dropped'; when: 'before-headers' | 'mid-text' }
  /** Ends the text properly on the wire but without the provider's last event. */
  | { kind: 'unfinished'; text: string }
  /** 200, and then the error as an event of the stream. */
  | { kind: 'overloaded-in-stream' }
  /** Never answers. */
  | { kind: 'silent' }

export type ReceivedCall = { path: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }

export type ModelServer = AsyncDisposable & {
  /** e.g. `http://127.0.0.1:41234/v1`; serves all three protocols. */
  url: string
  /** Answers still to be given, in order; the last one is repeated. */
  script: Scripted[]
  /** Every call, oldest first. */
  calls: ReceivedCall[]
  /** Tokens a provider would charge for, summed over the answers that came to their end. */
  charged: { input: number; output: number }
}

/**
 * A provider on loopback: Anthropic's Messages (`/messages`), OpenAI's Responses (`/responses`) and Chat Completions
 * (`/chat/completions`), streamed as server-sent events.
 */
export async function startModelServer(...script: Scripted[]): Promise<ModelServer> {
  const calls: ReceivedCall[] = []
  const charged = { input: 0, output: 0 }
  const state = { script, calls, charged }
  const server = createServer((request, response) => {
    answer(state, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  const listening = await listenOnLoopback(server)
  const stop = () => listening[Symbol.asyncDispose]()
  return { url: `${listening.origin}/v1`, script, calls, charged, [Symbol.asyncDispose]: stop }
}

async function answer(
  { script, calls, charged }: Pick<ModelServer, 'script' | 'calls' | 'charged'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = JSON.parse(await bodyOf(request))
  const path = String(request.url).replace('/v1', '')
  calls.push({ path, headers: request.headers, body })
  const scripted = script.length > 1 ? script.shift() : script[0]
  if (scripted === undefined) throw new Error('the model server has no script')
  await play(scripted, path, response)
  const tokens = tokensOf(scripted)
  charged.input += tokens.input
  charged.output += tokens.output
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function play(scripted: Scripted, path: string, response: ServerResponse): Promise<void> {
  if (scripted.kind === 'silent') return
  if (scripted.kind === 'status') return sendError(scripted, response)
  if (scripted.kind === 'dropped' && scripted.when === 'before-headers') {
    response.socket?.resetAndDestroy()
    return
  }
  if (scripted.kind === 'text' && scripted.headersAfterMs !== undefined) await delay(scripted.headersAfterMs)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  await sendEvents(scripted, path, response)
}

function sendError(scripted: Scripted & { kind: 'status' }, response: ServerResponse): void {
  const { status, message, code = null, headers = {} } = scripted
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ type: 'error', error: { type: 'error', message, code } }))
}

async function sendEvents(scripted: Scripted, path: string, response: ServerResponse): Promise<void> {
  const events = eventsOf(path)(scripted)
  for (const [index, event] of events.entries()) {
    response.write(event)
    if (scripted.kind === 'text' && scripted.pauseMs !== undefined) await delay(scripted.pauseMs)
    if (scripted.kind === 'dropped' && index === events.length - 1) {
      await delay(20)
      response.socket?.resetAndDestroy()
      return
    }
  }
  response.end()
}

function eventsOf(path: string): (scripted: Scripted) => string[] {
  if (path === '/messages') return messageEvents
  if (path === '/responses') return responseEvents
  if (path === '/chat/completions') return completionEvents
  throw new Error(`the model server does not serve ${path}`)
}
