import type { Context, MiddlewareHandler } from 'hono'
import { namesPrototype, nameTwice, utf8Text } from '../contract/strict-json.ts'
import { Fault } from '../faults/fault.ts'
import { answerFault } from './answer-fault.ts'
import type { HttpEnv } from './http-env.ts'

/** How many times the limit is read before a sender is cut off. */
const MOST_FORGOTTEN = 16

const JSON_TYPE = /^application\/json\s*(?:;|$)/i

/**
 * Lets only JSON in. A form of another site can send text, form fields and files without asking, but not this type.
 * @see https://developer.mozilla.org/docs/Web/HTTP/Guides/CORS#simple_requests
 */
export const onlyJson: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const type = c.req.header('content-type')
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
  if (type === undefined ? hasBody(c) : !JSON_TYPE.test(type)) {
    const message = 'A body must be JSON. Send it with the header "Content-Type: application/json".'
    return answerFault(c, new Fault('request_invalid', message), 415)
  }
  // Some clients name the type on every POST; no body is not malformed JSON where a body is optional.
  if (type !== undefined && !hasBody(c)) c.req.raw.headers.delete('content-type')
  return next()
}

function hasBody(c: Context<HttpEnv>): boolean {
  const length = c.req.header('content-length')
  if (c.req.header('transfer-encoding') !== undefined) return true
  return length === undefined ? isCalledWithoutSocket(c) && c.req.raw.body !== null : length !== '0'
}

/** A request object built in this process carries a body without the headers that announce one on the wire. */
function isCalledWithoutSocket(c: Context<HttpEnv>): boolean {
  return c.var.closing === null
}

/** Refuses a body over the limit, also one whose length is not announced, and one whose text is not plain. */
export const limitBody: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { body } = c.req.raw
  if (body === null) return next()
  const { maxBodyBytes } = c.var.limits
  const content = await readWithin(body, maxBodyBytes)
  if (content === null) {
    const message = `The body is larger than ${maxBodyBytes} bytes. Send it in parts.`
    return answerFault(c, new Fault('request_invalid', message, { max_bytes: maxBodyBytes }), 413)
  }
  const fault = whyRefused(content)
  if (fault !== null) return answerFault(c, fault, 400)
  c.req.raw = new Request(c.req.raw, { method: c.req.method, body: content })
  return next()
}

const PROTOTYPE = 'The body was refused: __proto__ is the name of no field, and would be lost. Leave it out.'

/** What a reader of JSON would take silently, and otherwise than it may be meant; null: nothing. What is no JSON is refused later. */
function whyRefused(content: Buffer): Fault | null {
  try {
    const text = utf8Text(content, 'The body')
    JSON.parse(text)
    const name = nameTwice(text)
    if (name === null && !namesPrototype(text)) return null
    if (name === null) return new Fault('request_invalid', PROTOTYPE, { field: '__proto__' })
    const message = `The body names ${JSON.stringify(name)} twice in one object. Which of the two is meant? Send one.`
    return new Fault('request_invalid', message, { field: name })
  } catch (error) {
    return error instanceof Fault ? error : null
  }
}

/**
 * The bytes of a stream; null when there are more than `maxBytes`. The rest is taken and forgotten, because a client
 * that is cut off while it sends sees a broken connection instead of the answer; one that sends far too much is cut off.
 */
async function readWithin(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.byteLength
    if (size <= maxBytes) chunks.push(chunk)
    if (size > maxBytes * MOST_FORGOTTEN) break
  }
  return size <= maxBytes ? Buffer.concat(chunks) : null
}
