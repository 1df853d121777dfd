import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import {
  type ChangeData,
  Diff as DiffTable,
  type FileData,
  Hunk,
  type HunkData,
  parseDiff,
  type ViewType,
} from 'react-diff-view'
import type { Schemas } from '../api/client.ts'
import { useColours } from './diff-colours.ts'

type ChangedFile = Schemas['ChangedFile']

/** Lines of one file that are shown at once; a longer change waits until it is asked for. */
const MOST_LINES = 1_000
/** Characters of a line; a file with a longer one waits too. */
const LONGEST_LINE = 5_000
/** Lines that are laid out together, when they are come near to. */
const PART_LINES = 80
const LINE_PX = 19
const NEAR = '1200px 0px'

export function anchorOf(path: string): string {
  return `file-${encodeURIComponent(path)}`
}

/** Text in an encoding other than UTF-8 is a binary patch in what is applied. */
function asRead({ diff, text }: ChangedFile): string {
  return text === undefined || text === null ? diff : text
}

/** One file of a change, with what is to be known of it and its lines. */
export function FileDiff({ file, view }: { file: ChangedFile; view: ViewType }) {
  const { path, added, deleted } = file
  const diff = asRead(file)
  const hasLong = useMemo(() => hasLongLine(diff), [diff])
  const isLong = Number(added) + Number(deleted) > MOST_LINES || hasLong
  const [isOpen, setOpen] = useState(!isLong)
  return (
    <section id={anchorOf(path)} className="file-diff" aria-label={path} tabIndex={-1}>
      <header className="file-head">
        <button type="button" className="plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span>
          <span className="hidden">{isOpen ? 'Fold' : 'Show'}</span>
        </button>
        <h2>
          <code>{path}</code>
        </h2>
        <Counts file={file} />
        <Marks file={file} />
      </header>
      {isOpen ? (
        <Near stays lines={Math.min(MOST_LINES, Number(added) + Number(deleted) + 6)}>
          <FileLines file={file} view={view} />
        </Near>
      ) : (
        <p>
          <button type="button" onClick={() => setOpen(true)}>
            Show {isLong ? 'a long change' : 'the change'}: {(Number(added) + Number(deleted)).toLocaleString()} lines
          </button>
        </p>
      )}
    </section>
  )
}

export function Counts({ file: { added, deleted } }: { file: ChangedFile }) {
  if (added === null || deleted === null) return <span className="quiet">binary</span>
  return (
    <span className="counts">
      <span className="won">+{added.toLocaleString()}</span> <span className="lost">−{deleted.toLocaleString()}</span>
    </span>
  )
}

function Marks({ file: { change, in_scope: isInScope, protected: why } }: { file: ChangedFile }) {
  return (
    <>
      <span className="badge">{change}</span>
      {isInScope ? (
        <span className="badge succeeded">in scope</span>
      ) : (
        <span className="badge failed" title="The order names neither it nor a folder it is in">
          out of scope
        </span>
      )}
      {why === null ? null : <span className="badge blocked marked-why">protected: {why}</span>}
    </>
  )
}

function hasLongLine(diff: string): boolean {
  for (let at = 0; at < diff.length; ) {
    const end = diff.indexOf('\n', at)
    if ((end === -1 ? diff.length : end) - at > LONGEST_LINE) return true
    if (end === -1) return false
    at = end + 1
  }
  return false
}

type NearProps = { lines: number; stays?: true; children: ReactNode }

/** What is laid out while it is near; of what is far its place alone is kept, unless it stays once it was seen. */
function Near({ lines, stays, children }: NearProps) {
  const place = useRef<HTMLDivElement>(null)
  const [isNear, setNear] = useState(false)
  const [height, setHeight] = useState(lines * LINE_PX)
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const seen = new IntersectionObserver(
      (entries) => {
        const last = entries.at(-1)
        if (last === undefined) return
        if (last.isIntersecting) setNear(true)
        else if (stays !== true) {
          setHeight(last.boundingClientRect.height)
          setNear(false)
        }
      },
      { rootMargin: NEAR },
    )
    seen.observe(element)
    return () => seen.disconnect()
  }, [stays])
  return (
    <div ref={place} style={isNear ? undefined : { height }}>
      {isNear ? children : null}
    </div>
  )
}

function FileLines({ file: changed, view }: { file: ChangedFile; view: ViewType }) {
  const { path } = changed
  const diff = asRead(changed)
  const file = useMemo(() => parsed(diff), [diff])
  const hunks = file === null ? null : file.hunks
  const tokens = useColours(path, hunks)
  const parts = useMemo(() => (hunks === null ? [] : hunks.flatMap(partsOf)), [hunks])
  if (file === null) return <pre tabIndex={0}>{diff}</pre>
  if (parts.length === 0)
    return <p className="quiet">No line is shown: it is empty, binary, or only its mode changed.</p>
  return (
    <div className="file-lines" tabIndex={0} role="region" aria-label={`Lines of ${path}`}>
      {parts.map(({ hunk, isFirst }, index) => (
        // Those of a text that does not change; another view lays out anew what is near.
        // oxlint-disable-next-line react/no-array-index-key
        <Near key={`${view} ${index}`} lines={hunk.changes.length}>
          {isFirst ? <p className="hunk-head">{hunk.content}</p> : null}
          <DiffTable viewType={view} diffType={file.type} hunks={[hunk]} tokens={tokens} className="diff-part">
            {(shown) => shown.map((one) => <Hunk key={one.content} hunk={one} />)}
          </DiffTable>
        </Near>
      ))}
    </div>
  )
}

/** Null: it is not as git writes it. */
function parsed(diff: string): FileData | null {
  try {
    const [file] = parseDiff(diff, { nearbySequences: 'zip' })
    return file === undefined ? null : file
  } catch {
    // Cut within its head, or of another program: it is shown as it is.
    return null
  }
}

type Part = { hunk: HunkData; isFirst: boolean }

/** A hunk in parts that are laid out apart, none of which ends between a line and what it became. */
function partsOf(hunk: HunkData): Part[] {
  const parts: Part[] = []
  let changes: ChangeData[] = []
  for (const change of hunk.changes) {
    const isBorder = change.type === 'normal' || (change.type === changes.at(-1)?.type && isOneSided(changes))
    if (changes.length >= PART_LINES && (isBorder || changes.length >= 3 * PART_LINES)) {
      parts.push({ hunk: { ...hunk, changes }, isFirst: parts.length === 0 })
      changes = []
    }
    changes.push(change)
  }
  parts.push({ hunk: { ...hunk, changes }, isFirst: parts.length === 0 })
  return parts
}

function isOneSided(changes: readonly ChangeData[]): boolean {
  return changes.slice(-PART_LINES / 2).every(({ type }, _, [first]) => type === first?.type)
}
