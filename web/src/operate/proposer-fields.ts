import type { Schemas } from '../api/client.ts'

type Proposer = Schemas['Proposer']
export type Kind = Schemas['NewProposer']['kind']
export type AnswerForm = Proposer['answer_form']
export type PriceKind = 'library' | 'free' | 'stated'

/** What a form holds: texts as they are typed. */
export type Fields = {
  name: string
  kind: Kind
  model: string
  baseUrl: string
  keyVariable: string
  threshold: string
  price: PriceKind
  input: string
  output: string
  cacheRead: string
  cacheWrite: string
  context: string
  outputLimit: string
  answerForm: AnswerForm
  /** A line each: `Name: value`. */
  headers: string
  /** A JSON object, or nothing. */
  body: string
}

export const KINDS = ['anthropic', 'openai', 'google', 'openai-compatible'] as const satisfies readonly Kind[]

export const ANSWER_FORMS = ['blocks', 'diff', 'tools'] as const satisfies readonly AnswerForm[]

const EMPTY: Fields = {
  name: '',
  kind: 'anthropic',
  model: '',
  baseUrl: '',
  keyVariable: '',
  threshold: '1',
  price: 'library',
  input: '',
  output: '',
  cacheRead: '',
  cacheWrite: '',
  context: '',
  outputLimit: '',
  answerForm: 'blocks',
  headers: '',
  body: '',
}

/** The form of a proposer; null: of a new one. */
export function fieldsOf(proposer: Proposer | null): Fields {
  if (proposer === null) return EMPTY
  const { name, kind, model, price, extra_headers: headers, extra_body: body } = proposer
  const known = KINDS.find((one) => one === kind)
  const stated = price?.source === 'operator' ? price : null
  const cache = (rate: number | undefined) => (stated === null || rate === stated.input_per_million ? '' : String(rate))
  return {
    name,
    kind: known === undefined ? 'openai-compatible' : known,
    model,
    baseUrl: orEmpty(proposer.base_url),
    keyVariable: orEmpty(proposer.key_variable),
    threshold: String(proposer.complexity_threshold),
    price: stated === null ? (price?.source === 'free' ? 'free' : 'library') : 'stated',
    input: stated === null ? '' : String(stated.input_per_million),
    output: stated === null ? '' : String(stated.output_per_million),
    cacheRead: cache(stated?.cache_read_per_million),
    cacheWrite: cache(stated?.cache_write_per_million),
    context: orEmpty(proposer.context_tokens),
    outputLimit: orEmpty(proposer.output_limit_parameter),
    answerForm: proposer.answer_form,
    headers: Object.entries(headers)
      .map(([header, value]) => `${header}: ${value}`)
      .join('\n'),
    body: Object.keys(body).length === 0 ? '' : JSON.stringify(body, null, 2),
  }
}

function orEmpty(value: string | number | null): string {
  return value === null ? '' : String(value)
}

/** @throws {Error} when the headers or the body are not of their form */
export function newProposerOf(fields: Fields): Schemas['NewProposer'] {
  const { kind } = fields
  const given = {
    name: fields.name.trim(),
    model: fields.model.trim(),
    ...changeOf(fields, EMPTY),
    extra_headers: headersIn(fields.headers),
    extra_body: bodyIn(fields.body),
  }
  return kind === 'openai-compatible' ? { ...given, kind, base_url: fields.baseUrl.trim() } : { ...given, kind }
}

/** What differs; what is shown as `***` is left as it is where it was not touched. @throws {Error} as above */
export function changeOf(fields: Fields, before: Fields) {
  const isChanged = (...names: (keyof Fields)[]) => names.some((name) => fields[name].trim() !== before[name].trim())
  const orNull = (text: string) => (text.trim() === '' ? null : text.trim())
  return {
    ...(isChanged('kind') ? { kind: fields.kind } : {}),
    ...(isChanged('model') ? { model: fields.model.trim() } : {}),
    ...(isChanged('baseUrl') ? { base_url: orNull(fields.baseUrl) } : {}),
    ...(isChanged('keyVariable') ? { key_variable: orNull(fields.keyVariable) } : {}),
    ...(isChanged('threshold') ? { complexity_threshold: Number(fields.threshold) } : {}),
    ...(isChanged('price', 'input', 'output', 'cacheRead', 'cacheWrite') ? { price: priceOf(fields) } : {}),
    ...(isChanged('context') ? { context_tokens: fields.context === '' ? null : Number(fields.context) } : {}),
    ...(isChanged('outputLimit') ? { output_limit_parameter: orNull(fields.outputLimit) } : {}),
    ...(isChanged('answerForm') ? { answer_form: fields.answerForm } : {}),
    ...(isChanged('headers')
      ? { extra_headers: differenceOf(headersIn(fields.headers), headersIn(before.headers)) }
      : {}),
    ...(isChanged('body') ? { extra_body: differenceOf(bodyIn(fields.body), bodyIn(before.body)) } : {}),
  }
}

function priceOf({ price, input, output, cacheRead, cacheWrite }: Fields): Schemas['PriceChange'] {
  if (price === 'library') return { library: true }
  if (price === 'free') return { free: true }
  return {
    input_per_million: input.trim(),
    output_per_million: output.trim(),
    ...(cacheRead.trim() === '' ? {} : { cache_read_per_million: cacheRead.trim() }),
    ...(cacheWrite.trim() === '' ? {} : { cache_write_per_million: cacheWrite.trim() }),
  }
}

/** Null for what is no longer there. */
function differenceOf<Value>(
  now: Readonly<Record<string, Value>>,
  before: Readonly<Record<string, Value>>,
): Record<string, Value | null> {
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(now, name))
  const changed = Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]))
  return Object.fromEntries([...gone.map((name) => [name, null] as const), ...changed])
}

function headersIn(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      if (colon < 1) throw new Error(`“${line}” is no header: write a name, a colon and a value.`)
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
    }),
  )
}

function bodyIn(text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  const parsed: unknown = parsedOrNull(text)
  if (!isObject(parsed)) throw new Error('The further fields are no JSON object, such as {"top_p": 0.9}.')
  return parsed
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
