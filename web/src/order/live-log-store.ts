import { answer, api, type MooseEvent } from '../api/client.ts'
import { followEvents, type LiveState } from '../api/follow-events.ts'
import { type Chunk, chunkOf } from './live-log-rows.ts'

/** Of a log at most so much is kept; what lies farther away is read again when it is come to. */
const MOST_CHARACTERS = 8_000_000
const MOST_LINES = 200_000
/** As many events as the API gives at once, and about as many characters. */
const PAGE = 500
const FULL_PAGE = 1_500_000
/** What comes at once is laid out once. */
const GATHER_MS = 60
/** Events that may be told twice after a reconnection. */
const LOOK_BACK = 500

/** The part of a log that is held. */
export type LogView = {
  chunks: readonly Chunk[]
  /** Of each chunk, how many lines stand before it; and at last how many there are. */
  starts: readonly number[]
  /** Lines put in front so far, less those taken away there: how far what is held has moved down. */
  moved: number
  hasOlder: boolean
  hasNewer: boolean
  /** Whether the first page was read. */
  isRead: boolean
  error: Error | null
  live: LiveState
}

export type Place = 'start' | 'end' | { id: string }
type Query = { after?: string; before?: string; tail?: number }
type Page = { chunks: Chunk[]; first: string | null; last: string | null; isFull: boolean }

const NOTHING: LogView = {
  chunks: [],
  starts: [0],
  moved: 0,
  hasOlder: false,
  hasNewer: false,
  isRead: false,
  error: null,
  live: 'connecting',
}

/** The log of an order: opened at its end and followed, read on where it is looked at. */
export class LogStore {
  readonly #orderId: string
  readonly #find: string
  readonly #left = new AbortController()
  readonly #listeners = new Set<() => void>()
  #view = NOTHING
  /** Ids of the first and the last event that is held, and of the newest there is. */
  #first = '0'
  #last = '0'
  #newest = '0'
  #reading: Promise<void> | null = null
  #isFollowed = false

  /** @param find what has not this text is left out; empty: nothing is */
  constructor(orderId: string, find: string) {
    this.#orderId = orderId
    this.#find = find
  }

  open(): void {
    void this.goTo('end')
  }

  view = (): LogView => this.#view

  subscribe = (heard: () => void): (() => void) => {
    this.#listeners.add(heard)
    return () => this.#listeners.delete(heard)
  }

  close(): void {
    this.#left.abort()
  }

  /** Reads what stands before what is held. */
  older(): void {
    if (!this.#view.hasOlder || this.#reading !== null) return
    void this.#readNext(async () => {
      const page = await this.#read({ tail: PAGE, before: this.#first })
      if (page.first !== null) this.#first = page.first
      const chunks = [...page.chunks, ...this.#view.chunks]
      const kept = keptFrom(chunks)
      const isCut = kept.length < chunks.length
      if (isCut) this.#last = lastId(kept, this.#last)
      const moved = this.#view.moved + linesOf(page.chunks)
      this.#tell({ ...held(kept), moved, hasOlder: page.isFull, hasNewer: this.#view.hasNewer || isCut })
    })
  }

