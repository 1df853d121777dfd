import { existsSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import { apiKeyProblem } from '../config/api-key.ts'
import type { Secrets } from '../config.ts'
import { asWord, type ProposerConfig } from '../db/proposer-configs.ts'
import { Fault } from '../faults/fault.ts'
import type { Availability } from '../ports/routing.ts'
import { whyHostRefused } from './model-hosts.ts'
import { priceOf } from './price.ts'

const AVAILABLE: Availability = { available: true }

/** The environment variable that usually holds each provider's key. */
const KEY_VARIABLE = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  google: 'GEMINI_API_KEY',
  'openai-compatible': 'OPENAI_COMPATIBLE_API_KEY',
} as const

/** Stated here because the SDKs would otherwise look for another one in the environment. */
export const ENDPOINT = {
  anthropic: 'https://api.anthropic.com/v1',
  openai: 'https://api.openai.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
} as const

/** Where the calls of a proposer go; null: nowhere. */
export function endpointOf({ provider, baseUrl }: Pick<ProposerConfig, 'provider' | 'baseUrl'>): string | null {
  if (provider === 'replay') return null
  return baseUrl !== null || provider === 'openai-compatible' ? baseUrl : ENDPOINT[provider]
}

type Keyed = { provider: keyof typeof KEY_VARIABLE; keyVariable: string | null }

/** The environment variable that holds the key of a proposer. */
export function keyVariableOf({ provider, keyVariable }: Keyed): string {
  return keyVariable === null ? KEY_VARIABLE[provider] : keyVariable
}

/** Whether calls of a proposer need a key: a server of one's own may take none, unless its row names the variable of one. */
export function isKeyNeeded({ provider, keyVariable }: Keyed): boolean {
  return provider !== 'openai-compatible' || keyVariable !== null
}

/** The key of a proposer; null when it is not set. A local OpenAI-compatible server may need none. */
export function keyOf(proposer: Keyed, secrets: Secrets): string | null {
  const key = secrets[keyVariableOf(proposer)]
  return key === undefined ? null : key
}

/** What the rules of this file look at. */
type Machine = { secrets: Secrets; replayDir: string; modelHosts: readonly string[]; clock: Clock }

/**
 * Why calls to a proposer cannot work on this machine, as a fault that says what to do; null when nothing speaks
 * against them. Whether the key is right shows only in a call.
 */
export function whyUnavailable(proposer: ProposerConfig, machine: Machine): Fault | null {
  const { name, provider, keyVariable } = proposer
  if (provider === 'replay') return missingRecordings(name, machine.replayDir)
  if (provider === 'openai-compatible' && proposer.baseUrl === null) {
    const command = `moose proposer edit ${asWord(name)} --base-url URL`
    return unavailable('model_unknown', name, 'base_url is empty; an openai-compatible proposer needs one', command)
  }
  const refused = whyHostRefused(proposer, machine.modelHosts)
  if (refused !== null) return unavailable('model_host_refused', name, refused.reason, refused.command)
  const key = keyOf({ provider, keyVariable }, machine.secrets)
  const problem = key === null ? (isKeyNeeded({ provider, keyVariable }) ? 'is not set' : null) : apiKeyProblem(key)
  if (problem !== null) {
    const variable = keyVariableOf({ provider, keyVariable })
    return unavailable('model_key_missing', name, `${variable} ${problem}`, `export ${variable}=…`)
  }
  return priceOf(proposer, machine.clock.now()) === null ? unknownPrice(proposer) : null
}

/** The fault of a proposer whose model has no known price: without one no cap can be kept. */
export function unknownPrice({ name, provider, model }: ProposerConfig): Fault {
  const reason = `no price is known for its model ${model}`
  const command = `moose budget price ${asWord(name)} --input USD --output USD`
  const message =
    `The proposer ${name} is not called: ${reason}. State it in USD per million tokens with: ${command}   ` +
    `or, if it costs nothing: moose budget price ${asWord(name)} free`
  return new Fault('price_unknown', message, { proposer: name, provider, model, reason, command })
}

function missingRecordings(name: string, replayDir: string): Fault | null {
  if (existsSync(replayDir)) return null
  const reason = `the folder of recordings (MOOSE_REPLAY_DIR), ${replayDir}, does not exist`
  return unavailable('model_unknown', name, reason, 'export MOOSE_REPLAY_DIR=…')
}

/** @param command what mends it, to be typed where Moose is started from, or at any time where it begins with moose */
function unavailable(
  code: 'model_unknown' | 'model_key_missing' | 'model_host_refused',
  name: string,
  reason: string,
  command: string,
): Fault {
  const then = command.startsWith('export') ? ', in the environment that Moose is started from' : ''
  const message = `The proposer ${name} cannot be called: ${reason}. Set it with: ${command}${then}`
  return new Fault(code, message, { proposer: name, reason, command })
}

/** The same, as the Manager and `moose doctor` want it. */
export function availabilityOf(proposer: ProposerConfig, machine: Machine): Availability {
  const fault = whyUnavailable(proposer, machine)
  return fault === null ? AVAILABLE : { available: false, reason: String(fault.details['reason']) }
}
