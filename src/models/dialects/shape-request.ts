import { z } from 'zod'
import type { ProposerConfig } from '../../db/proposer-configs.ts'
import { AZURE_HOST, LIMIT_PARAMETERS, OPENAI_HOST, WANTS_COMPLETION_LIMIT } from './dialect-table.ts'
import { parseJson } from './read-trouble.ts'

/** What of a proposer's row shapes its requests. */
export type Shape = Pick<
  ProposerConfig,
  'provider' | 'model' | 'baseUrl' | 'outputLimitParameter' | 'extraHeaders' | 'extraBody'
>

/**
 * What refusals have taught this process, by endpoint and model: the name of the limit parameter, and what its server does
 * not take beside it.
 */
export type LearntLimits = Map<string, string>

/** How a call is asked, where servers differ. */
export type Manner = {
  /** The name of the limit parameter; null: the protocol has one. */
  limit: string | null
  /** What is left out: `stream`, whose answer then comes as one document, or the wish to have the stream counted. */
  without: 'nothing' | 'stream' | 'stream_options'
}

/**
 * A base URL without its query, which `shapeUrl` puts back at the end, and without the path of the calls themselves, which
 * stands in many a provider's example.
 */
export function withoutQuery(baseUrl: string): string {
  const url = new URL(baseUrl)
  url.search = ''
  url.hash = ''
  return url.href.replace(/(?<!\/)\/+$/, '').replace(/\/(?:chat\/completions|responses|messages)$/, '')
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
 * @param manner see `mannerOf`
 */
export function shapeBody(asked: Json, { extraBody }: Shape, { limit, without }: Manner): Json {
  const body = withoutRefused(asked, without)
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

function withoutRefused(body: Json, without: Manner['without']): Json {
  if (without === 'nothing') return body
  // Options of a stream are refused where there is none.
  const { stream_options: _, ...rest } = body
  return without === 'stream' ? { ...rest, stream: false } : rest
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How a proposer's server is asked, as far as is known. */
export function mannerOf(shape: Shape, learnt: LearntLimits): Manner {
  const without = learnt.get(`${placeOf(shape)} without`)
  return {
    limit: limitParameterOf(shape, learnt),
    without: without === 'stream' || without === 'stream_options' ? without : 'nothing',
  }
}

/** Keeps what a server has accepted. */
export function learn(learnt: LearntLimits, shape: Shape, { limit, without }: Manner): void {
  if (limit !== null) learnt.set(placeOf(shape), limit)
  if (without !== 'nothing') learnt.set(`${placeOf(shape)} without`, without)
}

/** Under which name a proposer's server takes the limit of the answer; null: its protocol has one name for it. */
function limitParameterOf(shape: Shape, learnt: LearntLimits): string | null {
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
function placeOf({ provider, baseUrl, model }: Shape): string {
  return `${baseUrl === null ? provider : withoutQuery(baseUrl)} ${model}`
}

const Refused = z.looseObject({ message: z.string(), param: z.unknown(), code: z.unknown() })
const Refusal = z.union([z.object({ error: Refused }).transform(({ error }) => error), Refused])
const REFUSES =
  /(?:un|not |n't )support|not (?:compatible|permitted|allowed|valid)|unrecognized|unknown|unexpected|invalid (?:parameter|argument|field)|deprecated|extra (?:fields|inputs)/i
const REFUSED_STATUSES = [400, 422]
type Refused = { status: number; body: string }

/**
 * Another manner, when a server has refused a parameter that an answer does without: the name of the limit, the stream, or
 * its options; null: it refused something else, or the operator has stated the name.
 *
 * @see https://github.com/sst/opencode/issues/5421
 * @see https://community.openai.com/t/your-organization-must-be-verified-to-stream-this-model/1236022
 */
export function otherManner(shape: Shape, sent: Manner, refused: Refused): Manner | null {
  const { provider } = shape
  if (!REFUSED_STATUSES.includes(refused.status) || (provider !== 'openai-compatible' && provider !== 'openai'))
    return null
  const said = saidIn(refused)
  const limit = otherLimit(shape, sent.limit, said)
  if (limit !== null) return { ...sent, limit }
  if (sent.without !== 'stream' && refuses(said, 'stream_options', 'stream options'))
    return sent.without === 'nothing' ? { ...sent, without: 'stream_options' } : null
  return sent.without !== 'stream' && refuses(said, 'stream') ? { ...sent, without: 'stream' } : null
}

type Said = { message: string; param: unknown; code: unknown }

function saidIn({ body }: Refused): Said {
  const parsed = Refusal.safeParse(parseJson(body))
  const { message, param, code } = parsed.success ? parsed.data : { message: body, param: null, code: null }
  return { message: message.slice(0, 1_000), param, code }
}

function refuses({ message, param, code }: Said, ...names: readonly string[]): boolean {
  const isNamed = names.some((name) => param === name || new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'i').test(message))
  return isNamed && (REFUSES.test(message) || String(code).startsWith('unsupported_') || MUST_BE_VERIFIED.test(message))
}

const MUST_BE_VERIFIED = /must be verified to stream/i

function otherLimit({ outputLimitParameter }: Shape, sent: string | null, said: Said): string | null {
  if (sent === null || outputLimitParameter !== null) return null
  const other = LIMIT_PARAMETERS.find((name) => name !== sent)
  if (other === undefined) return null
  const isAdvised = said.message.includes(sent) && new RegExp(`\\b${other}\\b.{0,20}\\binstead\\b`).test(said.message)
  return isAdvised || refuses(said, sent) ? other : null
}
