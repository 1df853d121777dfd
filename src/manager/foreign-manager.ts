import { Fault } from '../faults/fault.ts'
import { type Manager, RetryDecision, type RetryRequest, RoutingResponse } from '../ports/routing.ts'
import { askForeignService } from '../remote/foreign-service.ts'
import type { Network } from '../remote/network-route.ts'

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 1_000_000
/** How a Manager answers that has never heard of retries: the specification's has none. */
const NOT_OFFERED: ReadonlySet<unknown> = new Set([404, 405, 501])

/** A Manager outside Moose, called as the specification has it (4.3). Whether the proposer it names exists shows when it is used. */
export function createForeignManager({ url, network }: { url: string; network: Pick<Network, 'agentFor'> }): Manager {
  const manager = {
    network,
    who: 'The Manager',
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs: TIMEOUT_MS,
    faults: { unreachable: 'manager_unreachable', refused: 'manager_refused' },
  } as const
  return {
    async route(body, signal) {
      const { routing_decision } = await askForeignService({ ...manager, url, body, signal, answer: RoutingResponse })
      return routing_decision
    },
    async decideRetry(request, signal) {
      const asked = { ...manager, url: withQuery(url, request), body: null, signal }
      try {
        return await askForeignService({ ...asked, answer: RetryDecision })
      } catch (error) {
        if (error instanceof Fault && NOT_OFFERED.has(error.details['status'])) return noRetry(request)
        throw error
      }
    },
  }
}

function withQuery(url: string, request: RetryRequest): string {
  const whole = new URL(url)
  for (const [name, value] of Object.entries(request)) whole.searchParams.set(name, String(value))
  return whole.href
}

function noRetry({ attempt }: RetryRequest): RetryDecision {
  return {
    should_retry: false,
    attempt_number: attempt,
    max_attempts: attempt,
    strategy: 'escalate',
    reasoning: 'The Manager answers no question about retries (GET); a human must look at the order.',
  }
}
