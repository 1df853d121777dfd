import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Secrets } from '../config.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Availability } from '../pipeline/ports/routing.ts'
import { availabilityOf, whyUnavailable } from './availability.ts'
import { faultOfAnswer } from './judge-answer.ts'
import { meter, type Try } from './meter.ts'
import type { ModelAnswer, ModelCall, RawAnswer } from './model-answer.ts'
import { toModelFault } from './model-faults.ts'
import { costOf } from './price.ts'
import { languageModel } from './providers.ts'
import { findRecording } from './recordings.ts'
import { withRetries } from './retry.ts'
import { streamAnswer } from './stream-answer.ts'

export type ModelsOptions = {
  db: Kysely<Database>
  secrets: Secrets
  /** Folder of recordings; null: the provider `replay` is not available. */
  replayDir: string | null
  /** How long one `call` may take, its retries and the waits between them included. */
  modelTimeoutMs: number
  clock: Clock
  log: Log
}

export type Models = ReturnType<typeof createModels>

/** The only way to a model. Every try becomes a row of `model_calls`, whatever comes of it. */
export function createModels(options: ModelsOptions) {
  const { clock, modelTimeoutMs, log } = options
  return {
    /**
     * Has a model answer. Faults that pass by themselves are retried up to twice before they are thrown.
     *
     * @throws {Fault} `model_key_missing`, `model_unknown`, `recording_missing`, `config_invalid` (a malformed
     *   recording) before any call; then `model_key_rejected`, `model_overloaded`, `model_timed_out`,
     *   `model_call_rejected`, `model_answer_truncated`, `model_answer_refused`, or `attempt_cancelled`
     */
    async call(call: ModelCall): Promise<ModelAnswer> {
      const unavailable = whyUnavailable(call.proposer, options)
      if (unavailable !== null) throw unavailable
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(modelTimeoutMs)])
      const onRetry = (fault: Fault, waitMs: number) =>
        log.warn({ proposer: call.proposer.name, code: fault.code, waitMs }, 'a model call is tried again')
      try {
        return await withRetries({ clock, random: Math.random, signal, onRetry }, () =>
          tryOnce(options, { call, signal, startedAt: clock.now() }),
        )
      } catch (error) {
        if (call.signal.aborted) throw cancelled(call, error)
        throw error
      }
    },

    /** Whether calls to a proposer can work on this machine. */
    availability(proposer: ProposerConfig): Availability {
      return availabilityOf(proposer, options)
    },

    /** USD for so many tokens; null when the price is unknown. */
    costOf(proposer: ProposerConfig, usage: { input: number; output: number }): number | null {
      return costOf(proposer, { ...usage, cacheRead: 0, cacheWrite: 0 })
    },
  }
}

async function tryOnce(options: ModelsOptions, current: Try): Promise<ModelAnswer> {
  const { proposer, maxOutputTokens } = current.call
  const raw = await ask(options, current)
  const fault = faultOfAnswer(raw, proposer.name, maxOutputTokens)
  const durationMs = await meter(options, current, raw, fault)
  if (fault !== null) throw fault
  const { text, finishReason, usage } = raw
  return {
    text,
    finishReason,
    usage: { input: usage.input, output: usage.output, total: usage.input + usage.output },
    costUsd: costOf(proposer, usage),
    model: proposer.model,
    replayed: proposer.provider === 'replay',
    durationMs,
  }
}

async function ask(options: ModelsOptions, current: Try): Promise<RawAnswer> {
  const answer = await prepare(options, current)
  try {
    return await answer()
  } catch (error) {
    const fault = faultOfFailure(options, current, error)
    await meter(options, current, null, fault)
    throw fault
  }
}

/** What is still no call: without a recording to read there is nothing to meter. */
async function prepare(options: ModelsOptions, { call, signal }: Try): Promise<() => Promise<RawAnswer>> {
  const { proposer, messages, maxOutputTokens, task, turn } = call
  if (proposer.provider !== 'replay') {
    const model = languageModel(proposer, options.secrets)
    return () => streamAnswer({ model, messages, maxOutputTokens, signal })
  }
  const key = { proposer: proposer.name, task, turn }
  const { delayMs, ...answer } = await findRecording(String(options.replayDir), key)
  return async () => {
    if (delayMs > 0) await options.clock.sleep(delayMs, signal)
    return answer
  }
}

function faultOfFailure(
  { secrets, modelTimeoutMs, clock }: ModelsOptions,
  { call, signal }: Try,
  error: unknown,
): Fault {
  const { name } = call.proposer
  if (call.signal.aborted) return cancelled(call, error)
  if (signal.aborted) {
    const message = `${name} did not answer within ${modelTimeoutMs} ms. Raise MOOSE_MODEL_TIMEOUT_MS, or try again.`
    return new Fault('model_timed_out', message, { proposer: name, timeout_ms: modelTimeoutMs })
  }
  const known = Object.values(secrets).filter((secret) => secret !== null)
  return toModelFault(error, name, known, clock.now())
}

/** The reason somebody gave for stopping, or that somebody stopped it. */
function cancelled(call: ModelCall, cause: unknown): Fault {
  if (call.signal.reason instanceof Fault) return call.signal.reason
  return new Fault('attempt_cancelled', `The call to ${call.proposer.name} was cancelled.`, {}, cause)
}
