import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'

/** Characters of a text that is laid out as a whole; of a longer one only the lines that are seen are. */
const MOST_WHOLE = 50_000
/** A text of more is folded until it is asked for. */
const MOST_OPEN = 4_000
/** Characters that are shown of one that is folded. */
const GLANCE = 600
/** Of a line that is laid out at once; it goes on in the next. */
const LONGEST_LINE = 2_000
const LINE_PX = 20
const OVERSCAN = 20
const COPIED_MS = 2_000

export type SaidProps = {
  /** `system`, `user`, `assistant`, or `answer`. */
  speaker: string
  who: string
  text: string
  /** Characters of its end that the API has not given. */
  leftOut: number
  isOpen: boolean
}

/** One message: who said it, how much, and the text, which is folded when it is long. */
export function Said({ speaker, who, text, leftOut, isOpen }: SaidProps) {
  const isLong = text.length > MOST_OPEN
  const [isFolded, setFolded] = useState(isLong && !isOpen)
  const shown = isFolded ? `${text.slice(0, GLANCE)} …` : text
  return (
    <figure className={`said ${speaker}`}>
      <figcaption className="said-head">
        <span className="who">{who}</span>
        <span>{sizeOf(text, leftOut)}</span>
        <span className="buttons">
          {isLong ? (
            <button type="button" aria-expanded={!isFolded} onClick={() => setFolded(!isFolded)}>
              {isFolded ? 'Show all' : 'Fold'}
            </button>
          ) : null}
          <Copy text={text} what={who} />
        </span>
      </figcaption>
      {shown.length > MOST_WHOLE ? <LongText text={shown} who={who} /> : <pre tabIndex={0}>{shown}</pre>}
      {leftOut === 0 ? null : <p className="quiet">{leftOut.toLocaleString()} more characters are not shown.</p>}
    </figure>
  )
}

function sizeOf(text: string, leftOut: number): string {
  const lines = text === '' ? 0 : (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').length
  return `${(text.length + leftOut).toLocaleString()} characters, ${lines.toLocaleString()} ${lines === 1 ? 'line' : 'lines'}`
}

/** Browsers let only pages of this machine, or of an encrypted connection, write what is copied. */
function Copy({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState<string | null>(null)
  useEffect(() => {
    if (said === null) return undefined
    const timer = setTimeout(() => setSaid(null), COPIED_MS)
    return () => clearTimeout(timer)
  }, [said])
  if (!window.isSecureContext) return null
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('The browser refused'),
    )
  return (
    <button type="button" aria-label={said === null ? `Copy: ${what}` : said} onClick={() => void copy()}>
      {said === null ? 'Copy' : said}
    </button>
  )
}

function LongText({ text, who }: { text: string; who: string }) {
  const box = useRef<HTMLDivElement>(null)
  const lines = useMemo(() => text.split('\n').flatMap(broken), [text])
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PX,
    overscan: OVERSCAN,
  })
  return (
    <div ref={box} className="long-text" tabIndex={0} role="region" aria-label={`Text: ${who}`}>
      <div className="long-lines" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => (
          <div
            key={index}
            ref={rows.measureElement}
            data-index={index}
            className="long-line"
            style={{ transform: `translateY(${start}px)` }}
          >
            {lines[index]}
          </div>
        ))}
      </div>
    </div>
  )
}

function broken(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line]
  const count = Math.ceil(line.length / LONGEST_LINE)
  return Array.from({ length: count }, (_, index) => line.slice(index * LONGEST_LINE, (index + 1) * LONGEST_LINE))
}
