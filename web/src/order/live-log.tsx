import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { answer, api } from '../api/client.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import './live-log.css'
import { Lines, type Target } from './live-log-lines.tsx'
import { plainLines } from './live-log-rows.ts'
import { LogStore, type LogView } from './live-log-store.ts'

/** What is typed is searched for when nothing more was typed for so long. */
const TYPING_MS = 250
/** As the API takes it. */
const LONGEST_SEARCH = 200

/** What happened to an order, from its end backwards, and each line as it comes. */
export function LiveLog({ id }: { id: string }) {
  const log = useLog(id)
  const { store, view, find, follows, target } = log
  const count = Number(view.starts.at(-1))
  return (
    <>
      <Tools id={id} log={log} />
      {view.error === null ? null : <Failed error={view.error} retry={() => void store.goTo('end')} />}
      {view.isRead || view.error !== null ? null : <Loading what="the log" />}
      {view.isRead && count === 0 ? <Empty>{find === '' ? 'Nothing has happened yet.' : 'No line fits.'}</Empty> : null}
      {count === 0 ? null : (
        <Lines
          key={find}
          store={store}
          view={view}
          find={find.toLowerCase()}
          follows={follows}
          stopFollowing={() => log.setFollows(false)}
          target={target}
          onShow={log.show}
        />
      )}
    </>
  )
}

function useLog(id: string) {
  const [typed, setTyped] = useState('')
  const find = useSettled(typed, TYPING_MS)
  const store = useMemo(() => new LogStore(id, find), [id, find])
  useEffect(() => {
    store.open()
    return () => store.close()
  }, [store])
  const view = useSyncExternalStore(store.subscribe, store.view)
  const [follows, setFollows] = useState(true)
  const [target, setTarget] = useState<Target | null>(null)
  // A line that was found is gone to once, in the whole log, which is another one.
  const gone = useRef<Target | null>(null)
  useEffect(() => {
    if (!view.isRead || find !== '' || target === null || gone.current === target) return
    gone.current = target
    if (!store.view().chunks.some((chunk) => chunk.id === target.id)) void store.goTo(target)
  }, [store, view.isRead, find, target])
  const goTo = (place: 'start' | 'end') => {
    setTarget(null)
    setFollows(place === 'end')
    if (place === 'start' || store.view().hasNewer) void store.goTo(place)
  }
  const show = (wanted: Target) => {
    setTarget(wanted)
    setFollows(false)
    setTyped('')
  }
  return { typed, setTyped, find, store, view, follows, setFollows, target, goTo, show }
}

function Tools({ id, log }: { id: string; log: ReturnType<typeof useLog> }) {
  const { typed, setTyped, find, view, follows, setFollows, goTo } = log
  return (
    <div className="filters">
      <input
        type="search"
        aria-label="Search the log"
        placeholder="Search the log"
        maxLength={LONGEST_SEARCH}
        value={typed}
        onChange={({ target: { value } }) => setTyped(value)}
      />
      <label>
        <input type="checkbox" checked={follows} onChange={() => (follows ? setFollows(false) : goTo('end'))} /> Follow
      </label>
      <button type="button" onClick={() => goTo('start')}>
        To the beginning
      </button>
      <Download id={id} />
      <span className="quiet" role="status">
        {saidOf(view, find)}
      </span>
    </div>
  )
}

function saidOf({ live, starts, hasOlder, hasNewer }: LogView, find: string): string {
  const count = Number(starts.at(-1))
  const more = hasOlder ? (hasNewer ? ', more before and after' : ', more before') : hasNewer ? ', more after' : ''
  return `${live} · ${count.toLocaleString()} ${count === 1 ? 'line' : 'lines'}${find === '' ? '' : ' found'}${more}`
}

function useSettled(value: string, ms: number): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    // What is emptied is empty at once.
    const timer = setTimeout(() => setSettled(value), value === '' ? 0 : ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}

/** The whole log as a file, page by page: what was read is left to the browser, which need not hold it in memory. */
function Download({ id }: { id: string }) {
  const [read, setRead] = useState<number | null>(null)
  const [error, setError] = useState<string | null>(null)
  const left = useRef<AbortController | null>(null)
  useEffect(() => () => left.current?.abort(), [])
  const start = async () => {
    const reading = new AbortController()
    left.current = reading
    setError(null)
    try {
      save(await readWhole(id, setRead, reading.signal), `moose-${id.slice(0, 8)}.log`)
    } catch (failure) {
      if (!reading.signal.aborted) setError(failure instanceof Error ? failure.message : String(failure))
    }
    setRead(null)
  }
  return (
    <>
      <button type="button" onClick={() => (read === null ? void start() : left.current?.abort())}>
        {read === null ? 'Download' : `Stop the download: ${(read / 1_000_000).toFixed(1)} MB`}
      </button>
      {error === null ? null : (
        <span className="failure" role="alert">
          {error}
        </span>
      )}
    </>
  )
}

async function readWhole(id: string, tell: (bytes: number) => void, signal: AbortSignal): Promise<Blob> {
  const parts: Blob[] = []
  for (let after = '0', bytes = 0; ; ) {
    tell(bytes)
    const params = { path: { id }, query: { after } }
    const { events } = await answer(api.GET('/api/work-orders/{id}/events', { params, signal }))
    const last = events.at(-1)
    if (last === undefined) return new Blob(parts, { type: 'text/plain' })
    const lines = events.flatMap((event) =>
      plainLines(event).map((line) => `${event.at} ${event.step === null ? '-' : event.step} ${line}\n`),
    )
    const part = new Blob(lines)
    parts.push(part)
    bytes += part.size
    after = last.id
  }
}

function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
