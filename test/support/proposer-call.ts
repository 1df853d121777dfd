import type { Kysely } from 'kysely'
import type { ProposerConfig } from '../../src/db/proposer-configs.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import type { ModelCall } from '../../src/models/model-answer.ts'
import { createModels, type Models } from '../../src/models/models.ts'
import type { ModelsOptions } from '../../src/models/paid-try.ts'

/** A proposer whose calls are made as is usual for its provider. */
export const USUAL_CALL = {
  keyVariable: null,
  contextTokens: null,
  outputLimitParameter: null,
  answerForm: 'blocks' as const,
  extraHeaders: {},
  extraBody: {},
}

/** A call of no order, which nothing remembers. */
export function callOf(proposer: ProposerConfig, changes: Partial<ModelCall> = {}): ModelCall {
  return {
    proposer,
    messages: [{ role: 'user', content: 'say hello' }],
    maxOutputTokens: 1_000,
    signal: new AbortController().signal,
    workOrderId: null,
    attempt: null,
    turn: 1,
    task: 'Greet',
    memory: { take: async () => null },
    ...changes,
  }
}

/** Models that wait for nothing, with a key of that value for the providers of the usual names. */
export function quickModels(db: Kysely<Database>, key: string, overrides: Partial<ModelsOptions> = {}): Models {
  return createModels({
    db,
    networkEnvironment: {},
    secrets: { ANTHROPIC_API_KEY: key, OPENAI_API_KEY: key, GEMINI_API_KEY: key, OPENAI_COMPATIBLE_API_KEY: key },
    replayDir: '/nonexistent',
    modelTimeoutMs: 5_000,
    maxCallsPerProvider: null,
    modelHosts: [],
    clock: { now: () => new Date(), sleep: async () => undefined },
    log: createLog('silent'),
    ...overrides,
  })
}
