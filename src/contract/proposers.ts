import { PROVIDER_KEY } from '../config/environment.ts'
import { httpUrl } from '../config/setting-forms.ts'
import { ShownUsd } from './amounts.ts'
import { PriceBody, PriceResponse } from './budget-changes.ts'
import {
  bodyFieldProblem,
  FIELD_NAMES,
  HEADER_NAMES,
  headerProblem,
  URL_PATTERN,
  urlProblem,
} from './proposer-rules.ts'
import { isStorableText, knownOrOther, storedText, textOfForm } from './stored-text.ts'
import { z } from './zod.ts'

/** How a proposer's provider is spoken to. */
export const PROPOSER_KINDS = ['anthropic', 'openai', 'google', 'openai-compatible'] as const
export type ProposerKind = (typeof PROPOSER_KINDS)[number]

/** In what form a model is asked for a change. What it answers in another of them is understood all the same. */
export const ANSWER_FORMS = ['blocks', 'diff', 'tools'] as const
export type AnswerForm = (typeof ANSWER_FORMS)[number]

const MOST_TOKENS = 100_000_000
const LONGEST_URL = 2_000
const LONGEST_HEADER = 2_000
const MOST_ENTRIES = 32
const LONGEST_BODY = 16_000
const DEEPEST_BODY = 10

/** What a new proposer may be called: it stands in paths, command lines and pull requests. */
const Name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}$/,
    'must begin with a letter or digit and hold only letters, digits and . _ : / @ + -, at most 100',
  )
  .openapi({ example: 'claude-sonnet-5' })

/** Adds the problem a rule finds; null: it finds none. */
const obeying = (rule: (text: string) => string | null) => (text: string, context: z.RefinementCtx<string>) => {
  const message = rule(text)
  if (message !== null) context.addIssue({ code: 'custom', message })
}

const BaseUrl = storedText(LONGEST_URL).pipe(httpUrl).superRefine(obeying(urlProblem)).openapi({
  pattern: URL_PATTERN,
  description: 'A URL without a user, a password or a key in its query; http only for servers on this machine',
})
const Model = textOfForm(200, /^[\x21-\x7e]+$/, 'must be an id without spaces, as the provider writes it')
const KeyVariable = z
  .string()
  .regex(PROVIDER_KEY, 'must be the name of an environment variable that ends in _API_KEY, such as OPENROUTER_API_KEY')
const LimitParameter = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be the name of a parameter, such as max_completion_tokens')
const HeaderValue = textOfForm(LONGEST_HEADER, /^[\x20-\x7e]*$/, 'holds a character that no header can hold').min(
  1,
  'is empty',
)

/** Names no two of which differ only in case. */
const named = <Value extends z.ZodType>(value: Value, rule: (name: string) => string | null, propertyNames: object) =>
  z
    .record(z.string(), value)
    .superRefine((entries, context) => {
      const names = Object.keys(entries)
      if (names.length > MOST_ENTRIES)
        context.addIssue({ code: 'custom', message: `must have at most ${MOST_ENTRIES} entries` })
      for (const name of names.slice(0, MOST_ENTRIES)) {
        const message = rule(name)
        if (message !== null) context.addIssue({ code: 'custom', path: [name.slice(0, 80)], message })
      }
    })
    .meta({ maxProperties: MOST_ENTRIES, propertyNames })

const Headers = named(HeaderValue, headerProblem, HEADER_NAMES)
/** Any JSON; a schema that names itself is more than the contract can be made of. */
const BodyFields = named(z.unknown(), bodyFieldProblem, FIELD_NAMES)
  .refine((fields) => !isDeeper(fields, DEEPEST_BODY), `is nested more than ${DEEPEST_BODY} deep`)
  .refine(
    (fields) => isDeeper(fields, DEEPEST_BODY) || JSON.stringify(fields).length <= LONGEST_BODY,
    `is longer than ${LONGEST_BODY} characters`,
  )
  .refine(
    (fields) => isDeeper(fields, DEEPEST_BODY) || isStorable(fields),
    'holds a NUL or half of a character, which cannot be stored',
  )
  .openapi({ description: `At most ${LONGEST_BODY} characters of JSON, nested at most ${DEEPEST_BODY} deep` })

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1))
}

