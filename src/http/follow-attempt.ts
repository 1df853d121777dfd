import { setTimeout as delay } from 'node:timers/promises'
import type { EventView } from '../contract/work-orders.ts'
import { isEnded } from '../work-order/status.ts'
import type { HttpServices } from './http-services.ts'

const RECORDED_WITHIN_MS = 2_000
const LOOK_AGAIN_MS = 20

type Following = {
  services: Pick<HttpServices, 'workOrders' | 'events'>
  workOrderId: string
  afterId: string
  signal: AbortSignal
  /** The order's events as they come; null: silence so far. */
  live: AsyncIterable<EventView | null>
}

/**
 * Passes on an order's events and ends once nothing more will come without a human: no attempt runs and the order has
 * ended, is blocked or is in review. An order that waits for its turn or its approval is waited for.
 */
export async function* followAttempt(following: Following): AsyncGenerator<EventView | null, void, undefined> {
  const { services, workOrderId, signal, live } = following
  let last = following.afterId
  if (!(await isAtRest(services, workOrderId))) {
    for await (const item of live) {
      yield item
      if (item !== null) last = item.id
      if (couldBeLast(item) && (await isAtRest(services, workOrderId))) break
    }
  }
  if (signal.aborted) return
  await recorded(services, workOrderId)
  yield* stored(services, workOrderId, last)
}

/** The end of an attempt is written before the end of the step that writes it: waits for that, but not for long. */
async function recorded({ workOrders }: Following['services'], workOrderId: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < RECORDED_WITHIN_MS; waitedMs += LOOK_AGAIN_MS) {
    const { attempt_history } = await workOrders.detail(workOrderId)
    if (attempt_history.at(-1)?.steps.some(({ status }) => status === 'running') !== true) return
    await delay(LOOK_AGAIN_MS)
  }
}

/** Silence counts too: plain SQL can end an order without an event. */
function couldBeLast(item: EventView | null): boolean {
  return item === null || item.type === 'attempt_ended' || item.type === 'status' || item.type === 'rejected'
}

async function isAtRest({ workOrders }: Following['services'], workOrderId: string): Promise<boolean> {
  const order = await workOrders.detail(workOrderId)
  if (order.attempt_history.some((attempt) => attempt.status === 'running')) return false
  return isEnded(order.status) || order.status === 'blocked' || order.phase === 'in_review'
}

/** What was written before the order came to rest and has not been passed on yet. */
async function* stored(
  { events }: Following['services'],
  workOrderId: string,
  afterId: string,
): AsyncGenerator<EventView, void, undefined> {
  let last = afterId
  for (;;) {
    const page = await events.list(workOrderId, last)
    for (const event of page) {
      yield event
      last = event.id
    }
    if (page.length === 0) return
  }
}
