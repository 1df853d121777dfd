import { ANSWER_FORMS } from '../contract/proposers.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { Fault, toldToModel } from '../faults/fault.ts'
import { fitToContext } from '../models/context-size.ts'
import { MAX_OUTPUT_TOKENS, type ModelMessage, partsOf } from '../models/model-answer.ts'
import { requestKey } from '../models/remembered-answers.ts'
import type { BaseTree, ProposerRequest } from '../ports/proposal.ts'
import { buildPrompt, refinementMessage } from './prompt.ts'
import { faultOfEdits } from './proposer.ts'
import { lookAt, type SightLimits } from './sight.ts'

type Asked = Pick<ProposerConfig, 'name' | 'model' | 'baseUrl' | 'contextTokens'> & { provider: string }

/** A call to a model as it is kept: by the SHA-256 of what was asked. */
export type AskedCall = {
  /** Of the call; what is not kept with it as it is configured now. */
  proposer: Asked
  /** What `requestKey` gave. */
  requestKey: string
  /** The whole answer; null: none is kept. */
  answer: () => Promise<string | null>
}

/** What a proposal may have begun with. */
export type Beginnings = {
  request: ProposerRequest
  /** With what was to be read beside the scope there, by the project's `moose.yaml` and the order. */
  bases: readonly { tree: BaseTree; contextFiles: readonly string[] }[]
  /** What a model may have been told of an earlier failure; null: nothing. */
  failures: readonly (string | null)[]
  /** As for `createProposer`. */
  limits: SightLimits
}

type Conversation = {
  messages: readonly ModelMessage[]
  offersTools: boolean
  base: BaseTree
  /** By what asks: the keys this conversation has with it. */
  keys: Map<string, readonly string[]>
}

/**
 * What our Proposer told a model in the last of these calls, made again: the first prompt of what the attempt began with, and
 * after each answer that did not apply, why. What is given back has the key of that call, so it is what was sent, but for what
 * `requestKey` leaves out.
 *
 * @param calls of one attempt, oldest first
 * @returns null: what was told cannot be made again
 * @throws {Fault} of the base commits, when they cannot be read; those of `lookAt`
 */
export async function rebuildPrompt(
  calls: readonly AskedCall[],
  beginnings: Beginnings,
): Promise<readonly ModelMessage[] | null> {
  const sizes = new Set(calls.map(({ proposer }) => proposer.contextTokens))
  const known = (await Promise.all([...sizes].map((size) => firstPrompts(beginnings, size)))).flat()
  let told: Conversation | null = null
  for (const call of calls) {
    told = known.find((conversation) => keysOf(conversation, call.proposer).includes(call.requestKey)) ?? null
    const next = told === null ? null : await refined(told, call, beginnings.request)
    if (next !== null) known.unshift(next)
  }
  return told === null ? null : told.messages
}

/** @param modelTokens the context of the model that was asked, by which it was shown more or less */
async function firstPrompts(
  { request, bases, failures, limits }: Beginnings,
  modelTokens: number | null,
): Promise<Conversation[]> {
  const prompts: Conversation[] = []
  for (const { tree: base, contextFiles } of bases) {
    const sight = await lookAt(base, { request, contextFiles }, limits, modelTokens)
    for (const previousFailure of failures) {
      for (const form of [...ANSWER_FORMS, 'text'] as const) {
        const messages = buildPrompt(request, sight, { form, previousFailure })
        prompts.push({ messages, offersTools: form === 'tools', base, keys: new Map() })
      }
    }
  }
  return prompts
}

/** With the answer and why it does not apply; null: it is not kept, or it applies. */
async function refined(told: Conversation, call: AskedCall, request: ProposerRequest): Promise<Conversation | null> {
  const said = await call.answer()
  if (said === null) return null
  const { text, unclear } = partsOf(said)
  const fault = unclear === null ? await faultOfEdits(text, told.base, request.context) : unclear
  if (fault === null) return null
  const messages = [
    ...told.messages,
    { role: 'assistant' as const, content: text },
    refinementMessage(toldToModel(fault)),
  ]
  return { ...told, messages, keys: new Map() }
}

/** With the limit of the answer as the model's context leaves it, and as it is where that is not stated. */
function keysOf({ messages, offersTools, keys }: Conversation, proposer: Asked): readonly string[] {
  const asker = JSON.stringify([proposer.provider, proposer.model, proposer.baseUrl, proposer.contextTokens])
  const known = keys.get(asker)
  if (known !== undefined) return known
  const question = { proposer, messages, offersTools, maxOutputTokens: MAX_OUTPUT_TOKENS }
  const made = [requestKey(question), ...fittedKey(question)]
  keys.set(asker, made)
  return made
}

function fittedKey(
  question: Pick<Conversation, 'messages' | 'offersTools'> & { proposer: Asked; maxOutputTokens: number },
) {
  try {
    const fitted = fitToContext(question)
    return fitted === question ? [] : [requestKey(fitted)]
  } catch (error) {
    // It would not be sent to a context of this size.
    if (error instanceof Fault) return []
    throw error
  }
}
