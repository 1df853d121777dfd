import { z } from 'zod'
import type { ProposerConfig } from '../../db/proposer-configs.ts'
import { AZURE_HOST, LIMIT_PARAMETERS, OPENAI_HOST, WANTS_COMPLETION_LIMIT } from './dialect-table.ts'
import { parseJson } from './read-trouble.ts'

/** What of a proposer's row shapes its requests. */
export type Shape = Pick<
  ProposerConfig,
  'provider' | 'model' | 'baseUrl' | 'outputLimitParameter' | 'extraHeaders' | 'extraBody'
>

/** Names of the limit parameter that refusals have taught this process, by endpoint and model. */
export type LearntLimits = Map<string, string>

/** A base URL without its query, which `shapeUrl` puts back at the end. */
export function withoutQuery(baseUrl: string): string {
  const url = new URL(baseUrl)
  url.search = ''
  url.hash = ''
  return url.href.replace(/(?<!\/)\/+$/, '')
}

/** The URL of a call with the query of the base URL at its end: `…/deployments/d/chat/completions?api-version=…`. */
export function shapeUrl(url: URL, { baseUrl }: Shape): URL {
  const shaped = new URL(url)
  if (baseUrl === null) return shaped
  for (const [name, value] of new URL(baseUrl).searchParams) shaped.searchParams.append(name, value)
  return shaped
}

/** Adds the row's headers, and for Azure the key where its older endpoints look for it. */
export function shapeHeaders(url: URL, headers: Headers, { extraHeaders }: Shape): Headers {
  const shaped = new Headers(headers)
  const key = /^Bearer (.+)$/.exec(String(shaped.get('authorization')))?.[1]
  if (key !== undefined && AZURE_HOST.test(url.hostname)) shaped.set('api-key', key)
  for (const [name, value] of Object.entries(extraHeaders)) shaped.set(name, value)
  return shaped
}

type Json = Record<string, z.core.util.JSONType>

/** What the ledger and the reading of the answer count on; no row changes it. */
const OURS = ['model', 'messages', 'input', 'instructions', 'system', 'contents', 'systemInstruction', 'stream', 'n']
const LIMITS: readonly string[] = [...LIMIT_PARAMETERS, 'max_output_tokens']

/**
 * A body with the row's fields and the parameter that bounds the answer under the name the server wants. A field of the
 * row that is null is left out of the request. What was asked, and how long the answer may be, cannot be changed.
 *
 * @param limit see `limitParameterOf`; null: the protocol has one name for it
 */
export function shapeBody(body: Json, { extraBody }: Shape, limit: string | null): Json {
  const { generationConfig, ...extra } = extraBody
  const kept = Object.entries(extra).filter(([name]) => ![...OURS, ...LIMITS, String(limit)].includes(name))
  const merged: Json = { ...body, ...Object.fromEntries(kept) }
  // The tools that edits are called with, and those the row has the provider run.
  if (Array.isArray(body['tools']) && Array.isArray(extra['tools']))
    merged['tools'] = [...body['tools'], ...extra['tools']]
  if (isObject(body['generationConfig']) && isObject(generationConfig)) {
    merged['generationConfig'] = { ...generationConfig, candidateCount: 1, ...body['generationConfig'] }
  }
  const shaped = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
  const [usual] = LIMIT_PARAMETERS
  if (limit === null || limit === usual || shaped[usual] === undefined) return shaped
  const { [usual]: most = null, ...rest } = shaped
  return { ...rest, [limit]: most }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Under which name a proposer's server takes the limit of the answer; null: its protocol has one name for it. */
export function limitParameterOf(shape: Shape, learnt: LearntLimits): string | null {
  const { provider, baseUrl, model, outputLimitParameter } = shape
  if (provider !== 'openai-compatible') return null
  if (outputLimitParameter !== null) return outputLimitParameter
  const taught = learnt.get(placeOf(shape))
  if (taught !== undefined) return taught
  const { hostname } = new URL(String(baseUrl))
  const [usual, newer] = LIMIT_PARAMETERS
  return WANTS_COMPLETION_LIMIT.test(model) || OPENAI_HOST.test(hostname) || AZURE_HOST.test(hostname) ? newer : usual
}

/** The key of what was learnt of a server's model. */
export function placeOf({ baseUrl, model }: Shape): string {
  return `${withoutQuery(String(baseUrl))} ${model}`
}

const Refused = z.looseObject({ message: z.string(), param: z.unknown(), code: z.unknown() })
const Refusal = z.union([z.object({ error: Refused }).transform(({ error }) => error), Refused])
const REFUSES =
  /unsupported|not supported|not compatible|unrecognized|unknown|unexpected|extra (?:fields|inputs)|not permitted/i

/**
 * The other name of the limit parameter, when a server has refused the one it was sent for its name; null: it refused
 * something else, or the operator has stated the name.
 *
 * @see https://github.com/sst/opencode/issues/5421
 */
export function otherLimit(
  shape: Shape,
  sent: string | null,
  refused: { status: number; body: string },
): string | null {
  if (sent === null || shape.outputLimitParameter !== null) return null
  if (refused.status !== 400 && refused.status !== 422) return null
  const parsed = Refusal.safeParse(parseJson(refused.body))
  const { message, param, code } = parsed.success ? parsed.data : { message: refused.body, param: null, code: null }
  const said = message.slice(0, 1_000)
  const isNamed = param === sent || said.includes(sent)
  if (!isNamed || !(REFUSES.test(said) || code === 'unsupported_parameter')) return null
  const other = LIMIT_PARAMETERS.find((name) => name !== sent)
  return other === undefined ? null : other
}
