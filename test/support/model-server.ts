import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { listenOnLoopback } from './loopback.ts'
import { completionDocument, messageDocument, responseDocument } from './model-documents.ts'
import { completionEvents, geminiEvents, messageEvents, responseEvents } from './model-protocols.ts'
import { chargeOf, isWhole, type Plan, planOf, type Scripted, type Tokens } from './scripted-answer.ts'

export type { Scripted, Tokens } from './scripted-answer.ts'

export type ReceivedCall = { path: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }

/** What to do with a call, decided when it has come; until the promise resolves it is not answered. */
export type ScriptedBy = (call: ReceivedCall, index: number) => Scripted | Promise<Scripted>

/** What a provider charges for one call. */
export type Charge = Tokens & {
  /** `x-client-request-id`; null when the caller gave none. */
  requestId: string | null
  streamed: boolean
  /** Whether the answer was sent to its end while the caller was there. */
  answered: boolean
}

export type ModelServer = AsyncDisposable & {
  /** e.g. `http://127.0.0.1:41234/v1`; serves all four protocols. */
  url: string
  /** Answers still to be given, in order; the last one is repeated. */
  script: (Scripted | ScriptedBy)[]
  /** Every call, oldest first. */
  calls: ReceivedCall[]
  /** Tokens summed over the answers that came to their end, which is where they say what they have used. */
  charged: { input: number; output: number }
  /** Everything a provider would charge for, from the moment it begins to answer, whoever is there to hear it. */
  bill: Charge[]
}

type State = Pick<ModelServer, 'script' | 'calls' | 'charged' | 'bill'>

/**
 * A provider on loopback: Anthropic's Messages (`/messages`), OpenAI's Responses (`/responses`), Chat Completions
 * (`/chat/completions`) and Gemini (`…:streamGenerateContent`), as server-sent events where the request says `stream`, else as one document.
 */
export async function startModelServer(...script: (Scripted | ScriptedBy)[]): Promise<ModelServer> {
  const state: State = { script, calls: [], charged: { input: 0, output: 0 }, bill: [] }
  const server = createServer((request, response) => {
    answer(state, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  const listening = await listenOnLoopback(server)
  const stop = () => listening[Symbol.asyncDispose]()
  return { ...state, url: `${listening.origin}/v1`, [Symbol.asyncDispose]: stop }
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { charged } = state
  const body = JSON.parse(await bodyOf(request))
  const call = { path: String(request.url).replace('/v1', ''), headers: request.headers, body }
  const scripted = await nextOf(state, call)
  if (scripted.kind === 'text' && scripted.headersAfterMs !== undefined) await delay(scripted.headersAfterMs)
  const charge = chargeFor(call, scripted)
  if (charge !== null) state.bill.push(charge)
  const isThere = () => !request.socket.destroyed
  if (!(await play(scripted, call, response)) || charge === null) return
  charge.answered = isThere()
  charged.input += charge.input
  charged.output += charge.output
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function nextOf({ script, calls }: State, call: ReceivedCall): Promise<Scripted> {
  const index = calls.push(call) - 1
  const next = script.length > 1 ? script.shift() : script[0]
  if (next === undefined) throw new Error('the model server has no script')
  return typeof next === 'function' ? next(call, index) : next
}

function chargeFor({ headers, body }: ReceivedCall, scripted: Scripted): Charge | null {
  const tokens = chargeOf(scripted)
  if (tokens === null) return null
  const requestId = headers['x-client-request-id']
  const streamed = body['stream'] === true
  return { ...tokens, requestId: requestId === undefined ? null : String(requestId), streamed, answered: false }
}

/** @returns whether the answer came to its end */
async function play(scripted: Scripted, { path, body }: ReceivedCall, response: ServerResponse): Promise<boolean> {
  if (scripted.kind === 'silent') return false
  if (scripted.kind === 'dropped' && scripted.when === 'before-headers') {
    response.socket?.resetAndDestroy()
    return false
  }
  if (scripted.kind === 'status') sendError(scripted, response)
  else if (body['stream'] === true || isGemini(path)) await sendEvents(scripted, path, response)
  else await sendDocument(scripted, path, response)
  return isWhole(scripted)
}

function sendError(scripted: Scripted & { kind: 'status' }, response: ServerResponse): void {
  const { status, message, code = null, headers = {} } = scripted
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ type: 'error', error: { type: 'error', message, code } }))
}

async function sendEvents(scripted: Scripted, path: string, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of protocolOf(path).events(planOf(scripted))) {
    response.write(event)
    if (scripted.kind === 'text' && scripted.pauseMs !== undefined) await delay(scripted.pauseMs)
  }
  await (scripted.kind === 'dropped' ? drop(response) : response.end())
}

/** What a stream would leave out is cut off here too. */
async function sendDocument(scripted: Scripted, path: string, response: ServerResponse): Promise<void> {
  const plan = planOf(scripted)
  if (plan.ending === 'overloaded') return sendError({ kind: 'status', status: 529, message: 'Overloaded' }, response)
  const document = JSON.stringify(protocolOf(path).document(plan))
  response.writeHead(200, { 'content-type': 'application/json' })
  if (plan.ending !== 'none') return void response.end(document)
  response.write(document.slice(0, document.length / 2))
  await (scripted.kind === 'dropped' ? drop(response) : response.end())
}

async function drop(response: ServerResponse): Promise<void> {
  await delay(20)
  response.socket?.resetAndDestroy()
}

const isGemini = (path: string) => path.includes(':streamGenerateContent')

type Protocol = { events(plan: Plan): string[]; document(plan: Plan): object }

function protocolOf(path: string): Protocol {
  if (path === '/messages') return { events: messageEvents, document: messageDocument }
  if (path === '/responses') return { events: responseEvents, document: responseDocument }
  if (path === '/chat/completions') return { events: completionEvents, document: completionDocument }
  if (isGemini(path)) return { events: geminiEvents, document: () => assert.fail('Gemini is asked for a stream') }
  throw new Error(`the model server does not serve ${path}`)
}
