import { type Command, InvalidArgumentError, Option } from 'commander'
import type { PriceBody } from '../../contract/budget-changes.ts'
import { ANSWER_FORMS, PROPOSER_KINDS, type ProposerChange } from '../../contract/proposers.ts'
import { Fault } from '../../faults/fault.ts'
import { nullForNone, type RateOptions, ratesOf, usdArgument } from './arguments.ts'

/** What commander makes of the options; `headers` and `body…` are false where all are to go. */
export type ProposerOptions = RateOptions & {
  kind?: NonNullable<ProposerChange['kind']>
  model?: string
  baseUrl?: string
  keyVariable?: string
  threshold?: number
  free?: true
  library?: true
  context?: number | 'none'
  outputLimitParameter?: string
  answerForm?: NonNullable<ProposerChange['answer_form']>
  header?: Record<string, string>
  removeHeader?: string[]
  headers?: boolean
  body?: Record<string, unknown> | boolean
  removeBody?: string[]
}

/** The options that `add` and `edit` have in common. */
export function withProposerOptions(command: Command): Command {
  return command
    .addOption(new Option('--kind <kind>', 'what is spoken at the other end').choices(PROPOSER_KINDS))
    .option('--model <id>', "the provider's own model id")
    .option('--base-url <url>', "where it is spoken; none: at the provider's own address")
    .option('--key-variable <name>', 'the environment variable of the key, ending in _API_KEY; none: the usual one')
    .option('--threshold <number>', 'the highest complexity it is trusted with, 0 to 1', threshold)
    .option('--input <usd>', 'USD per million tokens of input', usdArgument)
    .option('--output <usd>', 'USD per million tokens of output', usdArgument)
    .option('--cache-read <usd>', 'the same, read from the cache; left out: as input', usdArgument)
    .option('--cache-write <usd>', 'the same, written to the cache; left out: as input', usdArgument)
    .addOption(new Option('--free', 'its calls cost nothing').conflicts(['input', 'output', 'cacheRead', 'cacheWrite']))
    .option('--context <tokens>', 'tokens that prompt and answer may have together; none: not known', tokens)
    .option('--output-limit-parameter <name>', 'how Chat Completions call the limit of the answer; none: as usual')
    .addOption(new Option('--answer-form <form>', 'in what form it is asked for a change').choices(ANSWER_FORMS))
    .option("--header <'Name: value'>", 'sent with every call; may be given several times', header)
    .option("--body <'field=json'>", 'a field of every request; may be given several times', bodyField)
}

/** The fields that the options name. @throws {Fault} `request_invalid` */
export function changeOf(options: ProposerOptions): ProposerChange {
  const {
    kind,
    model,
    baseUrl,
    keyVariable,
    threshold: complexity,
    context,
    outputLimitParameter,
    answerForm,
  } = options
  const price = priceOf(options)
  const headers = entriesOf(options.header, options.removeHeader, options.headers === false)
  const body = entriesOf(
    typeof options.body === 'boolean' ? undefined : options.body,
    options.removeBody,
    options.body === false,
  )
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { base_url: nullForNone(baseUrl) }),
    ...(keyVariable === undefined ? {} : { key_variable: nullForNone(keyVariable) }),
    ...(complexity === undefined ? {} : { complexity_threshold: complexity }),
    ...(price === undefined ? {} : { price }),
    ...(context === undefined ? {} : { context_tokens: context === 'none' ? null : context }),
    ...(outputLimitParameter === undefined ? {} : { output_limit_parameter: nullForNone(outputLimitParameter) }),
    ...(answerForm === undefined ? {} : { answer_form: answerForm }),
    ...(headers === undefined ? {} : { extra_headers: headers }),
    ...(body === undefined ? {} : { extra_body: body }),
  }
}

/** Undefined: no option names a price. */
function priceOf({ free, library, ...options }: ProposerOptions): PriceBody | undefined {
  if (free === true) return { free }
  const rates = ratesOf(options)
  if (rates.length === 0) return library === true ? { library } : undefined
  if (options.input !== undefined && options.output !== undefined) return Object.fromEntries(rates)
  throw new Fault('request_invalid', 'A price needs both --input and --output, in USD per million tokens.')
}

/** What is set, with null for what is no longer sent; null for all of them. */
function entriesOf<Value>(
  set: Readonly<Record<string, Value>> | undefined,
  removed: readonly string[] | undefined,
  isAll: boolean,
): Record<string, Value | null> | null | undefined {
  if (isAll) return null
  if (set === undefined && removed === undefined) return undefined
  return { ...Object.fromEntries((removed ?? []).map((name) => [name, null])), ...set }
}

function threshold(text: string): number {
  const value = Number(text)
  if (/^(?:0|1)?(?:\.\d{1,20})?$/.test(text) && text !== '' && value <= 1) return value
  throw new InvalidArgumentError('It must be a number from 0 to 1, such as 0.6.')
}

function tokens(text: string): number | 'none' {
  if (text === 'none') return text
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('It must be a number of tokens, such as 200000, or none.')
}

function header(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^:\s]{1,100}):\s*(\S.{0,3000})$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("It must be a name and a value, such as 'HTTP-Referer: https://example.com'.")
  return own(before, name, value)
}

function bodyField(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const [, name, json] = /^([A-Za-z][^=\s]{0,99})=(.{1,20000})$/s.exec(text) ?? []
  const wanted = `It must be a field and its value in JSON, such as reasoning_effort='"low"' or top_p=0.9.`
  if (name === undefined || json === undefined) throw new InvalidArgumentError(wanted)
  return own(before, name, parsed(json, wanted))
}

function parsed(json: string, wanted: string): unknown {
  try {
    const value: unknown = JSON.parse(json)
    if (value !== null) return value
  } catch {
    throw new InvalidArgumentError(wanted)
  }
  throw new InvalidArgumentError('null is no value; leave the field out, or remove it with: --remove-body FIELD')
}

/** An assignment would make something else of the name `__proto__`. */
function own<Value>(before: Readonly<Record<string, Value>>, name: string, value: Value): Record<string, Value> {
  return Object.fromEntries([...Object.entries(before), [name, value]])
}
