import type { APICallError } from 'ai'
import { patientFetch } from '../remote/patient-fetch.ts'
import { bounded } from './bounded-answer.ts'

const HEADER = 'x-moose-status'

/**
 * `patientFetch` that notes the status of an answer in a header of ours, whatever the server has put there. The SDKs
 * make a status up for an error that is an event of a stream, although the answer was a 200.
 */
export const fetchNotingStatus: typeof fetch = async (input, init) => {
  const response = bounded(await patientFetch(input, init))
  response.headers.set(HEADER, String(response.status))
  return response
}

/** The status a provider has answered with; null when it has not answered. */
export function statusOnWire({ responseHeaders }: APICallError): number | null {
  const status = responseHeaders?.[HEADER]
  return status === undefined ? null : Number(status)
}
