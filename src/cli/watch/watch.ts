import { setTimeout as delay } from 'node:timers/promises'
import type { EventView } from '../../contract/events.ts'
import { WhyResponse } from '../../contract/why/inbox.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { openInBrowser } from '../../process/open-in-browser.ts'
import type { Cli } from '../cli.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { shortId } from '../pages/humanize.ts'
import { type Act, askFor, perform, type Question, refusalOf } from './acts.ts'
import type { Listener } from './follow-service.ts'
import type { Intent } from './keys.ts'
import {
  FIRST_STATE,
  type Heard,
  heard,
  type Moved,
  moved,
  type Said,
  selectedEntry,
  type WatchState,
} from './watch-state.ts'

/** What is shown, and what is done to it. */
export type Watch = {
  state(): WatchState
  /** @returns takes it back */
  subscribe: (changed: () => void) => () => void
  act(intent: Exclude<Intent, null | { type: 'quit' }>): void
  listener: Listener
  /**
   * Settles when all that was begun has ended, after the signal has aborted.
   *
   * @returns what became of an act that was under way then; null: none was
   */
  ended(): Promise<Said | null>
}

/** Events that come faster are shown together. */
const GATHER_MS = 50
/** Whoever goes over many orders does not read the log of each. */
const SETTLE_MS = 120
/** Stored events that are shown together while they are read. */
const CHUNK = 500

/**
 * @param signal ends what is read; an act that is under way is waited for
 * @param environment says whether there is a browser
 */
export function createWatch(signal: AbortSignal, environment: Cli['environment']): Watch {
  const store = createStore()
  const link: Link = { api: null, signal }
  const reader = createReader(store, link)
  const underWay = new Set<Promise<void>>()
  const begin = (work: Promise<void>) => {
    const done = work.catch((error: unknown) => store.say(toFault(error).message, 'bad'))
    underWay.add(done)
    void done.finally(() => underWay.delete(done))
  }
  store.onSelected((orderId) => begin(reader.order(orderId, SETTLE_MS)))
  return {
    state: store.state,
    subscribe: store.subscribe,
    act(intent) {
      if (intent.type === 'act') begin(ask(store, link, intent.act))
      else if (intent.type === 'confirm') begin(confirm(store, link))
      else if (intent.type === 'open') begin(open(store, environment))
      else store.set(moved(answeredBy(store.state(), intent), intent))
    },
    listener: createListener(
      store,
      link,
      (orderId) => begin(reader.order(orderId, 0)),
      (id) => begin(reader.why(id, signal)),
    ),
    async ended() {
      const before = store.state().said
      await Promise.allSettled(underWay)
      const { said } = store.state()
      return said === before ? null : said
    },
  }
}

/** The API as it was reached last. */
type Link = { api: ApiClient | null; readonly signal: AbortSignal }

type Store = Pick<Watch, 'state' | 'subscribe'> & {
  set(next: WatchState): void
  hear(what: Heard): void
  say(text: string, tone: Said['tone']): void
  /** Told of the order whenever another one is selected. */
  onSelected(selected: (orderId: string) => void): void
}

function createStore(): Store {
  let state = FIRST_STATE
  let tell: (orderId: string) => void = () => {}
  const subscribers = new Set<() => void>()
  const set = (next: WatchState) => {
    const before = state.log?.orderId
    state = next
    const { log } = next
    if (log !== null && log.orderId !== before) tell(log.orderId)
    for (const changed of subscribers) changed()
  }
  const hear = (what: Heard) => set(heard(state, what))
  return {
    state: () => state,
    set,
    hear,
    say: (text, tone) => hear({ type: 'said', said: { text, tone } }),
    onSelected: (selected) => {
      tell = selected
    },
    subscribe: (changed) => {
      subscribers.add(changed)
      return () => subscribers.delete(changed)
    },
  }
}

function createListener(
  store: Store,
  link: Link,
  readOrder: (orderId: string) => void,
  readWhy: (orderId: string) => void,
): Listener {
  return {
    connected(api) {
      link.api = api
      store.hear({ type: 'connected' })
      const { log } = store.state()
      if (log !== null) readOrder(log.orderId)
    },
    facts(facts) {
      store.hear({ type: 'facts', facts })
      const { log } = store.state()
      if (log?.state === 'whole') readWhy(log.orderId)
    },
    event: createGatherer((events) => store.hear({ type: 'events', events })),
    lost: (fault) => store.hear({ type: 'lost', reason: fault.message, atMs: Date.now() }),
  }
}