  /** Reads what comes after what is held. */
  newer(): void {
    if (!this.#view.hasNewer || this.#reading !== null) return
    void this.#readNext(async () => {
      const known = this.#newest
      const page = await this.#read({ after: this.#last })
      // What does not fit the search is read all the same.
      if (!page.isFull) this.#last = larger(this.#last, known)
      this.#append(page, page.isFull)
    })
  }

  /** The beginning, the end, or what stands around an event. */
  async goTo(place: Place): Promise<void> {
    await this.#readNext(async () => {
      if (place === 'end') {
        const newest = await this.#newestId()
        const page = await this.#read({ tail: PAGE })
        this.#replace([page], { hasOlder: page.isFull, hasNewer: false })
        return this.#follow(larger(newest, this.#last))
      }
      if (place === 'start') {
        const page = await this.#read({ after: '0' })
        return this.#replace([page], { hasOlder: false, hasNewer: page.isFull })
      }
      const before = await this.#read({ tail: PAGE, before: place.id })
      const page = await this.#read({ after: String(BigInt(place.id) - 1n) })
      this.#replace([before, page], { hasOlder: before.isFull, hasNewer: page.isFull })
    })
  }

  /** One page at a time; what fails is told, and can be asked for again. */
  async #readNext(run: () => Promise<void>): Promise<void> {
    while (this.#reading !== null) await this.#reading
    const { signal } = this.#left
    if (signal.aborted) return
    this.#reading = run().catch((error: unknown) => {
      if (!signal.aborted) this.#tell({ error: error instanceof Error ? error : new Error(String(error)) })
    })
    await this.#reading
    this.#reading = null
  }

  async #read(query: Query): Promise<Page> {
    const { signal } = this.#left
    const found = this.#find === '' ? query : { ...query, find: this.#find }
    const params = { path: { id: this.#orderId }, query: found }
    const { events } = await answer(api.GET('/api/work-orders/{id}/events', { params, signal }))
    return pageOf(events, this.#find)
  }

  /** Of a search the last event that fits may be far back: what comes is followed from the newest one on, not the whole log again. */
  async #newestId(): Promise<string> {
    if (this.#find === '') return '0'
    const { signal } = this.#left
    const params = { path: { id: this.#orderId }, query: { tail: 1 } }
    const { events } = await answer(api.GET('/api/work-orders/{id}/events', { params, signal }))
    return events.reduce((newest, { id }) => larger(newest, id), '0')
  }

  #replace(pages: readonly Page[], has: Pick<LogView, 'hasOlder' | 'hasNewer'>): void {
    this.#first = pages.reduce((id, page) => (id === '0' && page.first !== null ? page.first : id), '0')
    this.#last = pages.reduce((id, page) => (page.last === null ? id : page.last), '0')
    this.#newest = larger(this.#newest, this.#last)
    this.#tell({ ...held(pages.flatMap(({ chunks }) => chunks)), moved: 0, isRead: true, ...has })
  }

  #append(page: Page, isMoreThere: boolean): void {
    if (page.last !== null) this.#last = larger(this.#last, page.last)
    if (this.#first === '0' && page.first !== null) this.#first = page.first
    const chunks = [...this.#view.chunks, ...page.chunks]
    const kept = keptFrom(chunks.toReversed()).toReversed()
    const dropped = chunks.slice(0, chunks.length - kept.length)
    const [begin] = kept
    if (dropped.length > 0 && begin !== undefined) this.#first = begin.id
    this.#tell({
      ...held(kept),
      moved: this.#view.moved - linesOf(dropped),
      hasOlder: this.#view.hasOlder || dropped.length > 0,
      hasNewer: isMoreThere || isAfter(this.#newest, this.#last),
    })
  }

  #follow(after: string): void {
    if (this.#isFollowed) return
    this.#isFollowed = true
    const { signal } = this.#left
    const onEvent = gathered((events) => this.#hear(events), signal)
    const path = `/api/work-orders/${this.#orderId}/events`
    void followEvents({ path, after, signal, onEvent, onState: (live) => this.#tell({ live }) })
  }

  #hear(events: readonly MooseEvent[]): void {
    const known = new Set(this.#view.chunks.slice(-LOOK_BACK).map(({ id }) => id))
    const fresh = events.filter(({ id }) => !known.has(id))
    const page = pageOf(fresh, this.#find)
    // What is not at hand is read when it is come to.
    if (!this.#view.hasNewer) this.#append(page, false)
    if (page.last !== null) this.#newest = larger(this.#newest, page.last)
  }

  #tell(change: Partial<LogView>): void {
    this.#view = { ...this.#view, error: null, ...change }
    for (const heard of this.#listeners) heard()
  }
}

function held(chunks: readonly Chunk[]): Pick<LogView, 'chunks' | 'starts'> {
  return { chunks, starts: startsOf(chunks) }
}

function lastId(chunks: readonly Chunk[], otherwise: string): string {
  const last = chunks.at(-1)
  return last === undefined ? otherwise : last.id
}

function pageOf(events: readonly MooseEvent[], find: string): Page {
  const wanted = find.toLowerCase()
  const chunks = events.flatMap((event) => {
    const chunk = chunkOf(event, wanted)
    return chunk === null ? [] : [chunk]
  })
  const [begin, end] = [events[0], events.at(-1)]
  const characters = events.reduce((sum, { message }) => sum + message.length, 0)
  return {
    chunks,
    first: begin === undefined ? null : begin.id,
    last: end === undefined ? null : end.id,
    isFull: events.length >= PAGE || characters >= FULL_PAGE,
  }
}

/** As many of them, from the first, as are held; one at least. */
function keptFrom(chunks: readonly Chunk[]): Chunk[] {
  let [characters, lines] = [0, 0]
  const end = chunks.findIndex(({ text, count }, index) => {
    characters += text.length
    lines += count
    return index > 0 && (characters > MOST_CHARACTERS || lines > MOST_LINES)
  })
  return end === -1 ? [...chunks] : chunks.slice(0, end)
}

function linesOf(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { count }) => sum + count, 0)
}

function startsOf(chunks: readonly Chunk[]): number[] {
  const starts = [0]
  let sum = 0
  for (const { count } of chunks) {
    sum += count
    starts.push(sum)
  }
  return starts
}

function isAfter(id: string, other: string): boolean {
  return BigInt(id) > BigInt(other)
}

function larger(id: string, other: string): string {
  return isAfter(id, other) ? id : other
}

function gathered(hear: (events: MooseEvent[]) => void, signal: AbortSignal): (event: MooseEvent) => void {
  const fresh: MooseEvent[] = []
  let timer: ReturnType<typeof setTimeout> | null = null
  signal.addEventListener('abort', () => {
    if (timer !== null) clearTimeout(timer)
  })
  return (event) => {
    fresh.push(event)
    timer ??= setTimeout(() => {
      timer = null
      hear(fresh.splice(0))
    }, GATHER_MS)
  }
}
