import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import { toFault } from '../faults/fault.ts'
import { listenOnLoopback } from '../sandbox/reach/listen-on-loopback.ts'
import { listenInHome } from '../sandbox/reach/socket-folder.ts'
import type { Reached } from '../sandbox/sandbox.ts'
import { ChatRequest, completionOf, errorOf, event, eventsOf, messagesOf, problemsOf } from './chat-completions.ts'
import type { ModelAnswer } from './model-answer.ts'
import type { OpenGrant } from './open-grant.ts'

const MAX_BODY_BYTES = 32 * 1024 * 1024
const KEEP_ALIVE_MS = 10_000
/** Of all runs together: each makes two calls at once. A child could open as many as it may have files. */
const MOST_CONNECTIONS = 512
const LOOPBACK_HOST = /^127\.0\.0\.1:\d{1,5}$/

export type GatewayServer = AsyncDisposable & {
  readonly url: string
  /** The same for a child that sees no network of this machine. */
  readonly reach: Reached
}

type Env = { Variables: { grant: OpenGrant } }

/**
 * Listens on a free port of 127.0.0.1, and on a Unix socket in the home.
 *
 * @param find the grant of a token; undefined when there is none (any more)
 */
export async function serveGateway(
  find: (token: string) => OpenGrant | undefined,
  home: string,
): Promise<GatewayServer> {
  const listener = getRequestListener(gatewayApp(find).fetch)
  // An answer takes as long as the model; the run it is for has a timeout of its own.
  const serve = () => createServer({ requestTimeout: 0 }, (incoming, outgoing) => void listener(incoming, outgoing))
  await using stack = new AsyncDisposableStack()
  const [server, local] = [serve(), serve()]
  for (const one of [server, local]) one.maxConnections = MOST_CONNECTIONS
  const { port } = stack.use(await listenOnLoopback(server))
  const { socket } = stack.use(await listenInHome(local, home))
  const opened = stack.move()
  return {
    url: `http://127.0.0.1:${port}/v1`,
    reach: { socket, port },
    async [Symbol.asyncDispose]() {
      const closed = [server, local].map((one) => once(one, 'close'))
      await opened[Symbol.asyncDispose]()
      for (const one of [server, local]) one.closeAllConnections()
      await Promise.all(closed)
    },
  }
}

/** @see https://platform.openai.com/docs/api-reference/chat */
export function gatewayApp(find: (token: string) => OpenGrant | undefined): Hono<Env> {
  const app = new Hono<Env>()
  app.use(refuseForeign)
  app.use(async (c, next) => {
    const grant = find(String(c.req.header('authorization')).replace(/^Bearer /i, ''))
    if (grant === undefined) return c.json(errorOf('Unknown token.', 'invalid_api_key'), 401)
    c.set('grant', grant)
    return await next()
  })
  app.get('/v1/models', (c) => {
    const data = [{ id: c.var.grant.model, object: 'model', created: 0, owned_by: 'moose' }]
    return c.json({ object: 'list', data })
  })
  app.use(limitBody)
  app.on('POST', '/v1/chat/completions', answerChat)
  app.notFound((c) => c.json(errorOf('There is nothing here.', 'not_found'), 404))
  app.onError((error, c) => c.json(errorOf(error.message, 'internal'), 400))
  return app
}

/**
 * The children speak to the address they were given; a page in a browser that resolves its own name to 127.0.0.1 shows
 * in Host, any other page in Origin.
 */
const refuseForeign: MiddlewareHandler<Env> = async (c, next) => {
  const foreign = c.req.header('origin') !== undefined || !LOOPBACK_HOST.test(String(c.req.header('host')))
  return foreign ? c.json(errorOf('This is for programs Moose has started.', 'request_forbidden'), 403) : await next()
}

/** A run has no reason to send more than it was given; what is longer counts as a call that failed. */
const limitBody: MiddlewareHandler<Env> = (c, next) => {
  const { grant } = c.var
  const maxSize = Math.min(grant.maxRequestBytes, MAX_BODY_BYTES)
  const onError = () => {
    grant.refuseSize()
    return c.json(errorOf(`More than ${maxSize} bytes.`, 'request_too_large'), 413)
  }
  return bodyLimit({ maxSize, onError })(c, next)
}

async function answerChat(c: Context<Env>): Promise<Response> {
  const { grant } = c.var
  const parsed = ChatRequest.safeParse(await c.req.json().catch(() => null))
  if (!parsed.success) return c.json(errorOf(problemsOf(parsed.error), 'request_invalid'), 400)
  if (parsed.data.model !== grant.model) {
    return c.json(errorOf(`The model of this token is ${grant.model}.`, 'model_not_found'), 404)
  }
  if (grant.busy) return c.json(errorOf('As many calls as one run may make at once are under way.', 'busy'), 429)
  const head = { id: `chatcmpl-${randomUUID()}`, model: grant.model }
  const answer = grant.call(messagesOf(parsed.data), c.req.raw.signal)
  if (parsed.data.stream === true) return streamed(c, answer, head)
  try {
    return c.json(completionOf(await answer, head))
  } catch (error) {
    return c.json(faultBody(error), 400)
  }
}

/** The answer comes in one piece, as models/ gives it; until then comments keep the connection busy. */
function streamed(c: Context<Env>, answer: Promise<ModelAnswer>, head: { id: string; model: string }): Response {
  return streamSSE(c, async (stream) => {
    const busy = setInterval(() => void stream.write(': waiting for the model\n\n'), KEEP_ALIVE_MS)
    try {
      for (const piece of eventsOf(await answer, head)) await stream.write(piece)
    } catch (error) {
      await stream.write(event(faultBody(error)))
    } finally {
      clearInterval(busy)
    }
  })
}

/**
 * Always a status no client repeats: models/ has repeated the call already as often as its fault deserves, and a
 * client that tries again would only wait longer. The message says nothing of why, because litellm guesses from its
 * words ("429", "rate limit", a URL) what to do; the grant's record of calls has the fault.
 */
function faultBody(error: unknown): object {
  return errorOf('There is no answer to this call. The log of the work order says why.', toFault(error).code)
}
