import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { GrantedCall, GrantRequest } from '../ports/model-access.ts'
import type { RefuseSecrets } from '../redaction/prompt-secrets.ts'
import { MAX_OUTPUT_TOKENS, type Memory, type ModelAnswer, type ModelMessage } from './model-answer.ts'
import type { Models } from './models.ts'

/** Aider asks at most four times for one message; whatever asks on and on is stopped here. */
const MAX_CALLS = 12
/** Aider asks one at a time; a second one is one it gave up and that is being ended. */
const MAX_AT_ONCE = 2

/** Order and files in scope were looked at before; what Aider adds is of the repository too. */
const OTHER_FILES = 'what Aider was about to send, most likely from a file of the repository'

/** A grant from the gateway's side. */
export type OpenGrant = {
  readonly token: string
  readonly model: string
  readonly calls: readonly GrantedCall[]
  /** Bytes of the longest request it takes. */
  readonly maxRequestBytes: number
  /** Whether as many calls are under way as one run may make at once. */
  readonly busy: boolean
  /** @throws {Fault} those of `Models.call`; `secret_in_prompt`; `model_call_rejected` after too many calls; `reasoning_unclear` */
  call(messages: readonly ModelMessage[], signal: AbortSignal): Promise<ModelAnswer>
  /** Notes that a request was longer than any it takes. */
  refuseSize(): void
  /** Ends it: no call is accepted any more, those under way are aborted and booked. */
  end(): Promise<void>
}

/** The proposer's own name is not used: clients guess abilities and endpoints from names. */
export function openGrant(
  { models, refuseSecrets }: { models: Pick<Models, 'call'>; refuseSecrets: RefuseSecrets },
  proposer: ProposerConfig,
  request: GrantRequest,
  memory: Memory,
): OpenGrant {
  const { workOrderId, attempt, task } = request
  const most = Math.min(MAX_CALLS, request.mostCalls === null ? MAX_CALLS : request.mostCalls)
  const calls: GrantedCall[] = []
  const underWay = new Set<Promise<ModelAnswer>>()
  const ended = new AbortController()
  // The server's requests come from outside; the calls belong to the step that lends the model.
  const inStep = AsyncLocalStorage.snapshot()

  async function ask(messages: readonly ModelMessage[], turn: number, client: AbortSignal): Promise<ModelAnswer> {
    if (turn > most) throw overLimit(most, turn)
    refuseSecrets(messages.map(({ content }) => ({ place: OTHER_FILES, text: content })))
    const signal = AbortSignal.any([request.signal, ended.signal, client])
    const maxOutputTokens = MAX_OUTPUT_TOKENS
    await request.onProgress(`calling ${proposer.name} for Aider, call ${turn} …`)
    return models.call({ proposer, messages, maxOutputTokens, signal, workOrderId, attempt, turn, task, memory })
  }

  let turns = 0
  return {
    token: randomBytes(32).toString('base64url'),
    model: `moose-${workOrderId.slice(0, 8)}-${attempt}`,
    calls,
    maxRequestBytes: request.maxRequestBytes,
    refuseSize() {
      calls.push({ fault: tooLong(request.maxRequestBytes), costUsd: null })
    },
    get busy() {
      return underWay.size >= MAX_AT_ONCE
    },
    async call(messages, client) {
      turns += 1
      const call = inStep(ask, messages, turns, client)
      underWay.add(call)
      try {
        const answer = await call
        const fault = answer.unclear === null ? request.refuse(answer.text) : answer.unclear
        calls.push({ fault, costUsd: answer.costUsd })
        if (fault === null) return answer
        throw fault
      } catch (error) {
        if (calls.at(-1)?.fault !== error) calls.push({ fault: toFault(error), costUsd: null })
        throw error
      } finally {
        underWay.delete(call)
      }
    },
    async end() {
      ended.abort(new Fault('attempt_cancelled', 'The run this model was lent for has ended.'))
      await Promise.allSettled(underWay)
    },
  }
}

function overLimit(most: number, turn: number): Fault {
  const calls = most === 1 ? 'call is' : 'calls are'
  return new Fault('model_call_rejected', `Not more than ${most} ${calls} made for this run.`, {
    turn,
    most_calls: most,
  })
}

function tooLong(maxBytes: number): Fault {
  const message = `A request of more than ${maxBytes} bytes was not sent: its prompt is too long for what the run was given.`
  return new Fault('model_call_rejected', message, { max_bytes: maxBytes })
}
