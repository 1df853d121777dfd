import { useQuery } from '@tanstack/react-query'
import { startTransition, useEffect, useState } from 'react'
import type { ViewType } from 'react-diff-view'
import 'react-diff-view/style/index.css'
import type { Schemas } from '../api/client.ts'
import { changesQuery } from '../api/queries.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import './diff.css'
import { anchorOf, FileDiff } from './diff-file.tsx'
import { FilesTree } from './diff-tree.tsx'

const VIEW_KEY = 'moose-diff-view'
const WIDE = '(min-width: 1000px)'
/** Files that are listed and shown at once. */
const MOST_FILES = 200

/** What an order has changed: its files as a tree, and each with its lines. */
export function Diff({ id }: { id: string }) {
  const { data: changes, error, refetch } = useQuery(changesQuery(id))
  if (changes === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (changes === undefined) return <Loading what="the diff" />
  if (changes === null) return <Empty>There is no pull request yet, and so no diff.</Empty>
  if (changes.files.length === 0) return <Empty>The diff is empty.</Empty>
  return <Changes changes={changes} />
}

function Changes({ changes: { files, source, cut } }: { changes: Schemas['OrderChanges'] }) {
  const [view, setView] = useView()
  const [most, setMost] = useState(MOST_FILES)
  const shown = files.slice(0, most)
  useLinkedFile(files, setMost)
  return (
    <>
      <div className="filters">
        <p className="diff-sum">{summaryOf(files, source)}</p>
        <div className="chips" role="group" aria-label="View">
          {(['split', 'unified'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={view === one} onClick={() => setView(one)}>
              {one === 'split' ? 'Side by side' : 'Unified'}
            </button>
          ))}
        </div>
      </div>
      {cut === null ? null : <p className="warn">The diff is not whole: {cut}</p>}
      <div className="diff-page">
        <details className="diff-side" open={window.matchMedia(WIDE).matches}>
          <summary>Files</summary>
          <FilesTree files={shown} />
        </details>
        <div className="diff-files">
          {shown.map((file) => (
            <FileDiff key={file.path} file={file} view={view} />
          ))}
          {shown.length === files.length ? null : (
            <button type="button" onClick={() => setMost(most + MOST_FILES)}>
              Show more of {files.length.toLocaleString()} files
            </button>
          )}
        </div>
      </div>
    </>
  )
}

/** An address may name a file, which is there only now. */
function useLinkedFile(files: readonly Schemas['ChangedFile'][], setMost: (count: number) => void): void {
  const [wanted] = useState(() => window.location.hash.slice(1))
  const place = files.findIndex(({ path }) => anchorOf(path) === wanted)
  useEffect(() => {
    if (place >= MOST_FILES) setMost(place + 1)
    if (place !== -1) document.getElementById(wanted)?.scrollIntoView()
  }, [place, wanted, setMost])
}

/** The view that was chosen last in this browser; before that what fits. */
function useView(): [ViewType, (view: ViewType) => void] {
  const [view, setView] = useState<ViewType>(() => {
    const kept = localStorage.getItem(VIEW_KEY)
    if (kept === 'split' || kept === 'unified') return kept
    return window.matchMedia(WIDE).matches ? 'split' : 'unified'
  })
  const choose = (next: ViewType) => {
    localStorage.setItem(VIEW_KEY, next)
    // Every file is laid out anew, in pieces between which the page does other things.
    startTransition(() => setView(next))
  }
  return [view, choose]
}

function summaryOf(files: readonly Schemas['ChangedFile'][], source: string): string {
  const sum = (counted: 'added' | 'deleted') => files.reduce((total, file) => total + Number(file[counted]), 0)
  const outside = files.filter((file) => !file.in_scope).length
  const guarded = files.filter((file) => file.protected !== null).length
  return [
    `${files.length.toLocaleString()} ${files.length === 1 ? 'file' : 'files'}`,
    `+${sum('added').toLocaleString()} −${sum('deleted').toLocaleString()}`,
    outside === 0 ? 'all in scope' : `${outside.toLocaleString()} out of scope`,
    ...(guarded === 0 ? [] : [`${guarded.toLocaleString()} protected`]),
    ...(source === 'held' ? ['held until it is allowed'] : []),
  ].join(' · ')
}
