import { z } from 'zod'
import { Fault } from '../faults/fault.ts'
import type { Network } from '../remote/network-route.ts'
import { fetchBy } from '../remote/patient-fetch.ts'
import { noteExchange } from './call-watch.ts'
import { PROTOCOLS } from './dialects/protocols.ts'
import { readAnswer, ToldInAnswer } from './dialects/read-answer.ts'
import { parseJson } from './dialects/read-trouble.ts'
import {
  type LearntLimits,
  learn,
  type Manner,
  mannerOf,
  otherManner,
  type Shape,
  shapeBody,
  shapeHeaders,
  shapeUrl,
} from './dialects/shape-request.ts'
import { textOfCalls } from './tools/call-text.ts'

/** A call that was answered with a status of failure. */
export class RefusedByStatus extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Its beginning, as text. */
  readonly body: string
  /** What had been asked, as JSON; empty: it is not known. */
  request = ''
  /** Whether edit tools were offered. */
  offersTools = false

  constructor(response: Response, body: string) {
    super(`the provider answered with status ${response.status}`)
    this.status = response.status
    this.headers = Object.fromEntries(response.headers)
    this.body = body
  }
}

const Body = z.record(z.string(), z.json())

/**
 * The `fetch` the SDKs call a provider with. It sends the request in the provider's dialect, and gives the SDK the answer
 * as the few events it is sure to read: everything a provider does differently is dealt with here, by
 * `dialects/dialect-table.ts`.
 *
 * A server that refuses the name of the parameter that bounds the answer, a stream or its options is asked again in another
 * manner. Nothing is charged for a refusal, so all are one try.
 *
 * @param means.learnt is told a manner that was accepted
 * @param means.offersTools whether calls of tools are to stand in the answer, as text
 * @param means.onSend called before anything leaves this process
 * @returns a `fetch` that throws {@link RefusedByStatus} and what `readAnswer` throws
 */
export function providerFetch(
  shape: Shape & { provider: keyof typeof PROTOCOLS },
  {
    network,
    learnt,
    offersTools,
    onSend,
  }: { network: Network; learnt: LearntLimits; offersTools: boolean; onSend: () => void },
): typeof fetch {
  return async (input, init) => {
    const url = shapeUrl(new URL(input instanceof Request ? input.url : input), shape)
    const headers = shapeHeaders(url, new Headers(init?.headers), shape)
    const body = Body.parse(parseJson(z.string().parse(init?.body)))
    const send = async (manner: Manner) => {
      const text = JSON.stringify(shapeBody(body, shape, manner))
      // What no call can be made with shows here.
      network.agentFor(url)
      onSend()
      const response = await fetchBy(network, url, { ...init, headers, body: text })
      noteExchange(text, response)
      return await answered(response, shape.provider, offersTools).catch((error: unknown) => {
        if (error instanceof RefusedByStatus || error instanceof ToldInAnswer) {
          error.request = text
          error.offersTools = offersTools
        }
        throw error
      })
    }
    const usual = mannerOf(shape, learnt)
    let manner = usual
    const tried = new Set<string>()
    for (;;) {
      tried.add(JSON.stringify(manner))
      try {
        const response = await send(manner)
        if (manner !== usual) learn(learnt, shape, manner)
        return response
      } catch (error) {
        const other = error instanceof RefusedByStatus ? otherManner(shape, manner, error) : null
        if (other === null || tried.size > MOST_REFUSALS || tried.has(JSON.stringify(other))) throw error
        manner = other
      }
    }
  }
}

/** One for each parameter that may be refused: the name of the limit, the options of the stream, and the stream. */
const MOST_REFUSALS = 3

async function answered(response: Response, provider: keyof typeof PROTOCOLS, offersTools: boolean): Promise<Response> {
  const { body, status } = response
  if (!response.ok) throw new RefusedByStatus(response, body === null ? '' : await beginningOf(body))
  const { reader, write } = PROTOCOLS[provider]
  const collected = await readAnswer(body === null ? new Blob([]).stream() : bounded(body), reader)
  if (offersTools) collected.text = textOfCalls(collected)
  const events = write(collected).map((event) => `data: ${JSON.stringify(event)}\n\n`)
  return new Response(events.join(''), { status, headers: { 'content-type': 'text/event-stream' } })
}

/** Some times what the longest answer takes on the wire, one event for each of its tokens. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** What a refusal says first; no more of it is ever shown. */
const MAX_REFUSAL_BYTES = 64 * 1024

/**
 * A body that ends with a fault when it is longer than any answer: a provider that never stops would fill the memory of
 * the process with every attempt.
 *
 * @throws {Fault} `model_call_rejected`, to the reader of the body
 */
function bounded(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let bytes = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes <= MAX_ANSWER_BYTES) controller.enqueue(chunk)
      else controller.error(endless())
    },
  })
  return body.pipeThrough(limit)
}

/** What is said with a status of failure; however it ends, the status is what counts. */
async function beginningOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (bytes >= MAX_REFUSAL_BYTES) break
    }
  } catch {
    // A connection that breaks within a refusal takes nothing from its status, and what came of it is read.
  }
  return Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES).toString('utf8')
}

function endless(): Fault {
  const message = `The provider sent more than ${MAX_ANSWER_BYTES} bytes for one answer. Look at what answers at its base_url.`
  return new Fault('model_call_rejected', message, { max_bytes: MAX_ANSWER_BYTES })
}
