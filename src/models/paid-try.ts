import type { Kysely } from 'kysely'
import { retry } from '../async/retry.ts'
import { release, reserve } from '../budget/ledger.ts'
import type { Clock } from '../clock.ts'
import type { Secrets } from '../config.ts'
import { looksSecret } from '../contract/proposer-rules.ts'
import type { Database } from '../db/schema.ts'
import { readMaxCallsPerProvider } from '../db/system-config.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { Log } from '../log.ts'
import { createRedaction, loginsIn } from '../redaction/redaction.ts'
import type { NetworkEnvironment } from '../remote/network-route.ts'
import { unknownPrice } from './availability.ts'
import { costOfAnswer, meter, NO_USAGE, type Try } from './book-call.ts'
import { marked } from './cache-marks.ts'
import { noteAnswer } from './call-watch.ts'
import { causesOf } from './error-causes.ts'
import {
  callCancelled,
  faultOfAnswer,
  type ModelAnswer,
  type ModelCall,
  partsOf,
  type RawAnswer,
} from './model-answer.ts'
import { toModelFault } from './model-faults.ts'
import { priceOf, worstCaseOfCall } from './price.ts'
import { findRecording } from './recordings.ts'
import { type CallMeans, languageModel, streamAnswer } from './stream-answer.ts'

/** What calls to models are made with. */
export type ModelsOptions = {
  db: Kysely<Database>
  secrets: Secrets
  /** The variables that say how providers are reached. */
  networkEnvironment: NetworkEnvironment
  /** Folder of recordings; where it does not exist, the provider `replay` is not available. */
  replayDir: string
  /** Hosts beside those that are known (model-hosts.ts). */
  modelHosts: readonly string[]
  /** How long one `call` may take, its retries and the waits between them included. */
  modelTimeoutMs: number
  /** How many calls to one provider may be under way, over all processes, unless a row of `system_config` says otherwise; null: any number. */
  maxCallsPerProvider: number | null
  clock: Clock
  log: Log
}

/**
 * What a call that would be begun waits for. `workOrderId` is null for a call of no order.
 *
 * @throws what the aborted signal says, and what refuses the call
 */
export type Admission = (call: { workOrderId: string | null; signal: AbortSignal }) => Promise<void>
/** The same with what one process keeps between its calls. */
export type TryOptions = ModelsOptions & Omit<CallMeans, 'onSend' | 'offersTools'>

/** Before a look whether a call to the provider has ended. */
const PLACE_PAUSE_MS = 250

/**
 * One try of a call: reserved, sent, judged and booked.
 *
 * @param signal ends it: the call's own, or the end of its time
 * @throws {Fault} those of `Models.call`
 */
export async function paidTry(options: TryOptions, call: ModelCall, signal: AbortSignal): Promise<ModelAnswer> {
  const { proposer, maxOutputTokens } = call
  const trip = { sent: false }
  const ask = await prepare({ ...options, onSend: () => void (trip.sent = true) }, call, signal)
  const current = await reserveTry(options, call, signal)
  if (signal.aborted) {
    await release(options.db, current.reservationId)
    throw faultOfFailure(options, current, signal.reason)
  }
  const raw = await faultPoint('call_model', () => ask(current.reservationId)).catch(async (error: unknown) => {
    const failed = faultOfFailure(options, current, error)
    const fault = trip.sent ? failed : withoutBill(failed)
    await meter(options, current, { answer: null, fault })
    throw fault
  })
  noteAnswer(raw)
  const fault = faultOfAnswer(raw, proposer.name, maxOutputTokens)
  // A stream without its end says nothing of what it used, nor whether it was charged.
  const brokeOff = fault !== null && raw.finishReason === 'interrupted' && raw.usage === null
  const durationMs = await meter(options, current, brokeOff ? { answer: null, fault } : { answer: raw, fault })
  if (fault !== null) throw fault
  const { input, output, cacheRead, cacheWrite } = raw.usage === null ? NO_USAGE : raw.usage
  return {
    ...partsOf(raw.text),
    finishReason: raw.finishReason,
    usage: { input, output, total: input + output, cache_read: cacheRead, cache_write: cacheWrite },
    costUsd: costOfAnswer(current, raw),
    model: proposer.model,
    replayed: proposer.provider === 'replay',
    remembered: false,
    durationMs,
  }
}

