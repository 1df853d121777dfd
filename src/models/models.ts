import { deadline } from '../async/deadline.ts'
import { retry } from '../async/retry.ts'
import type { Clock } from '../clock.ts'
import { namedFault } from '../db/database-fault.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { type Fault, NEXT_MOVE } from '../faults/fault.ts'
import { NO_USD, type Usd } from '../money.ts'
import type { Availability } from '../ports/routing.ts'
import { createNetwork } from '../remote/network-route.ts'
import { observeModelCall } from '../telemetry/observe-model-call.ts'
import { availabilityOf, whyUnavailable } from './availability.ts'
import { fitToContext } from './context-size.ts'
import {
  callCancelled,
  MAX_OUTPUT_TOKENS,
  type Memory,
  type ModelAnswer,
  type ModelCall,
  partsOf,
} from './model-answer.ts'
import type { Admission, ModelsOptions, TryOptions } from './paid-try.ts'
import { costOf, priceOf, worstCaseOf, worstCaseOfCall } from './price.ts'
import { heedChangedKeys, keyMarkOf, unlessPaused } from './provider-pause.ts'
import { rememberedAnswers, requestKey } from './remembered-answers.ts'
import type { TestedCall } from './test-call.ts'

export type Models = ReturnType<typeof createModels>

/** The only way to a model. Every try is reserved in the ledger first and becomes a row of `model_calls` after. */
export function createModels(options: ModelsOptions) {
  const { db, clock } = options
  const means = { network: createNetwork(options.networkEnvironment), learnt: new Map<string, string>() }
  let emergencyStop = new AbortController()
  let admission: Admission = async () => undefined
  return {
    /**
     * Has a model answer. Faults that pass by themselves are retried up to twice before they are thrown.
     *
     * @throws {Fault} `model_key_missing`, `model_unknown`, `price_unknown`, `provider_paused`, `recording_missing`,
     *   `config_invalid` (a malformed recording, limit or proxy) and `model_call_rejected` (a prompt that cannot fit)
     *   before any call; `budget_exceeded` and `emergency_stop` before
     *   any try; then `model_key_rejected`, `model_overloaded`, `model_timed_out`, `model_call_rejected`,
     *   `model_answer_truncated`, `model_answer_refused`, or `attempt_cancelled`
     */
    call(asked: ModelCall): Promise<ModelAnswer> {
      const admit: Admission = (call) => admission(call)
      return callModel({ options: { ...options, ...means }, emergency: emergencyStop.signal, admission: admit }, asked)
    },

    /**
     * Makes the smallest real call to a proposer, reserved and booked as every other, outside of any order. It is made
     * also while the provider is paused or the proposer is not active; an answer ends the pause.
     *
     * @throws {Fault} those of `call` but `provider_paused`, each with the next `command` in its details
     */
    async test(proposer: ProposerConfig, signal: AbortSignal): Promise<TestedCall> {
      const { testCall } = await import('./test-call.ts')
      const stop = AbortSignal.any([signal, emergencyStop.signal])
      await admission({ workOrderId: null, signal: stop })
      return await testCall({ ...options, ...means }, proposer, stop)
    },

    /** Has accounts tested at once that were refused with another key than the one set now. */
    heedChangedKeys: (): Promise<void> => heedChangedKeys(db, options.secrets),

    /** What an attempt need not ask again; for one run of a step. */
    remember: (of: Pick<ModelCall, 'workOrderId' | 'attempt'>): Promise<Memory> => rememberedAnswers(db, of),

    /** Resolves when a call may be begun: at once, unless `admitBy` says otherwise. Each try of a call waits for it. */
    admit: ((call) => admission(call)) satisfies Admission,

    /** What calls wait for from now on before they are begun; those under way continue. */
    admitBy(next: Admission): void {
      admission = next
    },

    /** Ends every call under way with this fault. */
    stopAll(fault: Fault): void {
      emergencyStop.abort(fault)
      emergencyStop = new AbortController()
    },

    /** The fault `call` would begin with, whatever is asked; null: it may work. */
    whyUnavailable: (proposer: ProposerConfig): Fault | null => whyUnavailable(proposer, options),

    /** Whether calls to a proposer can work on this machine. */
    availability(proposer: ProposerConfig): Availability {
      return availabilityOf(proposer, options)
    },

    /** What so many tokens cost; null when the price is unknown. */
    costOf(proposer: ProposerConfig, usage: { input: number; output: number }): Usd | null {
      const price = priceOf(proposer, clock.now())
      return price === null ? null : costOf(price, { ...usage, cacheRead: 0, cacheWrite: 0, reasoning: 0 })
    },

    /**
     * What a call would reserve; zero where its answer is remembered, null when the price is unknown.
     *
     * @throws {Fault} `model_call_rejected` for a prompt that cannot fit
     */
    async reservedBy(asked: Omit<ModelCall, 'signal' | 'turn' | 'task'>): Promise<Usd | null> {
      const call = fitToContext(asked)
      const price = priceOf(call.proposer, clock.now())
      if ((await call.memory.take(requestKey(call))) !== null) return NO_USD
      return price === null ? null : worstCaseOfCall(price, call)
    },

    /** What a first call with so much of a prompt reserves; null when the price is unknown. */
    worstCaseOf(proposer: ProposerConfig, promptBytes: number): Usd | null {
      const price = priceOf(proposer, clock.now())
      return price === null
        ? null
        : worstCaseOf(price, { promptBytes, messages: 2, maxOutputTokens: MAX_OUTPUT_TOKENS })
    },
  }
}

