import type { FaultCode } from './fault.ts'

/** What a call to a model ends with whose provider was not there. */
const MET: ReadonlySet<string> = new Set<FaultCode>(['model_overloaded', 'model_timed_out'])

/** Whether a fault code, maybe one of a foreign service, says that a provider was asked and was not there. */
export function isOutageMet(code: string): boolean {
  return MET.has(code)
}

/** The same, or that a provider is left alone because of that: nobody's failed work, and no reason to count a try. */
export function isOutage(code: string): boolean {
  return code === ('provider_paused' satisfies FaultCode) || isOutageMet(code)
}
