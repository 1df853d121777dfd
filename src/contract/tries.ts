import { ShownUsd } from './amounts.ts'
import { WorkOrderParams } from './work-orders.ts'
import { z } from './zod.ts'

/** One try of a call to a model that has ended; one that is under way is in no list yet. */
export const ModelTry = z
  .object({
    /** Null: it was made outside of an attempt. */
    attempt: z.number().int().nullable(),
    /** From 1 within its attempt, in the order the tries ended. */
    number: z.number().int(),
    /** The step it was made in: `propose` is Moose's own Proposer, `apply` is Aider; null: none that is known. */
    step: z.string().nullable(),
    proposer: z.string(),
    provider: z.string(),
    model: z.string(),
    input_tokens: z.number().int(),
    output_tokens: z.number().int(),
    cache_read_tokens: z.number().int(),
    cache_write_tokens: z.number().int(),
    reasoning_tokens: z.number().int(),
    /** Null: not known, or not charged. */
    cost_usd: ShownUsd.nullable(),
    /** The model's own reason to stop, e.g. `stop`, `length`; null: there was no answer. */
    finish_reason: z.string().nullable(),
    /** Null: the answer was of use. */
    error_code: z.string().nullable(),
    /** Answered by a recording: no model was called. */
    replayed: z.boolean(),
    duration_ms: z.number().int(),
    started_at: z.iso.datetime(),
    /** Of the answer that is kept; null: none is. */
    answer_bytes: z.number().int().nullable(),
  })
  .openapi('ModelTry')
export type ModelTry = z.infer<typeof ModelTry>

/** A text of a prompt or an answer, without known secrets and what looks like a key. */
const ShownText = {
  text: z.string(),
  /** Characters of its end that are not shown. */
  left_out: z.number().int(),
}

export const ToldMessage = z.object({ role: z.enum(['system', 'user', 'assistant']), ...ShownText })
export type ToldMessage = z.infer<typeof ToldMessage>

export const ModelTryDetail = ModelTry.extend({
  prompt: z.object({
    /**
     * What the model was told, oldest first. It is made again of the order, the base commit and the answers before, and shown only
     * where its SHA-256 is that of what was sent. Null: `reason` says why it cannot be shown.
     */
    messages: z.array(ToldMessage).nullable(),
    reason: z.string().nullable(),
  }),
  answer: z.object({
    /** What the model said, its thoughts included. Null: `reason` says why it is not kept. */
    text: z.string().nullable(),
    left_out: ShownText.left_out,
    reason: z.string().nullable(),
  }),
}).openapi('ModelTryDetail')
export type ModelTryDetail = z.infer<typeof ModelTryDetail>

const Count = z.coerce.number().int().max(1_000_000)

export const TriesQuery = z.strictObject({
  /** Only those of this attempt. */
  attempt: Count.min(1).optional(),
})

export const TryParams = WorkOrderParams.extend({
  attempt: Count.min(0).openapi({ description: '0: those outside of an attempt', example: 1 }),
  number: Count.min(1).openapi({ example: 1 }),
})

export const TriesResponse = z.object({
  success: z.literal(true),
  work_order_id: z.guid(),
  /** Oldest first. */
  tries: z.array(ModelTry),
  /** How many older ones are not in the list. */
  left_out: z.number().int(),
})
export const TryResponse = z.object({ success: z.literal(true), work_order_id: z.guid(), try: ModelTryDetail })
