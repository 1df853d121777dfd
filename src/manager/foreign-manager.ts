import { askForeignService } from '../foreign-service.ts'
import { type Manager, RoutingResponse } from '../pipeline/ports/routing.ts'

const TIMEOUT_MS = 30_000

/** Somebody else's Manager, asked as the seed asks one (4.3). Whether the proposer it names exists shows when it is used. */
export function createForeignManager({ url }: { url: string }): Manager {
  return {
    async route(request, signal) {
      const { routing_decision } = await askForeignService({
        who: 'The Manager',
        url,
        body: request,
        answer: RoutingResponse,
        timeoutMs: TIMEOUT_MS,
        signal,
        faults: { unreachable: 'manager_unreachable', refused: 'manager_refused' },
      })
      return routing_decision
    },
  }
}
