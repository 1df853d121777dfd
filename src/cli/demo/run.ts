import { setTimeout as sleep } from 'node:timers/promises'
import type { Moose } from '../../app.ts'
import { type EventView } from '../../contract/events.ts'
import { StartResponse } from '../../contract/orchestrator.ts'
import { ProjectResponse } from '../../contract/projects.ts'
import { WorkOrderDetailResponse, WorkOrdersResponse, type WorkOrderView } from '../../contract/work-orders.ts'
import type { DemoPlaces } from '../../demo/places.ts'
import { countAnswers, replayOnly } from '../../demo/replay.ts'
import { Fault } from '../../faults/fault.ts'
import { type ApiClient, createApiClient, workOrderPath } from '../client/api-client.ts'
import { isUnderWay } from '../pages/order-state.ts'
import type { DemoOrder } from './orders.ts'
import { type DemoResult, demoResult } from './report.ts'

/** Far more than the demo takes on any machine; only a hang reaches it. */
const PATIENCE_MS = 180_000
const LOOK_EVERY_MS = 100

type Progress = {
  /** Ends the demo early. */
  signal: AbortSignal
  filed(orders: readonly WorkOrderView[]): void
  event(event: EventView): void
}

/**
 * Files the orders, approved, has them all run and waits for their ends: through the API, as any client would.
 *
 * @param moose opened with the role `service` in an empty home
 * @returns in the order of `orders`
 * @throws {Fault} `attempt_cancelled` when the signal ends it
 */
export async function runDemo(
  moose: Moose,
  places: DemoPlaces,
  orders: readonly DemoOrder[],
  progress: Progress,
): Promise<DemoResult[]> {
  const api = createApiClient('http://127.0.0.1', (request) => moose.http.fetch(request))
  await replayOnly(moose.db, moose.api.osUser)
  const filed = await file(api, places, orders)
  progress.filed(filed)
  await api.call({ method: 'POST', path: '/api/orchestrator/start', body: {}, answer: StartResponse })
  await followToTheEnd(api, progress)
  const answers = await countAnswers(moose.db)
  const results = []
  for (const [index, { promise }] of orders.entries()) {
    const id = String(filed[index]?.id)
    const detail = await api.call({ method: 'GET', path: workOrderPath(id), answer: WorkOrderDetailResponse })
    results.push(demoResult(detail.work_order, promise, answers.get(id)))
  }
  return results
}

/** The stored orders, in the order they were given. */
async function file(api: ApiClient, { remote }: DemoPlaces, orders: readonly DemoOrder[]): Promise<WorkOrderView[]> {
  const project = { name: 'tally', repository: remote, forge: 'local' }
  await api.call({ method: 'POST', path: '/api/projects', body: project, answer: ProjectResponse })
  const body = { work_orders: orders.map(({ order }) => ({ ...order, approved: true })) }
  const { work_orders } = await api.call({ method: 'POST', path: '/api/work-orders', body, answer: WorkOrdersResponse })
  return work_orders
}

async function followToTheEnd(api: ApiClient, progress: Progress): Promise<void> {
  const over = new AbortController()
  const signal = AbortSignal.any([progress.signal, over.signal])
  const following = follow(api, signal, progress)
  try {
    await untilEnded(api, progress.signal)
  } finally {
    over.abort()
    await following
  }
}

async function follow(api: ApiClient, signal: AbortSignal, progress: Progress): Promise<void> {
  for await (const event of api.follow({ workOrderId: null, afterId: '0', signal })) progress.event(event)
}

/** Also returns when patience is over; the results then say what has not ended. */
async function untilEnded(api: ApiClient, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(PATIENCE_MS)
  while (!deadline.aborted) {
    if (signal.aborted)
      throw new Fault('attempt_cancelled', 'The demo was ended early. Start it again with: moose demo')
    const listed = await api.call({ method: 'GET', path: '/api/work-orders', answer: WorkOrdersResponse })
    if (!listed.work_orders.some(isUnderWay)) return
    await sleep(LOOK_EVERY_MS)
  }
}
