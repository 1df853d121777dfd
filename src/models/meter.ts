import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { recordModelCall } from '../db/model-calls.ts'
import type { Database } from '../db/schema.ts'
import type { Fault } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ModelCall, PricedUsage, RawAnswer } from './model-answer.ts'
import { costOf } from './price.ts'

/** A try of a call: what is known of it while it runs. */
export type Try = { call: ModelCall; signal: AbortSignal; startedAt: Date }

const NO_USAGE: PricedUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }

/**
 * Books a try, also one that failed.
 *
 * @param answer null when none came; the provider may still charge for it, so its cost is unknown and not 0
 * @returns how long the try took, in ms
 */
export async function meter(
  { db, clock, log }: { db: Kysely<Database>; clock: Clock; log: Log },
  { call, startedAt }: Try,
  answer: RawAnswer | null,
  fault: Fault | null,
): Promise<number> {
  const { proposer } = call
  const usage = answer === null ? NO_USAGE : answer.usage
  const durationMs = clock.now().getTime() - startedAt.getTime()
  const errorCode = fault === null ? null : fault.code
  await recordModelCall(db, {
    work_order_id: call.workOrderId,
    attempt: call.attempt,
    proposer: proposer.name,
    provider: proposer.provider,
    model: proposer.model,
    input_tokens: usage.input,
    output_tokens: usage.output,
    cost_usd: answer === null ? null : costOf(proposer, usage),
    finish_reason: answer === null ? null : answer.finishReason,
    error_code: errorCode,
    replayed: proposer.provider === 'replay',
    duration_ms: durationMs,
    started_at: startedAt,
  })
  log.debug({ proposer: proposer.name, turn: call.turn, durationMs, errorCode }, 'model call')
  return durationMs
}