type Reader = {
  /** What is stored of an order, from its first event; what comes meanwhile is put in its place. */
  order(orderId: string, afterMs: number): Promise<void>
  why(orderId: string, within: AbortSignal): Promise<void>
}

/** Reads what is selected; what was read of another order before is given up. */
function createReader(store: Store, link: Link): Reader {
  let reading = new AbortController()
  const why = async (orderId: string, within: AbortSignal) => {
    const path = `${workOrderPath(orderId)}/why`
    try {
      const { why } = await connected(link).call({ method: 'GET', path, answer: WhyResponse, signal: within })
      store.hear({ type: 'why', orderId, why })
    } catch (error) {
      // A service that is away is said above the list, and everything is read again when it answers.
      if (!within.aborted && toFault(error).code !== 'service_unreachable') throw error
    }
  }
  const history = async (orderId: string, within: AbortSignal) => {
    let chunk: EventView[] = []
    const pass = () => {
      store.hear({ type: 'events', events: chunk })
      chunk = []
    }
    for await (const event of connected(link).history(orderId, within)) if (chunk.push(event) >= CHUNK) pass()
    pass()
  }
  const order = async (orderId: string, afterMs: number) => {
    reading.abort()
    reading = new AbortController()
    const within = AbortSignal.any([link.signal, reading.signal])
    try {
      await delay(afterMs, undefined, { signal: within })
      await why(orderId, within)
      await history(orderId, within)
      store.hear({ type: 'log_read', orderId, state: 'whole' })
    } catch (error) {
      if (within.aborted) return
      store.hear({ type: 'log_read', orderId, state: 'broken' })
      if (toFault(error).code !== 'service_unreachable') throw error
    }
  }
  return { order, why }
}

async function ask(store: Store, link: Link, act: Act): Promise<void> {
  const order = selectedOrder(store.state())
  if (order === null) return store.say('No order is selected.', 'plain')
  const refusal = refusalOf(act, order)
  if (refusal !== null) return store.say(refusal, 'plain')
  const question = await asked(link, act, order.id)
  if (typeof question === 'string') store.say(question, 'plain')
  else if (question !== null) store.hear({ type: 'question', question })
}

/** Null: it was closed meanwhile. */
async function asked(link: Link, act: Act, orderId: string): Promise<Question | string | null> {
  try {
    return await askFor(connected(link), act, orderId, link.signal)
  } catch (error) {
    if (link.signal.aborted) return null
    throw error
  }
}

/** What was begun is not broken off when the screen is closed: it would be unknown what became of it. */
async function confirm(store: Store, link: Link): Promise<void> {
  const { question } = store.state()
  if (question === null) return
  store.set(moved(store.state(), { type: 'answered' }))
  store.say(`${question.act} ${shortId(question.orderId)} …`, 'plain')
  store.say(await perform(connected(link), question), 'good')
}

async function open(store: Store, environment: Cli['environment']): Promise<void> {
  const order = selectedOrder(store.state())
  if (order === null) return store.say('No order is selected.', 'plain')
  const { github_pr_url: url, id } = order
  if (url === null) return store.say(`${shortId(id)} has no pull request yet.`, 'plain')
  if (await openInBrowser(url, environment)) return store.say(`opened ${url}`, 'good')
  store.say(`${url}${url.startsWith('local:') ? ` Its diff: moose show ${shortId(id)} --diff` : ''}`, 'plain')
}

/** What was said has been read by the time the next key is pressed. */
function answeredBy(state: WatchState, { type }: Moved): WatchState {
  const said: Said | null = type === 'answered' ? { text: 'Nothing was changed.', tone: 'plain' } : null
  return { ...state, said }
}

function selectedOrder(state: WatchState): WorkOrderView | null {
  const entry = selectedEntry(state)
  return entry === null ? null : entry.order
}

function connected({ api }: Link): ApiClient {
  if (api === null) throw new Fault('service_unreachable', 'The service does not answer; nothing was changed.')
  return api
}

/** Passes on what comes, together with what comes shortly after it. */
function createGatherer(pass: (events: readonly EventView[]) => void): (event: EventView) => void {
  let gathered: EventView[] = []
  return (event) => {
    if (gathered.push(event) > 1) return
    setTimeout(() => {
      const events = gathered
      gathered = []
      pass(events)
    }, GATHER_MS)
  }
}