/** Whether jsonb takes every name and every text of it. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return isStorableText(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, part]) => isStorableText(name) && isStorable(part))
}

/** What a proposer is made of besides its name; docs/proposers.md is made of it. */
const Fields = {
  kind: z.enum(PROPOSER_KINDS).meta({
    description:
      "What is spoken at the other end: Anthropic's Messages, OpenAI's Responses, Gemini, or Chat Completions.",
  }),
  model: Model.meta({ description: "The provider's own model id." }),
  base_url: BaseUrl.nullable().meta({
    description: "Where it is spoken; a query stays at the end. Null: at the provider's own address.",
  }),
  key_variable: KeyVariable.nullable().meta({
    description: 'The name of the environment variable that holds the key. Null: the usual one of its kind.',
  }),
  complexity_threshold: z.number().min(0).max(1).meta({
    description: 'The highest complexity of an order it is trusted with.',
  }),
  price: PriceBody,
  context_tokens: z.int().min(1).max(MOST_TOKENS).nullable().meta({
    description: 'Tokens of prompt and answer together. Null: not known.',
  }),
  output_limit_parameter: LimitParameter.nullable().meta({
    description: 'How Chat Completions call the limit of the answer. Null: what is known of the model.',
  }),
  answer_form: z.enum(ANSWER_FORMS).meta({
    description:
      'In what form it is asked for a change: `blocks` of the edit format, a unified `diff`, or calls of the `tools` edit, ' +
      'write, delete and rename. Any of them is understood.',
  }),
  active: z.boolean().meta({ description: 'Whether it is given orders.' }),
}

/** What goes together, as far as a schema can say it; the rest depends on what is stored. */
const ONE_LIMIT = [
  { not: { required: ['output_limit_parameter'] } },
  { properties: { output_limit_parameter: { type: 'null' as const } } },
  { not: { required: ['kind'] } },
  { properties: { kind: { enum: ['openai-compatible'] } } },
]
const OWN_ADDRESS = [
  { properties: { kind: { enum: PROPOSER_KINDS.filter((kind) => kind !== 'openai-compatible') } } },
  { required: ['base_url'], properties: { base_url: { type: 'string' as const } } },
]
const TOGETHER = [{ anyOf: ONE_LIMIT }, { anyOf: OWN_ADDRESS }]

/** A field of a new proposer that may be left out, with what holds then. */
const leftOut = <Field extends z.ZodType>(field: Field, what: string) =>
  field.optional().meta({ description: `${z.string().parse(field.description)} Left out: ${what}.` })

export const NewProposer = z
  .strictObject({
    name: Name.meta({ description: 'What it is called in commands, orders and pull requests.' }),
    kind: Fields.kind,
    model: Fields.model,
    base_url: leftOut(Fields.base_url, 'null'),
    key_variable: leftOut(Fields.key_variable, 'null'),
    complexity_threshold: leftOut(Fields.complexity_threshold, '1'),
    price: Fields.price.optional().meta({
      description:
        'What its calls cost. Left out: what the price library says; a model that it does not know is refused.',
    }),
    context_tokens: leftOut(Fields.context_tokens, 'null'),
    output_limit_parameter: leftOut(Fields.output_limit_parameter, 'null'),
    extra_headers: leftOut(
      Headers.meta({
        description: 'Headers of every call. None that carries a credential, and none that the protocol sets.',
      }),
      'none',
    ),
    extra_body: leftOut(
      BodyFields.meta({
        description: 'Fields of every request. None that Moose sets itself, such as `messages` and `max_tokens`.',
      }),
      'none',
    ),
    answer_form: leftOut(Fields.answer_form, 'blocks'),
    active: leftOut(Fields.active, 'true'),
  })
  .openapi('NewProposer', { allOf: TOGETHER })
export type NewProposer = z.infer<typeof NewProposer>

