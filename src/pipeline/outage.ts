import { Fault } from '../errors.ts'

/** Whether a fault says that a provider was not there: nobody's failed work, and no reason to count a try. */
export function isOutage({ code }: Fault): boolean {
  return code === 'provider_paused' || code === 'model_overloaded' || code === 'model_timed_out'
}

/**
 * An outage as what an order waits with; it goes on by itself.
 *
 * @param proposer the name in `proposer_configs` that was asked
 */
export function waitingFor(outage: Fault, proposer: string): Fault {
  if (outage.code === 'provider_paused') return outage
  const message = `${outage.message} Its provider is left alone for a while, and the order goes on by itself; see: moose budget`
  return new Fault('provider_paused', message, { ...outage.details, proposer, outage: outage.code }, outage)
}
