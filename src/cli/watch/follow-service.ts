import { setTimeout as delay } from 'node:timers/promises'
import type { EventView } from '../../contract/events.ts'
import { type Fault, type FaultCode, toFault } from '../../faults/fault.ts'
import type { ApiClient } from '../client/api-client.ts'
import { type Facts, readFacts } from './facts.ts'

/** Who is told what the service says. */
export type Listener = {
  /** It answers: at first, and again after it was away. */
  connected(api: ApiClient): void
  /** After each connection, after what happens, and now and then. */
  facts(facts: Facts): void
  /** What happens, each event once, in order. */
  event(event: EventView): void
  /** It does not answer; it is tried again until the signal aborts. */
  lost(fault: Fault): void
}

export type Following = {
  /** @throws {Fault} `not_running` and others */
  open: () => Promise<ApiClient>
  listener: Listener
  signal: AbortSignal
}

/** Not all that changes is told: orders by plain SQL, and what time does. It is also seen so that the service has stopped to answer. */
const LOOK_AGAIN_MS = 3_000
/** What happens in quick succession is looked at once. */
const SPACING_MS = 300
const LOOK_WITHIN_MS = 15_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000

/** What does not pass by waiting. */
const FINAL: ReadonlySet<FaultCode> = new Set([
  'config_invalid',
  'request_forbidden',
  'request_invalid',
  'scope_missing',
  'unauthenticated',
])

/**
 * Follows the service of a home until the signal aborts: what happens by one event stream over all orders, which is resumed
 * behind the last event after the service was away, and what stands where by looks.
 *
 * @throws {Fault} what waiting does not mend, such as `unauthenticated`
 */
export async function followService({ open, listener, signal }: Following): Promise<void> {
  let afterId: string | null = null
  for (let failures = 0; !signal.aborted; ) {
    try {
      const api = await open()
      const facts = await readFacts(api, signal)
      if (afterId === null) afterId = facts.status.last_event_id
      failures = 0
      listener.connected(api)
      listener.facts(facts)
      await followConnection({ api, listener, signal, from: afterId, passed: (id) => (afterId = id) })
    } catch (error) {
      if (signal.aborted) return
      const fault = toFault(error)
      if (FINAL.has(fault.code)) throw fault
      listener.lost(fault)
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
    failures += 1
    await delay(pauseMs, undefined, { signal }).catch(() => {})
  }
}

type Connected = Pick<Following, 'listener' | 'signal'> & {
  api: ApiClient
  /** Id of the last event that is known. */
  from: string
  passed: (id: string) => void
}

/** Until the connection breaks or the signal aborts. @throws {Fault} when it breaks */
async function followConnection({ api, listener, signal, from, passed }: Connected): Promise<void> {
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const bell = createBell()
  const stream = async () => {
    for await (const item of api.followAll({ afterId: from, signal: both })) {
      if (!('about' in item)) {
        passed(item.id)
        listener.event(item)
      }
      bell.ring()
    }
  }
  const looks = async () => {
    while (!both.aborted) {
      await bell.rung(LOOK_AGAIN_MS, both)
      if (both.aborted) return
      listener.facts(await readFacts(api, AbortSignal.any([both, AbortSignal.timeout(LOOK_WITHIN_MS)])))
      await delay(SPACING_MS, undefined, { signal: both }).catch(() => {})
    }
  }
  const parts = [stream(), looks()]
  try {
    await Promise.race(parts)
  } finally {
    over.abort()
    await Promise.allSettled(parts)
  }
}

/** A bell that is heard once, also by who listens only after it was rung. */
function createBell(): { ring(): void; rung(withinMs: number, signal: AbortSignal): Promise<void> } {
  let heard = Promise.withResolvers<void>()
  return {
    ring: () => heard.resolve(),
    async rung(withinMs, signal) {
      const over = new AbortController()
      const waited = delay(withinMs, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {})
      await Promise.race([heard.promise, waited])
      over.abort()
      heard = Promise.withResolvers<void>()
    },
  }
}