/** @throws {Fault} `price_unknown`, `budget_exceeded`, `emergency_stop`, `attempt_taken_over` */
async function reserveTry(options: ModelsOptions, call: ModelCall, signal: AbortSignal): Promise<Try> {
  const { proposer } = call
  const startedAt = options.clock.now()
  const price = priceOf(proposer, startedAt)
  if (price === null) throw unknownPrice(proposer)
  const worstCase = worstCaseOfCall(price, call)
  const reservationId = await reserveInTurn(options, { call, signal, worstCase })
  return { call, signal, startedAt, price, worstCase, reservationId }
}

/** Waits for a place while the provider has as many calls under way as it may. */
function reserveInTurn(
  options: ModelsOptions,
  { call, signal, worstCase }: Pick<Try, 'call' | 'signal' | 'worstCase'>,
): Promise<string> {
  const { db, clock } = options
  const { name, provider, model } = call.proposer
  const paid = { ...call, proposer: name, provider, model }
  return retry(
    {
      clock,
      signal,
      failureOf: (thrown) => thrown,
      pauseAfter: (error) => (toFault(error).code === 'provider_busy' ? PLACE_PAUSE_MS : null),
      whenStopped: () => faultOfFailure(options, { call, signal }, signal.reason),
    },
    async () => await reserve(db, paid, worstCase, await readMaxCallsPerProvider(db, options)),
  )
}

/** What is still no call: without a recording to read there is nothing to reserve. */
async function prepare(
  options: ModelsOptions & Omit<CallMeans, 'offersTools'>,
  call: ModelCall,
  signal: AbortSignal,
): Promise<(requestId: string) => Promise<RawAnswer>> {
  const { proposer, messages, maxOutputTokens, task, turn, offersTools = false } = call
  if (proposer.provider !== 'replay') {
    const model = languageModel(proposer, { ...options, offersTools })
    const told = marked(messages, proposer, priceOf(proposer, options.clock.now()))
    return (requestId) => streamAnswer({ model, messages: told, offersTools, maxOutputTokens, signal, requestId })
  }
  const key = { proposer: proposer.name, task, turn }
  const { delayMs, ...answer } = await findRecording(options.replayDir, key)
  return async () => {
    if (delayMs > 0) await options.clock.sleep(delayMs, signal)
    return answer
  }
}

/** Of a call that never left this process, whatever has stopped it. */
function withoutBill(fault: Fault): Fault {
  return new Fault(fault.code, fault.message, { ...fault.details, billed: false }, fault.cause)
}

function faultOfFailure(
  { secrets, modelTimeoutMs, clock }: ModelsOptions,
  { call, signal }: Pick<Try, 'call' | 'signal'>,
  error: unknown,
): Fault {
  const { name, baseUrl } = call.proposer
  if (call.signal.aborted) return callCancelled(call.proposer, call.signal, error)
  if (signal.aborted) {
    const message = `${name} did not answer within ${modelTimeoutMs} ms. Raise MOOSE_MODEL_TIMEOUT_MS, or try again.`
    return new Fault('model_timed_out', message, { proposer: name, timeout_ms: modelTimeoutMs })
  }
  const own = causesOf(error).find((cause) => cause instanceof Fault)
  if (own !== undefined) return own
  const keys = Object.values(secrets).flatMap((key) => (key === null ? [] : [{ value: key, written: key }]))
  const known = [...keys, ...(baseUrl === null ? [] : loginsIn(baseUrl, 'base_url')), ...rowSecrets(call.proposer)]
  return toModelFault(error, name, createRedaction(known), clock.now())
}

/** What a row of `proposer_configs` holds that may be a key, though it should not. */
function rowSecrets({ baseUrl, extraHeaders }: ModelCall['proposer']): { value: string; written: string }[] {
  const query = baseUrl === null ? [] : [...new URL(baseUrl).searchParams]
  return [...query, ...Object.entries(extraHeaders)]
    .filter(([name]) => looksSecret(name))
    .map(([, value]) => ({ value, written: value }))
}