type CallParts = { options: TryOptions; emergency: AbortSignal; admission: Admission }

async function callModel({ options, emergency, admission }: CallParts, asked: ModelCall): Promise<ModelAnswer> {
  const { db, clock, modelTimeoutMs, log } = options
  const unavailable = whyUnavailable(asked.proposer, options)
  if (unavailable !== null) throw unavailable
  const call = fitToContext(asked)
  const remembered = await call.memory.take(requestKey(call))
  if (remembered !== null) return asAnswer(call, remembered)
  // Only here: what asks no model anew need not load the libraries of the providers.
  const { paidTry: tryOnce } = await import('./paid-try.ts')
  const keyMark = keyMarkOf(call.proposer, options.secrets)
  const stop = AbortSignal.any([call.signal, emergency])
  const signal = AbortSignal.any([stop, deadline(modelTimeoutMs)])
  const onRetry = (fault: Fault, waitMs: number) =>
    log.warn({ proposer: call.proposer.name, code: fault.code, waitMs }, 'a model call is tried again')
  try {
    return await unlessPaused({ db, random: Math.random, keyMark }, call.proposer, modelTimeoutMs, (passage) =>
      withRetries({ clock, random: Math.random, signal, onRetry, once: passage === 'probe' }, async () => {
        await admission({ ...call, signal: stop })
        return observeModelCall({ ...call.proposer, proposer: call.proposer.name, signal }, () =>
          tryOnce(options, { ...call, signal: stop }, signal),
        )
      }),
    )
  } catch (error) {
    if (stop.aborted) throw callCancelled(call.proposer, stop, error)
    throw error
  }
}

function asAnswer({ proposer }: ModelCall, text: string): ModelAnswer {
  const usage = { input: 0, output: 0, total: 0 }
  const ending = { finishReason: 'stop', replayed: false, durationMs: 0, remembered: true }
  return { ...partsOf(text), usage, costUsd: NO_USD, model: proposer.model, ...ending }
}

const TRIES = 3
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000

type CallRetryOptions = {
  clock: Clock
  /** Where a failure is expected: nothing is gained by a second try. */
  once?: boolean
  /** 0 up to 1; spreads the retries of several orders. */
  random: () => number
  /** Ends a wait at once; the fault of the last try is thrown then. */
  signal: AbortSignal
  onRetry: (fault: Fault, waitMs: number) => void
}

/**
 * Repeats work whose fault passes by itself (`NEXT_MOVE` says `retry`): at most 3 tries, waiting 1 s and 2 s with
 * jitter or as long as the fault's `retry_after_ms` asks for. Who asks for more than a minute gets no second try here;
 * the order waits instead of the call. A database that is away is waited for by the step, which takes answers that are booked again.
 */
export function withRetries<T>(options: CallRetryOptions, work: () => Promise<T>): Promise<T> {
  const { clock, signal, onRetry } = options
  const pauseAfter = (fault: Fault, failures: number) => waitBefore(fault, failures, options)
  return retry({ clock, signal, failureOf: namedFault, pauseAfter, onPause: onRetry }, work)
}

/** Null: no further try. */
function waitBefore(fault: Fault, failures: number, { once, random }: CallRetryOptions): number | null {
  if (fault.code === 'database_unreachable') return null
  if (NEXT_MOVE[fault.code] !== 'retry' || failures >= (once === true ? 1 : TRIES)) return null
  const asked = fault.details['retry_after_ms']
  if (typeof asked === 'number') return asked > LONGEST_WAIT_MS ? null : asked
  return FIRST_WAIT_MS * 2 ** (failures - 1) * (1 + random())
}
