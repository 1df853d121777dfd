import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { MooseEvent } from './client.ts'

/**
 * How a stream stands. `stopping`: the service finishes what it can. `reconnecting`: it is away, and asked again. `paused`: nobody
 * looks at the page. `over`: the session no longer counts.
 */
export type LiveState = 'connecting' | 'live' | 'stopping' | 'reconnecting' | 'paused' | 'over'

export type Following = {
  path: string
  /** Id of an event; only those after it come. */
  after: string
  signal: AbortSignal
  onEvent: (event: MooseEvent) => void
  /** Settings were changed. With it the stream tells of them; only that of all orders does. */
  onSettings?: () => void
  onState: (state: LiveState) => void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000

/**
 * Reads events until the signal aborts or the session is over. After a break it goes on behind the last event that came. While
 * the page is hidden nothing is held open: a browser gives all pages of a server six connections.
 */
export async function followEvents(following: Following): Promise<void> {
  const { signal, onState } = following
  let { after } = following
  let waitMs = FIRST_WAIT_MS
  while (!signal.aborted) {
    if (document.hidden) {
      onState('paused')
      await nextOf(document, 'visibilitychange', signal)
      continue
    }
    const came = await readOnce(following, after, (id) => {
      after = id
      waitMs = FIRST_WAIT_MS
    })
    if (came === 'over') return onState('over')
    if (signal.aborted || came === 'hidden') continue
    onState('reconnecting')
    await Promise.race([pause(waitMs, signal), nextOf(window, 'online', signal)])
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
  }
}

/** Reads one connection to its end. */
async function readOnce(
  { path, signal, onEvent, onSettings, onState }: Following,
  after: string,
  onId: (id: string) => void,
): Promise<'ended' | 'over' | 'hidden'> {
  const hidden = new AbortController()
  const onHidden = () => document.hidden && hidden.abort()
  document.addEventListener('visibilitychange', onHidden)
  try {
    const headers = { Accept: 'text/event-stream' }
    const both = AbortSignal.any([signal, hidden.signal])
    const query = `?after=${after}${onSettings === undefined ? '' : '&settings=true'}`
    const response = await fetch(path + query, { headers, signal: both, cache: 'no-store' })
    if (response.status === 401) return 'over'
    if (!response.ok || response.body === null) return 'ended'
    onState('live')
    const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
    const reader = messages.getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { event, id, data } = next.value
      if (event === 'service_stopping') onState('stopping')
      else if (event === 'settings') onSettings?.()
      else if (event !== 'end') onEvent(JSON.parse(data))
      if (id !== undefined) onId(id)
    }
    return 'ended'
  } catch {
    // Whatever broke the connection, it is made again.
    return hidden.signal.aborted ? 'hidden' : 'ended'
  } finally {
    document.removeEventListener('visibilitychange', onHidden)
  }
}

function nextOf(target: EventTarget, type: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    target.addEventListener(type, () => resolve(), { once: true, signal })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
