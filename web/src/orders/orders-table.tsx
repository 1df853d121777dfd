import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type CSSProperties, memo, type RefObject, useEffect, useRef } from 'react'
import type { ListedOrder } from '../api/client.ts'
import type { ChangeSearch, Sort } from '../places.ts'
import { StateBadge } from '../ui/states.tsx'
import { WithTimes } from '../ui/with-times.tsx'
import { Ago, Elapsed, shortId, usd } from '../ui/words.tsx'
import type { Selection } from './order-keys.ts'
import type { Question } from './order-pages.ts'

const ROW_PX = 62
const OVERSCAN = 8
/** What assistive technology counts from: the heads are its first row. */
const FIRST_ROW = 2
/** So many rows before the end of what is loaded the next are asked for. */
const AHEAD = 40

type TableProps = {
  orders: readonly ListedOrder[]
  question: Question
  change: ChangeSearch
  place: { at: number; setAt: (index: number) => void }
  selection: Selection
  pages: { isMore: boolean; readMore: () => void; see: (first: number, last: number) => void }
}

/** Only the rows in sight are in the document. */
export function OrdersTable({ orders, question, change, place: { at, setAt }, selection, pages }: TableProps) {
  const list = useRef<HTMLDivElement>(null)
  const rows = useWindowVirtualizer({
    count: orders.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: list.current === null ? 0 : list.current.offsetTop,
    getItemKey: (index) => String(orders[index]?.id),
  })
  useScrolledTo(at, list, (index) => rows.scrollToIndex(index, { align: 'center' }))
  const shown = rows.getVirtualItems()
  const [first, last] = [shown.at(0)?.index, shown.at(-1)?.index]
  useEffect(() => {
    if (first === undefined || last === undefined) return
    pages.see(first, last)
    if (pages.isMore && last >= orders.length - AHEAD) pages.readMore()
  })
  return (
    <div
      ref={list}
      className="orders"
      role="table"
      aria-label="Orders"
      aria-rowcount={pages.isMore ? -1 : orders.length + 1}
    >
      <Heads orders={orders} question={question} change={change} selection={selection} />
      <div role="rowgroup" className="order-rows" style={{ height: rows.getTotalSize() }}>
        {shown.map(({ index, key, start }) => {
          const order = orders[index]
          if (order === undefined) return null
          const style = { transform: `translateY(${start - rows.options.scrollMargin}px)`, height: ROW_PX }
          const row = { index, isCurrent: index === at, style, focus: () => setAt(index) }
          return <Row key={key} order={order} row={row} selection={selection} />
        })}
      </div>
    </div>
  )
}

/** Has the current row in sight once a key has moved it; the page begins at its beginning. */
function useScrolledTo(at: number, list: RefObject<HTMLElement | null>, scroll: (index: number) => void): void {
  const scrolledTo = useRef(at)
  useEffect(() => {
    if (at === scrolledTo.current) return
    scrolledTo.current = at
    const row = list.current?.querySelector(`[aria-rowindex="${at + FIRST_ROW}"]`)
    if (row instanceof HTMLElement) row.scrollIntoView({ block: 'nearest' })
    else scroll(at)
  }, [at, list, scroll])
}

type RowProps = {
  order: ListedOrder
  row: { index: number; isCurrent: boolean; style: CSSProperties; focus: () => void }
  selection: Selection
}

function Row({ order, row: { index, isCurrent, style, focus }, selection }: RowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + FIRST_ROW}
      className="order-row"
      data-current={isCurrent}
      style={style}
      onFocus={focus}
    >
      <span role="cell">
        <input
          type="checkbox"
          checked={selection.chosen.has(order.id)}
          onChange={() => selection.toggle(order)}
          aria-label={`Select ${order.title}`}
        />
      </span>
      <OrderCells order={order} />
    </div>
  )
}

/** Columns, with what they are sorted by; null: by nothing. */
const COLUMNS: readonly (readonly [title: string, sort: Sort | null, name: string])[] = [
  ['State', 'state', 'order-state'],
  ['Order', 'title', 'order-name'],
  ['Why', null, 'order-why'],
  ['Attempts', 'attempts', 'order-attempts'],
  ['Cost', 'cost', 'order-cost'],
  ['Filed', 'created', 'order-filed'],
  ['Changed', 'updated', 'order-changed'],
]
/** These begin with the least. */
const ASCENDING: ReadonlySet<Sort> = new Set(['title', 'state'])

function Heads({
  orders,
  question,
  change,
  selection,
}: Pick<TableProps, 'orders' | 'question' | 'change' | 'selection'>) {
  const { sort = 'created', reverse } = question
  const isAll = orders.every(({ id }) => selection.chosen.has(id))
  const by = (next: Sort) =>
    change(({ sort: before = 'created', reverse: was, ...rest }) => {
      const turned = next === before && was !== true
      return { ...rest, ...(next === 'created' ? {} : { sort: next }), ...(turned ? { reverse: true } : {}) }
    })
  return (
    <div role="row" className="order-row order-heads" aria-rowindex={1}>
      <span role="columnheader">
        <input
          type="checkbox"
          checked={isAll}
          onChange={() => selection.choose(isAll ? 'none' : orders)}
          aria-label={`Select the ${orders.length} that are loaded`}
        />
      </span>
      {COLUMNS.map(([title, own, name]) => {
        if (own === null)
          return (
            <span key={title} role="columnheader" className={name}>
              {title}
            </span>
          )
        const isUp = ASCENDING.has(own) !== (reverse === true)
        const turned = own === sort ? (isUp ? 'ascending' : 'descending') : 'none'
        return (
          <span key={title} role="columnheader" className={name} aria-sort={turned}>
            <button type="button" className="plain" onClick={() => by(own)}>
              {title} <span aria-hidden="true">{turned === 'none' ? '' : isUp ? '↑' : '↓'}</span>
            </button>
          </span>
        )
      })}
    </div>
  )
}

/** What is answered of an order; drawn again only when that has changed. Times go on by themselves. */
const OrderCells = memo(function OrderCells({ order }: { order: ListedOrder }) {
  const { id, title, project, state, why, actual_cost: cost, hidden_text: hidden, at_pull_request: at } = order
  return (
    <>
      <span role="cell" className="order-state">
        <StateBadge state={at === undefined ? state : 'review'} />
      </span>
      <span role="cell" className="order-title order-name">
        <Link to="/orders/$id" params={{ id }} title={title}>
          {title}
        </Link>
        <span className="quiet">
          <code>{shortId(id)}</code> {project}
          {hidden.length === 0 ? null : <span className="warn"> hidden text</span>}
        </span>
      </span>
      <span role="cell" className="order-why" title={why.short}>
        <WithTimes text={why.short} />
      </span>
      <span role="cell" className="number order-attempts">
        <RunsFor order={order} />
      </span>
      <span role="cell" className="number order-cost">
        {cost === null ? '–' : usd(cost)}
      </span>
      <span role="cell" className="quiet order-filed">
        <Ago at={order.created_at} />
      </span>
      <span role="cell" className="quiet order-changed">
        <Ago at={order.updated_at} />
      </span>
    </>
  )
})

/** How many attempts there were, and how long the one takes that runs. */
export function RunsFor({ order: { attempts, running_since: since } }: { order: ListedOrder }) {
  if (since === null) return attempts === 0 ? '–' : attempts
  return (
    <span className="runs" title={`attempt ${attempts}, since ${new Date(since).toLocaleString()}`}>
      <Elapsed from={since} to={null} />
    </span>
  )
}
