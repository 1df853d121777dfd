import { Fault } from '../faults/fault.ts'

/**
 * Turns an outage into the fault an order is suspended with; the order is resumed when the provider is back.
 *
 * @param proposer the name in `proposer_configs` that was asked; the end of the pause is looked up by it
 */
export function asProviderPaused(outage: Fault, proposer: string): Fault {
  if (outage.code === 'provider_paused') {
    if (typeof outage.details['proposer'] === 'string') return outage
    return new Fault(outage.code, outage.message, { ...outage.details, proposer }, outage)
  }
  const message = `${outage.message} Its provider is paused for a while, and the order is resumed afterwards; see: moose budget`
  return new Fault('provider_paused', message, { ...outage.details, proposer, outage: outage.code }, outage)
}
