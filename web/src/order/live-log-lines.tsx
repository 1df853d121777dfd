import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, type RefObject, useLayoutEffect, useRef } from 'react'
import { Clock } from '../ui/words.tsx'
import { type Chunk, indexAt, type Row, rowAt } from './live-log-rows.ts'
import type { LogStore, LogView } from './live-log-store.ts'

const LINE_PX = 20
const OVERSCAN = 30
/** What lies nearer to an end than this is read before it is come to. */
const NEAR_PX = 3_000

/** A line that was asked for, by its event and its place in that. */
export type Target = { id: string; row: number }

export type LinesProps = {
  store: LogStore
  view: LogView
  /** In lower case; marked where it stands. Empty: nothing is searched for. */
  find: string
  follows: boolean
  stopFollowing: () => void
  target: Target | null
  /** Shows what stands around a line that was found. */
  onShow: (target: Target) => void
}

/** The lines that are held, of which those that are seen are in the document. */
export function Lines(props: LinesProps) {
  const { view, find, target, onShow } = props
  const box = useRef<HTMLDivElement>(null)
  const place = target === null ? -1 : placeOf(target, view)
  const rows = useVirtualizer({
    count: Number(view.starts.at(-1)),
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: OVERSCAN,
  })
  // Behind it: when it is mounted it goes to its beginning.
  const onScroll = usePlace(box, props, place)
  return (
    <div ref={box} className="log" role="log" aria-label="Log" aria-live="off" tabIndex={0} onScroll={onScroll}>
      <div className="log-lines" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const at = chunkAt(view.starts, index)
          const chunk = view.chunks[at]
          if (chunk === undefined) return null
          const line = index - Number(view.starts[at])
          const show = find === '' ? null : () => onShow({ id: chunk.id, row: indexAt(chunk, line) })
          return (
            <div
              key={`${chunk.id}.${line}`}
              className={`log-line ${chunk.type}`}
              data-current={index === place || undefined}
              style={{ transform: `translateY(${start}px)` }}
            >
              <Line chunk={chunk} row={rowAt(chunk, line)} find={find} show={show} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

/**
 * Keeps what is seen where it was when lines come in front of it or go; keeps to the end, or goes to a line; and reads on near
 * the ends. @returns what scrolling does
 */
function usePlace(box: RefObject<HTMLDivElement | null>, props: LinesProps, place: number): () => void {
  const { store, view, follows, stopFollowing, target } = props
  const before = useRef({ top: 0, moved: view.moved })
  const readOn = ({ scrollTop, scrollHeight, clientHeight }: HTMLElement) => {
    if (scrollTop < NEAR_PX) store.older()
    if (scrollHeight - scrollTop - clientHeight < NEAR_PX) store.newer()
  }
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const lines = view.moved - before.current.moved
    if (follows) element.scrollTop = element.scrollHeight
    else if (lines !== 0) element.scrollTop += lines * LINE_PX
    before.current = { top: element.scrollTop, moved: view.moved }
    readOn(element)
    // Not whenever it is rolled, which would take it back to the end.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [view, follows])
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && place !== -1) element.scrollTop = Math.max(0, place * LINE_PX - element.clientHeight / 3)
    // Once for each that is asked for: afterwards it moves with what is around it.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [target, place !== -1])
  return () => {
    const element = box.current
    if (element === null) return
    if (follows && element.scrollTop < before.current.top - 1) stopFollowing()
    before.current.top = element.scrollTop
    readOn(element)
  }
}

type LineProps = { chunk: Chunk; row: Row; find: string; show: (() => void) | null }

function Line({ chunk: { at, step }, row, find, show }: LineProps) {
  return (
    <>
      {show === null ? (
        <span className="quiet">
          <Clock at={at} />
        </span>
      ) : (
        <button type="button" className="plain log-show" title="Show it among its neighbours" onClick={show}>
          <Clock at={at} />
        </button>
      )}{' '}
      <span className="log-step">{step}</span>{' '}
      {row.map(({ text, className }, index) => (
        // Pieces of a line that does not change.
        // oxlint-disable-next-line react/no-array-index-key
        <span key={index} className={className === '' ? undefined : className}>
          {marked(text, find)}
        </span>
      ))}
    </>
  )
}

/** A text with what is searched for marked. */
function marked(text: string, find: string): ReactNode {
  if (find === '') return text
  const lower = text.toLowerCase()
  // Of few characters the lower case is longer: then it has other places.
  if (lower.length !== text.length) return text
  const parts: ReactNode[] = []
  let done = 0
  for (let at = lower.indexOf(find); at !== -1; at = lower.indexOf(find, done)) {
    parts.push(text.slice(done, at), <mark key={at}>{text.slice(at, at + find.length)}</mark>)
    done = at + find.length
  }
  parts.push(text.slice(done))
  return parts
}

/** The chunk that a line is of. @param starts how many lines stand before each */
function chunkAt(starts: readonly number[], line: number): number {
  let [low, high] = [0, starts.length - 1]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (Number(starts[middle]) <= line) low = middle
    else high = middle
  }
  return low
}

/** Where it stands among what is held; -1: it is not. */
function placeOf({ id, row }: Target, { chunks, starts }: LogView): number {
  const at = chunks.findIndex((chunk) => chunk.id === id)
  return at === -1 ? -1 : Number(starts[at]) + row
}
