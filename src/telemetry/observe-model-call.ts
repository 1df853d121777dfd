import { modelCalls, modelTokens, modelUsd } from './counters.ts'
import { noteAttributes, observe } from './observe.ts'

/** A try of a call as it is booked. */
export type BookedCall = {
  provider: string
  input_tokens?: number | undefined
  output_tokens?: number | undefined
  /** Decimal; null or undefined: unknown. */
  cost_usd?: string | number | null | undefined
  finish_reason?: string | null | undefined
  error_code?: string | null | undefined
  /** True: read from a recording, no model was called. */
  replayed?: boolean | undefined
}

/**
 * Observes one try of a call, by the names OpenTelemetry has for calls to models.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */
export function observeModelCall<Answer>(
  call: { proposer: string; provider: string; model: string; maxOutputTokens?: number; signal: AbortSignal },
  run: () => Promise<Answer>,
): Promise<Answer> {
  const { proposer, provider, model, maxOutputTokens, signal } = call
  return observe(
    {
      name: `chat ${model}`,
      isCall: true,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': provider,
        'gen_ai.request.model': model,
        ...(maxOutputTokens === undefined ? {} : { 'gen_ai.request.max_tokens': maxOutputTokens }),
        'moose.proposer': proposer,
      },
      fields: { proposer },
      signal,
      // Counted where it is booked: what is refused before it is sent is no call.
      onEnd: () => undefined,
    },
    run,
  )
}

/** Counts a booked try, and adds what it used to the call around it. */
export function noteModelCall(booked: BookedCall): void {
  const { provider, input_tokens: input = 0, output_tokens: output = 0, finish_reason: reason } = booked
  const usd = booked.cost_usd === undefined || booked.cost_usd === null ? null : Number(booked.cost_usd)
  const { error_code: code = null } = booked
  modelCalls.inc({ provider, outcome: code === null ? 'answered' : code })
  modelTokens.inc({ provider, direction: 'input' }, input)
  modelTokens.inc({ provider, direction: 'output' }, output)
  if (usd !== null) modelUsd.inc({ provider }, usd)
  noteAttributes({
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    ...(typeof reason === 'string' ? { 'gen_ai.response.finish_reasons': [reason] } : {}),
    ...(usd === null ? {} : { 'moose.cost_usd': usd }),
    'moose.replayed': booked.replayed === true,
  })
}
