import { deadline } from '../async/deadline.ts'
import { asWord, type ProposerConfig } from '../db/proposer-configs.ts'
import { endPause, findPause } from '../db/provider-pauses.ts'
import { Fault, type FaultCode, toFault } from '../faults/fault.ts'
import type { Usd } from '../money.ts'
import type { TokenUsage } from '../ports/proposal.ts'
import { observeModelCall } from '../telemetry/observe-model-call.ts'
import { keyVariableOf, unknownPrice, whyUnavailable } from './availability.ts'
import { costOfAnswer } from './book-call.ts'
import { type Watched, watchCall } from './call-watch.ts'
import { callCancelled, type ModelCall, partsOf, promptBytesOf, type RawAnswer } from './model-answer.ts'
import { type ModelsOptions, paidTry, type TryOptions } from './paid-try.ts'
import { type Price, priceOf, worstCaseOf } from './price.ts'
import { providerKey } from './provider-pause.ts'

/** What a test has shown of a proposer. */
export type TestedCall = {
  /** What came back, without what the model thought. */
  text: string
  durationMs: number
  /** As it is booked. */
  costUsd: Usd
  /** Null: the server does not count, so that the whole reservation is booked. */
  usage: Pick<TokenUsage, 'input' | 'output'> | null
  streamed: boolean
  /** The provider's own word; null: it gave none. */
  stopReason: string | null
  /** What it is taken for: `stop`, or `length` where the test's limit cut the answer off. */
  finish: string
  /** As it stood in the request; null: there was none that is known. */
  outputLimitParameter: string | null
  pauseEnded: boolean
}

/** Room for a model to think before one word; a number that stands nowhere else in the request. */
const MAX_OUTPUT_TOKENS = 509
const MESSAGES = [
  { role: 'system', content: 'You are being tested for whether you can be reached.' },
  { role: 'user', content: 'Answer with the single word: ready' },
] as const

/** `Models.test`. */
export async function testCall(options: TryOptions, proposer: ProposerConfig, stop: AbortSignal): Promise<TestedCall> {
  if (proposer.provider === 'replay') throw notAModel(proposer)
  const unavailable = whyUnavailable(proposer, options)
  if (unavailable !== null) throw unavailable
  const call: ModelCall = {
    proposer,
    messages: MESSAGES,
    // A server that takes none says so here, and not at the first order.
    offersTools: proposer.answerForm === 'tools',
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    signal: stop,
    workOrderId: null,
    attempt: null,
    turn: 1,
    task: 'moose proposer test',
    memory: { take: async () => null },
  }
  const startedAt = options.clock.now()
  const signal = AbortSignal.any([stop, deadline(options.modelTimeoutMs)])
  const { ended, seen } = await watchCall(MAX_OUTPUT_TOKENS, () =>
    observeModelCall({ ...proposer, proposer: proposer.name, signal }, () => paidTry(options, call, signal)),
  )
  if (ended.status === 'rejected' && !isOnlyCut(ended.reason)) {
    throw withNextCommand(stop.aborted ? callCancelled(proposer, stop, ended.reason) : toFault(ended.reason), proposer)
  }
  if (seen.answer === null) throw new TypeError('an answer was judged that nothing has seen')
  const durationMs = options.clock.now().getTime() - startedAt.getTime()
  const pauseEnded = await endPauseOf(options, proposer)
  return { ...shownAnswer(seen.answer, seen), durationMs, costUsd: bookedCost(options, call, seen.answer), pauseEnded }
}

/** The model thinks more than the test lets it say: everything that is tested was there all the same. */
function isOnlyCut(thrown: unknown): boolean {
  return toFault(thrown).code === 'model_answer_truncated'
}

function shownAnswer(answer: RawAnswer, { streamed, outputLimitParameter }: Watched) {
  const { text, usage, rawFinishReason: stopReason, finishReason: finish } = answer
  return { text: partsOf(text).text, usage, streamed: streamed === true, stopReason, finish, outputLimitParameter }
}

function bookedCost({ clock }: ModelsOptions, { proposer }: ModelCall, answer: RawAnswer): Usd {
  const price = priceOf(proposer, clock.now())
  if (price === null) throw unknownPrice(proposer)
  return costOfAnswer({ price, worstCase: worstCaseOfTest(price, proposer) }, answer)
}

/** The most a test costs at this price. */
export function worstCaseOfTest(price: Price, { answerForm }: Pick<ProposerConfig, 'answerForm'>): Usd {
  const promptBytes = promptBytesOf({ messages: MESSAGES, offersTools: answerForm === 'tools' })
  return worstCaseOf(price, { promptBytes, messages: MESSAGES.length, maxOutputTokens: MAX_OUTPUT_TOKENS })
}

async function endPauseOf({ db }: ModelsOptions, proposer: ProposerConfig): Promise<boolean> {
  const key = providerKey(proposer)
  if ((await findPause(db, key)) === null) return false
  await endPause(db, key)
  return true
}

function notAModel({ name }: ProposerConfig): Fault {
  const message = `${name} reads recordings, and there is no model to call. Test one that calls a model; see: moose proposer list`
  return new Fault('request_invalid', message, { proposer: name })
}

/** What to type next, for the faults whose message leaves it open. */
const NEXT_COMMAND: Partial<Record<FaultCode, (proposer: ProposerConfig, fault: Fault) => string>> = {
  model_key_rejected: ({ provider, keyVariable }) =>
    provider === 'replay' ? 'moose proposer list' : `export ${keyVariableOf({ provider, keyVariable })}=…`,
  model_call_rejected: ({ name }, { message, details: { problem } }) =>
    problem === 'tools'
      ? `moose proposer edit ${asWord(name)} --answer-form blocks`
      : /max_tokens|max_completion_tokens/.test(message)
        ? `moose proposer edit ${asWord(name)} --output-limit-parameter max_completion_tokens`
        : `moose proposer edit ${asWord(name)} --model ID`,
  model_overloaded: ({ name, baseUrl }, { details: { status } }) =>
    status === null && baseUrl !== null
      ? `moose proposer edit ${asWord(name)} --base-url URL`
      : `moose proposer test ${asWord(name)}`,
  model_timed_out: ({ name }) => `moose proposer test ${asWord(name)}`,
  model_answer_refused: ({ name }) => `moose proposer test ${asWord(name)}`,
}

function withNextCommand(fault: Fault, proposer: ProposerConfig): Fault {
  const next = NEXT_COMMAND[fault.code]
  if (next === undefined) return fault
  const command = next(proposer, fault)
  const again = command.startsWith('export') ? ', where Moose is started from' : ''
  return new Fault(fault.code, `${fault.message} Next: ${command}${again}`, { ...fault.details, command }, fault)
}
