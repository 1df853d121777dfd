import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { projectsQuery } from '../api/queries.ts'
import { type ChangeSearch, isSort, LIST_STATES, type OrdersSearch, SORTS } from '../places.ts'
import { Empty } from '../ui/states.tsx'
import { totalsQuery } from './order-pages.ts'

/** The API takes no longer one. */
const LONGEST_SEARCH = 200
/** Who types on is not answered yet. */
const TYPING_MS = 150

type FiltersProps = {
  search: OrdersSearch
  change: ChangeSearch
  box: RefObject<HTMLInputElement | null>
}

/** What is shown of all orders, and how; all of it is part of the address. */
export function Filters({ search, change, box }: FiltersProps) {
  const { view, find, project, sort } = search
  const set = (changed: { [Key in keyof OrdersSearch]: OrdersSearch[Key] | undefined }) =>
    change((now) => withoutUndefined({ ...now, ...changed }))
  return (
    <search className="filters">
      <SearchBox
        value={find === undefined ? '' : find}
        box={box}
        change={(text) => set({ find: text === '' ? undefined : text })}
      />
      <div className="chips" role="group" aria-label="View">
        <button type="button" aria-pressed={view === undefined} onClick={() => set({ view: undefined })}>
          Table
        </button>
        <button type="button" aria-pressed={view === 'lanes'} onClick={() => set({ view: 'lanes', state: undefined })}>
          Lanes
        </button>
      </div>
      {view === 'lanes' ? null : (
        <label className="sort-by">
          Sort{' '}
          <select
            value={sort === undefined ? 'created' : sort}
            onChange={({ target: { value } }) => {
              if (isSort(value)) set({ sort: value === 'created' ? undefined : value, reverse: undefined })
            }}
          >
            {Object.entries(SORTS).map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      <Projects value={project} change={(name) => set({ project: name })} />
      {view === 'lanes' ? null : <States search={search} set={set} />}
    </search>
  )
}

function withoutUndefined(search: { [Key in keyof OrdersSearch]: OrdersSearch[Key] | undefined }): OrdersSearch {
  const { view, state, project, find, sort, reverse } = search
  return {
    ...(view === undefined ? {} : { view }),
    ...(state === undefined ? {} : { state }),
    ...(project === undefined ? {} : { project }),
    ...(find === undefined ? {} : { find }),
    ...(sort === undefined ? {} : { sort }),
    ...(reverse === undefined ? {} : { reverse }),
  }
}

type BoxProps = { value: string; change: (text: string) => void; box: RefObject<HTMLInputElement | null> }

function SearchBox({ value, change, box }: BoxProps) {
  const [typed, setTyped] = useState(value)
  const sent = useRef(value)
  useEffect(() => {
    // Another address was gone to; what was typed here is in it already.
    if (value === sent.current) return
    sent.current = value
    setTyped(value)
  }, [value])
  useEffect(() => {
    if (typed === sent.current) return undefined
    const timer = setTimeout(() => {
      sent.current = typed
      change(typed)
    }, TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed, change])
  return (
    <input
      ref={box}
      type="search"
      aria-label="Search the orders"
      placeholder="Search  /"
      maxLength={LONGEST_SEARCH}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
      onKeyDown={({ key, currentTarget }) => {
        if (key === 'Escape' || key === 'Enter') currentTarget.blur()
      }}
    />
  )
}

function Projects({ value, change }: { value: string | undefined; change: (name: string | undefined) => void }) {
  const { data: projects = [] } = useQuery(projectsQuery)
  const names = projects.map(({ name }) => name)
  if (names.length < 2 && value === undefined) return null
  return (
    <select
      aria-label="Project"
      value={value === undefined ? '' : value}
      onChange={({ target }) => change(target.value === '' ? undefined : target.value)}
    >
      <option value="">all projects</option>
      {(value === undefined || names.includes(value) ? names : [value, ...names]).map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  )
}

type StatesProps = {
  search: OrdersSearch
  set: (changed: { state: OrdersSearch['state'] | undefined }) => void
}

function States({ search: { state, project, find }, set }: StatesProps) {
  const { data: totals } = useQuery({ ...totalsQuery({ project, find }), placeholderData: keepPreviousData })
  const all = totals === undefined ? undefined : Object.values(totals).reduce((sum, count) => sum + count, 0)
  return (
    <div className="chips" role="group" aria-label="State">
      <button type="button" aria-pressed={state === undefined} onClick={() => set({ state: undefined })}>
        all {all}
      </button>
      {LIST_STATES.map((one) => (
        <button key={one} type="button" aria-pressed={state === one} onClick={() => set({ state: one })}>
          {one} {totals?.[one]}
        </button>
      ))}
    </div>
  )
}

export function NoneFits({ change }: { change: ChangeSearch }) {
  return (
    <Empty>
      <p>No order fits.</p>
      <button type="button" onClick={() => change(() => ({}))}>
        Show all
      </button>
    </Empty>
  )
}
