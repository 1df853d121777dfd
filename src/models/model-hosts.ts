import { isLoopback } from '../contract/proposer-rules.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { asWord } from '../db/proposer-configs.ts'

/** The hosts of the services whose addresses Moose knows; keys are sent there without being asked for. */
export const USUAL_MODEL_HOSTS: ReadonlySet<string> = new Set([
  'api.anthropic.com',
  'api.cerebras.ai',
  'api.deepseek.com',
  'api.fireworks.ai',
  'api.groq.com',
  'api.mistral.ai',
  'api.openai.com',
  'api.together.xyz',
  'api.x.ai',
  'generativelanguage.googleapis.com',
  'openrouter.ai',
])

/**
 * Why a proposer's address must not be called: a row of the database names it, and whoever may write that row would be
 * sent the key of every worker. Called are this machine, the services Moose knows, and what the operator names in
 * `MOOSE_MODEL_HOSTS`; over `http` only this machine and what is named there with `http://`.
 *
 * @param allowed the entries of `MOOSE_MODEL_HOSTS`
 * @returns null: it may be called
 */
export function whyHostRefused(
  { name, baseUrl }: Pick<ProposerConfig, 'name' | 'baseUrl'>,
  allowed: readonly string[],
): { reason: string; command: string } | null {
  if (baseUrl === null) return null
  const url = new URL(baseUrl)
  if (isLoopback(url.hostname)) return null
  const isClear = url.protocol === 'http:'
  if (!isClear && USUAL_MODEL_HOSTS.has(url.hostname) && url.port === '') return null
  if (allowed.some((entry) => isNamed(url, entry))) return null
  const elsewhere = `moose proposer edit ${asWord(name)} --base-url https://…`
  // A URL may hold what a shell would run, and the host of no service does.
  if (!/^[\w.:[\]-]+$/.test(url.host))
    return { reason: 'its base_url leads to what is no host of a service', command: elsewhere }
  const entry = `${isClear ? 'http://' : ''}${url.host}`
  const list = [...allowed, entry].join(',')
  if (!isClear)
    return {
      reason: `its base_url leads to ${url.host}, which is none of the services Moose knows and is not named in MOOSE_MODEL_HOSTS; it would be sent the key and the code`,
      command: `export MOOSE_MODEL_HOSTS=${list}`,
    }
  return {
    reason: `its base_url begins with http://, so that the key and the code would go to ${url.host} in clear text; in a network of your own, allow it with MOOSE_MODEL_HOSTS=${list}`,
    command: elsewhere,
  }
}

/** A host, with its port or any; `*.` before it: any name below it; `http://` before that: in clear text. */
function isNamed(url: URL, entry: string): boolean {
  const clear = entry.startsWith('http://')
  if (clear !== (url.protocol === 'http:')) return false
  const place = clear ? entry.slice('http://'.length) : entry
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(place) ?? []
  if (port !== undefined && port !== (url.port === '' ? (clear ? '80' : '443') : url.port)) return false
  return host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host
}
