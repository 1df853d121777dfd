import { existsSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import type { Secrets } from '../config.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { Fault } from '../faults/fault.ts'
import type { Availability } from '../ports/routing.ts'
import { priceOf } from './price.ts'

const AVAILABLE: Availability = { available: true }

/** The environment variable that holds each provider's key. */
const KEY_VARIABLE = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  'openai-compatible': 'OPENAI_COMPATIBLE_API_KEY',
} as const

/** The key for a provider; null when it is not set. A local OpenAI-compatible server may need none. */
export function keyOf(provider: keyof typeof KEY_VARIABLE, secrets: Secrets): string | null {
  return { anthropic: secrets.anthropic, openai: secrets.openai, 'openai-compatible': secrets.openaiCompatible }[
    provider
  ]
}

/** What the rules of this file look at. */
type Machine = { secrets: Secrets; replayDir: string; clock: Clock }

/**
 * Why calls to a proposer cannot work on this machine, as a fault that says what to do; null when nothing speaks
 * against them. Whether the key is right shows only in a call.
 */
export function whyUnavailable(proposer: ProposerConfig, machine: Machine): Fault | null {
  const { name, provider } = proposer
  if (provider === 'replay') return missingRecordings(name, machine.replayDir)
  if (provider === 'openai-compatible' && proposer.baseUrl === null) {
    return unavailable('model_unknown', name, 'base_url is empty; an openai-compatible proposer needs one')
  }
  if (provider !== 'openai-compatible' && keyOf(provider, machine.secrets) === null) {
    return unavailable('model_key_missing', name, `${KEY_VARIABLE[provider]} is not set`)
  }
  return priceOf(proposer, machine.clock.now()) === null ? unknownPrice(proposer) : null
}

/** The fault of a proposer whose model has no known price: without one no cap can be kept. */
export function unknownPrice({ name, provider, model }: ProposerConfig): Fault {
  const reason = `no price is known for its model ${model}`
  const message =
    `The proposer ${name} is not called: ${reason}. State it in USD per million tokens with: moose budget price ${name} ` +
    `--input USD --output USD   or, if it costs nothing: moose budget price ${name} free`
  return new Fault('price_unknown', message, { proposer: name, provider, model, reason })
}

function missingRecordings(name: string, replayDir: string): Fault | null {
  if (existsSync(replayDir)) return null
  return unavailable('model_unknown', name, `the folder of recordings (MOOSE_REPLAY_DIR), ${replayDir}, does not exist`)
}

function unavailable(code: 'model_unknown' | 'model_key_missing', name: string, reason: string): Fault {
  return new Fault(code, `The proposer ${name} cannot be called: ${reason}. Set it and try again.`, {
    proposer: name,
    reason,
  })
}

/** The same, as the Manager and `moose doctor` want it. */
export function availabilityOf(proposer: ProposerConfig, machine: Machine): Availability {
  const fault = whyUnavailable(proposer, machine)
  return fault === null ? AVAILABLE : { available: false, reason: String(fault.details['reason']) }
}
