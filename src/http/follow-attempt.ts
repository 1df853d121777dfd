import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { EventView } from '../contract/events.ts'
import type { Database } from '../db/schema.ts'
import { eventsAfter } from '../db/work-order-events.ts'
import { isEnded } from '../work-order/status.ts'
import { workOrderDetail } from './work-order-detail.ts'

const RECORDED_WITHIN_MS = 2_000
const LOOK_AGAIN_MS = 20

type Following = {
  db: Kysely<Database>
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
  const { db, workOrderId, signal, live } = following
  let last = following.afterId
  if (!(await isAtRest(db, workOrderId))) {
    for await (const item of live) {
      yield item
      if (item !== null) last = item.id
      if (couldBeLast(item) && (await isAtRest(db, workOrderId))) break
    }
  }
  if (signal.aborted) return
  await recorded(db, workOrderId)
  yield* stored(db, workOrderId, last)
}

/** The end of an attempt is written before the end of the step that writes it: waits for that, but not for long. */
async function recorded(db: Kysely<Database>, workOrderId: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < RECORDED_WITHIN_MS; waitedMs += LOOK_AGAIN_MS) {
    const { attempt_history } = await workOrderDetail(db, workOrderId)
    if (attempt_history.at(-1)?.steps.some(({ status }) => status === 'running') !== true) return
    await delay(LOOK_AGAIN_MS)
  }
}

/** Silence counts too: plain SQL can end an order without an event. */
function couldBeLast(item: EventView | null): boolean {
  return item === null || item.type === 'attempt_ended' || item.type === 'status' || item.type === 'rejected'
}

async function isAtRest(db: Kysely<Database>, workOrderId: string): Promise<boolean> {
  const order = await workOrderDetail(db, workOrderId)
  if (order.attempt_history.some((attempt) => attempt.status === 'running')) return false
  return isEnded(order.status) || order.status === 'blocked' || order.phase === 'in_review'
}

/** What was written before the order came to rest and has not been passed on yet. */
async function* stored(
  db: Kysely<Database>,
  workOrderId: string,
  afterId: string,
): AsyncGenerator<EventView, void, undefined> {
  let last = afterId
  for (;;) {
    const page = await eventsAfter(db, workOrderId, last)
    for (const event of page) {
      yield event
      last = event.id
    }
    if (page.length === 0) return
  }
}
