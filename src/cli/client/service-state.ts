import { OrchestratorStatusResponse } from '../../contract/orchestrator.ts'
import { WhyResponse } from '../../contract/why/inbox.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { shortId } from '../pages/humanize.ts'
import { oneLine } from '../pages/terminal-text.ts'
import { type ApiClient, workOrderPath } from './api-client.ts'
import type { Connection } from './connect.ts'

/** Who would carry out an approved order now: `none` is up, one is up and does not poll, or one takes orders on. */
export type ServiceState = 'none' | 'idle' | 'polling'

export async function serviceStateOf(api: ApiClient, service: Connection['service']): Promise<ServiceState> {
  if (service === null) return 'none'
  const { status } = await api.call({ method: 'GET', path: '/api/orchestrator', answer: OrchestratorStatusResponse })
  return status.polling ? 'polling' : 'idle'
}

/** Answers about an order that waits for nothing but to be taken on. */
const TAKEN_ON: ReadonlySet<string> = new Set(['next', 'service', 'running', 'ending'])

/**
 * What an approved order waits for, such as `waits for 1a2b3c4d, which it depends on`: although a service takes orders on, or where
 * `moose run` refuses it too. Null: nothing.
 */
export async function obstacleTo(api: ApiClient, order: WorkOrderView, service: ServiceState): Promise<string | null> {
  if (order.status !== 'pending' || !order.approved) return null
  const { why } = await api.call({ method: 'GET', path: `${workOrderPath(order.id)}/why`, answer: WhyResponse })
  const waits = service === 'polling' ? !TAKEN_ON.has(why.kind) : why.kind === 'dependency'
  return waits ? why.short : null
}

/** What is said of an order that is taken on by a service, or waits. @param obstacle null: it waits for nothing */
export function takenOn(id: string, obstacle: string | null): string {
  const short = shortId(id)
  if (obstacle === null) return `The service takes it on now; follow it with: moose logs -f ${short}`
  return `It ${oneLine(obstacle, LONGEST_OBSTACLE)}. See when it starts: moose why ${short}`
}

const LONGEST_OBSTACLE = 400

/** What has to happen before anything more of this order can be seen, and what to type; null when nothing has to. */
export function waitsFor(order: WorkOrderView, service: ServiceState): string | null {
  const id = shortId(order.id)
  if (order.status === 'in_progress' && order.phase !== 'in_review' && service === 'none')
    return `Waiting for ${id} to continue: no service is up. Unless a moose run carries it out elsewhere, type: moose up`
  if (order.status !== 'pending') return null
  if (!order.approved) return `Waiting for the approval of ${id}. Type: moose approve ${id}`
  if (service === 'none')
    return `Waiting for a worker to claim ${id}: no service is up. Type: moose up --start   or: moose run ${id}`
  if (service === 'idle')
    return `Waiting for the service to take ${id} on: its polling is off. Type: moose start   or: moose run ${id}`
  return null
}
