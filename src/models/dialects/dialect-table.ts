/**
 * How providers say the same things differently, as data. `read-trouble.ts`, `read-answer.ts` and `shape-request.ts` use
 * it, for the Proposer and for the gateway alike. The corpus in `test/fixtures/model-endings/` has a source for each kind.
 */

/** What is wrong, apart from how it is said. */
export type Problem =
  /** The account cannot pay, or is closed. */
  | 'account'
  /** The key, or what it may do. */
  | 'key'
  /** Used up for longer than a minute: of a day, a month, a budget. */
  | 'quota'
  /** What was asked, or the answer, is not allowed. */
  | 'content'
  /** Prompt and answer do not fit into the model. */
  | 'context'
  /** There is no such model, or it is not for this account. */
  | 'model'
  /** The model or its server takes no tools. */
  | 'tools'
  /** It passes by itself. */
  | 'busy'
  | 'other'

/** How an answer ended, apart from how it is said. `broken`: the provider itself gave up on it. */
export type Stop = 'whole' | 'length' | 'content' | 'tool' | 'broken'

const words = (stop: Stop, ...list: string[]): [string, Stop][] => list.map((word) => [word, stop])

/**
 * Stop reasons in lower case. One that is not here ends a whole answer: providers add words, and an answer that came to
 * its end is not worth less for an unknown one.
 *
 * @see https://docs.anthropic.com/en/api/handling-stop-reasons
 * @see https://platform.openai.com/docs/api-reference/chat/object
 * @see https://ai.google.dev/api/generate-content#FinishReason
 * @see https://api-docs.deepseek.com/api/create-chat-completion
 * @see https://openrouter.ai/docs/api-reference/overview#finish-reason
 */
export const STOPS: ReadonlyMap<string, Stop> = new Map([
  ...words('whole', 'stop', 'end_turn', 'stop_sequence', 'eos', 'eos_token', 'complete', 'completed', 'done', 'end'),
  ...words('length', 'length', 'max_tokens', 'max_output_tokens', 'model_length', 'max_length', 'error_limit'),
  ...words('length', 'model_context_window_exceeded'),
  ...words('content', 'content_filter', 'content-filter', 'refusal', 'safety', 'recitation', 'blocklist', 'spii'),
  ...words(
    'content',
    'prohibited_content',
    'image_safety',
    'language',
    'sensitive',
    'guardrail_intervened',
    'error_toxic',
  ),
  ...words('tool', 'tool_calls', 'tool_use', 'function_call', 'malformed_function_call', 'unexpected_tool_call'),
  ...words('tool', 'pause_turn'),
  ...words('broken', 'error', 'abort', 'cancelled', 'insufficient_system_resource', 'network_error', 'other'),
])

export type TroubleRule = {
  problem: Problem
  /** The rule counts only for these statuses; left out: for any. */
  statuses?: readonly number[]
  /** Of one of the codes in the body, lower case and whole. */
  codes?: readonly string[]
  /** A part of one of the codes, such as of the name of a quota. */
  codePart?: RegExp
  /** Of the message, without what it repeats of the request. */
  says?: RegExp
  /** The message repeats something of the request. */
  quotes?: true
  /** The rule counts only where edit tools were offered: a row may have its provider run tools of its own. */
  offersTools?: true
}

const REFUSED = [401, 402, 403, 429]

/** What no other failure is told with, wherever it stands in a sentence. */
const CANNOT_PAY =
  /\b(?:out of|no|insufficient|not enough|add|purchase|buy|more) credits?\b|\binsufficient (?:account )?(?:balance|funds)\b|\bbalance (?:is )?(?:too low|insufficient|not enough|exhausted)\b|\badd a (?:valid )?payment method\b|\b(?:account|organization|team)\b.{0,60}\b(?:is|been) (?:suspended|restricted|overdue|in arrears)\b|余额不足|欠费/iu

/**
 * What servers say that take no tools for a model, or none at all.
 *
 * @see https://docs.vllm.ai/en/latest/features/tool_calling.html
 * @see https://github.com/ollama/ollama/blob/main/server/routes.go (does not support tools)
 * @see https://openrouter.ai/docs/features/tool-calling (No endpoints found that support tool use)
 * @see https://github.com/ggml-org/llama.cpp/blob/master/docs/function-calling.md (requires --jinja)
 */
