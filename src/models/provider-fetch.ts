import type { APICallError } from 'ai'
import { Fault } from '../faults/fault.ts'
import { patientFetch } from '../remote/patient-fetch.ts'
import { noteExchange } from './call-watch.ts'

const HEADER = 'x-moose-status'

/**
 * `patientFetch` that notes the status of an answer in a header of ours, whatever the server has put there. The SDKs
 * make a status up for an error that is an event of a stream, although the answer was a 200.
 */
export const providerFetch: typeof fetch = async (input, init) => {
  const response = bounded(await patientFetch(input, init))
  noteExchange(init?.body, response)
  response.headers.set(HEADER, String(response.status))
  return response
}

/** The status a provider has answered with; null when it has not answered. */
export function statusOnWire({ responseHeaders }: APICallError): number | null {
  const status = responseHeaders?.[HEADER]
  return status === undefined ? null : Number(status)
}

/** Some times what the longest answer takes on the wire, one event for each of its tokens. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** What a refusal says first; no more of it is ever shown. */
const MAX_REFUSAL_BYTES = 64 * 1024

/**
 * A response whose body ends with a fault when it is longer than any answer: a provider that never stops would fill
 * the memory of the process with every attempt. What is said with a status of failure ends without one, because the
 * status is what counts.
 *
 * @throws {Fault} `model_call_rejected`, to the reader of the body
 */
function bounded(response: Response): Response {
  const { body, status, headers } = response
  if (body === null) return response
  const mostBytes = response.ok ? MAX_ANSWER_BYTES : MAX_REFUSAL_BYTES
  let bytes = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength
      if (bytes <= mostBytes) controller.enqueue(chunk)
      else if (response.ok) controller.error(endless())
      else {
        controller.enqueue(chunk.subarray(0, chunk.byteLength - (bytes - mostBytes)))
        controller.terminate()
      }
    },
  })
  return new Response(body.pipeThrough(limit), { status, headers })
}

function endless(): Fault {
  const message = `The provider sent more than ${MAX_ANSWER_BYTES} bytes for one answer. Look at what answers at its base_url.`
  return new Fault('model_call_rejected', message, { max_bytes: MAX_ANSWER_BYTES })
}
