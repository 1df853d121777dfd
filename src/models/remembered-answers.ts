import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { answeredCalls, answerOfCall } from '../db/model-calls.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import type { Memory, ModelCall } from './model-answer.ts'

/**
 * What Aider tells its model of the machine and the day, in these lines and this order.
 * @see https://github.com/Aider-AI/aider/blob/v0.86.2/aider/coders/base_coder.py (get_platform_info)
 */
const AIDERS_ENVIRONMENT = /^- Platform.*\n- Shell: .*\n(?:- Language: .*\n)?- Current date: .*$/gm

type Question = Pick<ModelCall, 'messages' | 'maxOutputTokens'> & {
  proposer: Pick<ProposerConfig, 'model' | 'baseUrl'> & { provider: string }
}

/**
 * What a call asks, so that the same question of the same order can be told: model, limit and messages. Where and when
 * Aider asks is no part of the question: another machine may have taken the attempt over.
 *
 * @returns a SHA-256 in hex
 */
export function requestKey({ proposer, messages, maxOutputTokens }: Question): string {
  const { provider, model, baseUrl } = proposer
  const said = messages.map(({ role, content }) => [role, content.replace(AIDERS_ENVIRONMENT, '')])
  return createHash('sha256')
    .update(JSON.stringify([provider, model, baseUrl, maxOutputTokens, said]))
    .digest('hex')
}

/** No text begins with these bytes in UTF-8. */
const UTF_16_MARK = Buffer.from([0xff, 0xfe])

/** An answer as it is kept, and comes back the same: in UTF-8, or in UTF-16 where it holds half a character. */
export function keptAnswer(text: string): Buffer {
  return text.isWellFormed() ? Buffer.from(text) : Buffer.concat([UTF_16_MARK, Buffer.from(text, 'utf16le')])
}

/** The answer that `keptAnswer` was given. */
export function answerIn(kept: Buffer): string {
  const mark = kept.subarray(0, UTF_16_MARK.length)
  return mark.equals(UTF_16_MARK) ? kept.subarray(mark.length).toString('utf16le') : kept.toString('utf8')
}

/** What was said in a call. @returns null: it is not kept, or not any more */
export async function answerTextOf(db: Kysely<Database>, callId: string): Promise<string | null> {
  const kept = await answerOfCall(db, callId)
  return kept === null ? null : answerIn(kept)
}

/**
 * What an attempt need not ask again: its own answers, and those of earlier attempts that no answer was to blame for. A step
 * that is repeated, after a crash or when its order goes on, asks the same questions in the same order and gets the same
 * answers without paying again; within one run of a step the same question asked twice is two questions. What has led to the
 * failure of an earlier attempt is never given again, nor what came before a human had the models asked anew.
 *
 * @param attempt null: it belongs to none, and nothing is remembered
 */
export async function rememberedAnswers(
  db: Kysely<Database>,
  { workOrderId, attempt }: Pick<ModelCall, 'workOrderId' | 'attempt'>,
): Promise<Memory> {
  if (workOrderId === null || attempt === null) return { take: async () => null }
  const rows = await answeredCalls(db, { workOrderId, attempt })
  return {
    async take(key) {
      const index = rows.findIndex((row) => row.request_key === key)
      const [row] = index === -1 ? [] : rows.splice(index, 1)
      return row === undefined ? null : await answerTextOf(db, row.id)
    },
  }
}