const NO_TOOLS =
  /^(?:.{0,200} )?(?:does(?: not|n't) support (?:tools?|tool (?:use|calling|calls)|functions?|function calling)|no endpoints found that support tool use|tools? param(?:eter)? requires|tool choice requires --enable)|^[`'"]?(?:tools?|tool (?:use|calling|calls|choice)|tool_choice|functions?|function calling)[`'"]? (?:(?:is|are) )?(?:not|un)[ -]?(?:supported|enabled|available)|^tool use with function calling is unsupported|^tools[.\w]{0,80}: extra (?:inputs|fields) (?:are )?not permitted/i

/** The first rule that fits counts. Codes are read from named fields only, so that no text of an order can be one. */
export const TROUBLES: readonly TroubleRule[] = [
  // Google says the same of a minute and of a day but for the name of the quota; a day is over later.
  { problem: 'quota', codePart: /perday/ },
  { problem: 'busy', codePart: /per(?:minute|second)/ },
  { problem: 'busy', codes: ['resource_exhausted'], says: /retry in \d/i },
  {
    problem: 'content',
    codes: ['content_filter', 'responsibleaipolicyviolation', 'content_policy_violation', 'data_inspection_failed'],
  },
  { problem: 'content', says: /^(?:output blocked by content filtering policy|the response was filtered due to)/i },
  { problem: 'content', statuses: [403], says: /flagged|moderation/i },
  {
    problem: 'context',
    codes: ['context_length_exceeded', 'request_too_large', 'string_above_max_length', 'exceed_context_size_error'],
  },
  { problem: 'context', statuses: [413] },
  {
    problem: 'context',
    says: /^(?:prompt is too long|input is too long|this (?:model|endpoint)'s maximum context length|the input token count|request too large for|the request exceeds the available context size|input length and `max_tokens` exceed|the decoder prompt|'?max_(?:completion_)?tokens'? (?:is too large|must be at least 1))/i,
  },
  {
    problem: 'account',
    codes: [
      'insufficient_quota',
      'insufficient_balance',
      'exceeded_current_quota_error',
      'billing_hard_limit_reached',
      'billing_not_active',
      'billing_error',
      'payment_required',
      'account_deactivated',
      'access_terminated',
      'organization_deactivated',
      'arrearage',
      'accountoverdueerror',
      'organization_restricted',
      // Google's: the free tier is not offered there, and there is no billing.
      'failed_precondition',
    ],
  },
  { problem: 'account', statuses: [402] },
  { problem: 'quota', says: /^you have reached your specified (?:api |workspace )*usage limits/i },
  {
    problem: 'account',
    says: /^(?:your credit balance is too low|insufficient (?:balance|credits|funds)|billing hard limit|your account is not active|this organization has been disabled)/i,
  },
  {
    problem: 'quota',
    statuses: REFUSED,
    says: /per[- ]day|daily|\(rpd\)|\(tpd\)|quota will be replenished|call volume quota/i,
  },
  { problem: 'account', says: CANNOT_PAY },
  { problem: 'account', statuses: REFUSED, says: /credit|balance|billing|deactivated|suspended|key limit exceeded/i },
  {
    problem: 'key',
    codes: ['invalid_api_key', 'authentication_error', 'api_key_invalid', 'api_key_service_blocked', 'unauthenticated'],
  },
  { problem: 'key', says: /^(?:api key (?:not valid|expired|not found)|incorrect api key|invalid (?:x-)?api[- ]key)/i },
  // Groq's, of a call that the model has written wrongly: the next answer may have it right.
  { problem: 'busy', codes: ['tool_use_failed'] },
  // The parameter that OpenAI names.
  { problem: 'tools', offersTools: true, statuses: [400], codes: ['tools', 'tool_choice'] },
  { problem: 'tools', offersTools: true, statuses: [400, 404, 422, 500, 501], says: NO_TOOLS },
  { problem: 'model', codes: ['model_not_found', 'deploymentnotfound', 'not_found_error', 'model_not_available'] },
  // A guard before the model that says what it took offence at; it knows the key.
  { problem: 'content', statuses: [403], quotes: true },
  { problem: 'key', statuses: [401, 403] },
  { problem: 'model', statuses: [404] },
  { problem: 'model', says: /^(?:model .{1,200} (?:not found|does not exist)|.{1,200} is not a valid model id)/i },
  { problem: 'busy', statuses: [408, 409, 425, 429] },
  {
    problem: 'busy',
    codes: [
      'overloaded_error',
      'api_error',
      'server_error',
      'rate_limit_error',
      'rate_limit_exceeded',
      'timeout_error',
    ],
  },
  {
    problem: 'busy',
    codes: ['resource_exhausted', 'unavailable', 'internal', 'deadline_exceeded', 'serviceunavailable'],
  },
  { problem: 'busy', codes: ['internalservererror', 'engine_overloaded', 'internal_server_error'] },
]

/**
 * Parameters that bound the answer in Chat Completions, the usual one first. OpenAI's reasoning models refuse the old
 * name, and Azure serves them under names of the operator's choice.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-max_completion_tokens
 * @see https://learn.microsoft.com/en-us/azure/ai-services/openai/how-to/reasoning
 */
export const LIMIT_PARAMETERS = ['max_tokens', 'max_completion_tokens'] as const

/** Models known to want `max_completion_tokens`, whoever serves them under this name. */
export const WANTS_COMPLETION_LIMIT = /^(?:openai\/)?(?:o[1-9]\d?|gpt-(?:[5-9]|\d\d))(?:$|[^a-z0-9])/i

/** Hosts whose servers know `max_completion_tokens` for every model. Azure also wants the key in a header of its own. */
export const OPENAI_HOST = /^api\.openai\.com$/
export const AZURE_HOST = /\.(?:openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com)$/

type MarkedCache = {
  provider: 'anthropic' | 'openai-compatible'
  /** Of the address; left out: any. */
  host?: RegExp
  model?: RegExp
}

/**
 * Where a prompt is cached only up to what is marked with `cache_control`. Everybody else caches by itself or not at all, and
 * is sent no marks.
 *
 * @see https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching
 * @see https://openrouter.ai/docs/features/prompt-caching (Anthropic Claude)
 */
export const MARKED_CACHES: readonly MarkedCache[] = [
  { provider: 'anthropic' },
  { provider: 'openai-compatible', host: /^openrouter\.ai$/, model: /^anthropic\// },
]

/** More in one request are refused. */
export const MOST_CACHE_MARKS = 4

/**
 * Tokens below which a marked prefix is not cached, by the model; the first that fits counts. It is no error, and charged as
 * what is not marked.
 *
 * @see https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#cache-limitations
 */
export const LEAST_CACHED_TOKENS: readonly { model: RegExp; tokens: number }[] = [
  { model: /opus-4[-.][5-9]|haiku-4[-.]5/, tokens: 4_096 },
  { model: /haiku-3|3[-.]5-haiku|3-haiku/, tokens: 2_048 },
  { model: /^/, tokens: 1_024 },
]