/** What is left out stays as it is. */
export const ProposerChange = z
  .strictObject({
    ...Fields,
    /** Those that are named; null: is no longer sent. Null for all: none is. */
    extra_headers: named(HeaderValue.nullable(), headerProblem, HEADER_NAMES).nullable(),
    /** As the headers. */
    extra_body: BodyFields.nullable(),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .openapi('ProposerChange', { minProperties: 1, anyOf: ONE_LIMIT })
export type ProposerChange = z.infer<typeof ProposerChange>

const Time = z.iso.datetime()

export const ProposerView = z
  .object({
    name: z.string(),
    kind: knownOrOther([...PROPOSER_KINDS, 'replay']),
    model: z.string(),
    /** Without what it holds of credentials; null: the provider's own address. */
    base_url: z.string().nullable(),
    /** The environment variable its key is read from; null: it needs none. */
    key_variable: z.string().nullable(),
    /** Whether that variable is set where Moose runs. */
    key_set: z.boolean(),
    complexity_threshold: z.number(),
    /** In USD per million tokens; null: unknown, and its calls are refused. */
    price: PriceResponse.shape.price,
    /** The library that knows the price; null: it is stated, or unknown. */
    price_library: z.string().nullable(),
    /** Since when: a stated price since it was stated, one of the library since the model costs that; null: not known. */
    price_since: Time.nullable(),
    /** The most that `POST …/test` can cost; null: the price is unknown, or there is nothing to call. */
    test_at_most_usd: ShownUsd.nullable(),
    context_tokens: z.number().int().nullable(),
    output_limit_parameter: z.string().nullable(),
    answer_form: z.enum(ANSWER_FORMS),
    /** The value of one that looks like a credential is `***`. */
    extra_headers: z.record(z.string(), z.string()),
    extra_body: z.record(z.string(), z.unknown()),
    /** False: it is given no order. */
    active: z.boolean(),
    /** Why calls to it cannot work on this machine, and what to do; null: nothing speaks against them. */
    unavailable: z.object({ code: z.string(), reason: z.string(), command: z.string().nullable() }).nullable(),
    /** Its provider had an outage and is not called until then; null: it is called. */
    provider_pause: z
      .object({
        until: Time,
        since: Time,
        failures: z.number().int(),
        reason: z.string(),
        /** False: the time is over, and the next call finds out whether the provider is back. */
        running: z.boolean(),
      })
      .nullable(),
  })
  .openapi('Proposer')
export type ProposerView = z.infer<typeof ProposerView>

export const ProposersResponse = z.object({
  success: z.literal(true),
  /** By name. */
  proposers: z.array(ProposerView),
  /** Rows that cannot be read; they are not used. */
  malformed: z.array(z.object({ name: z.string(), problem: z.string(), command: z.string() })),
})
export type ListedProposers = Omit<z.infer<typeof ProposersResponse>, 'success'>

export const ProposerResponse = z.object({ success: z.literal(true), proposer: ProposerView })
export const RemovedProposerResponse = z.object({ success: z.literal(true), removed: z.string() })
export const EndedPauseResponse = z.object({
  success: z.literal(true),
  proposer: ProposerView,
  /** False: its provider was not paused. */
  ended: z.boolean(),
})

export const ProposerTestResponse = z.object({
  success: z.literal(true),
  test: z
    .object({
      proposer: z.string(),
      /** The model id that was asked for. */
      model: z.string(),
      /** What came back, its first 500 characters, without what the model thought. */
      text: z.string(),
      duration_ms: z.number().int(),
      /** As it is booked. */
      cost_usd: ShownUsd,
      /** Null: the server does not say how many tokens it used, so that every call is booked at the most it can cost. */
      usage: z.object({ input_tokens: z.number().int(), output_tokens: z.number().int() }).nullable(),
      /** Whether the answer came piece by piece, as it was asked for. */
      streamed: z.boolean(),
      /** The provider's own word for how the answer ended; null: it gave none. */
      stop_reason: z.string().nullable(),
      /** What Moose takes it for: `stop` is a whole answer, `length` one that reached the limit of the test. */
      finish: z.string(),
      /** Which parameter limited the answer; null: none that is known was sent. */
      output_limit_parameter: z.string().nullable(),
      /** Whether a pause of the provider was ended by this answer. */
      pause_ended: z.boolean(),
    })
    .openapi('ProposerTest'),
})
export type ProposerTest = z.infer<typeof ProposerTestResponse>['test']
