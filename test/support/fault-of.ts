import assert from 'node:assert/strict'
import { Fault } from '../../src/faults/fault.ts'

/** The fault that work ends in; anything else fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const outcome = await work.catch((error: unknown) => error)
  assert.ok(outcome instanceof Fault, `expected a Fault, got ${JSON.stringify(outcome)}`)
  return outcome
}
