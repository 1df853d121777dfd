import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { statusQuery } from '../api/queries.ts'
import type { ChangeSearch } from '../places.ts'
import { useKeys } from '../ui/keys.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { BatchBar } from './batch-bar.tsx'
import { Filters, NoneFits } from './filters.tsx'
import { Lanes } from './lanes.tsx'
import { type Selection, useOrderKeys, useSelection } from './order-keys.ts'
import { firstPageQuery, type Question, useOrderPages } from './order-pages.ts'
import './orders.css'
import { OrdersTable } from './orders-table.tsx'

const route = getRouteApi('/shell/orders')

export function OrdersPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { data: status } = useQuery(statusQuery)
  const box = useRef<HTMLInputElement>(null)
  const selection = useSelection()
  useKeys({ '/': () => box.current?.focus() })
  const change: ChangeSearch = (search) => void navigate({ search, replace: true })
  const { view, ...question } = search
  if (status !== undefined && Object.values(status.states).every((count) => count === 0)) return <NoOrders />
  return (
    <>
      <title>Orders · Moose</title>
      <h1>Orders</h1>
      <Filters search={search} change={change} box={box} />
      {view === 'lanes' ? (
        <Lanes question={question} change={change} selection={selection} />
      ) : (
        <Table question={question} change={change} selection={selection} />
      )}
    </>
  )
}

function NoOrders() {
  return (
    <>
      <title>Orders · Moose</title>
      <h1>Orders</h1>
      <Empty>
        <p>No orders yet.</p>
        <p>
          <Link to="/new">File one</Link>, or <Link to="/import">import a file of orders</Link>.
        </p>
      </Empty>
    </>
  )
}

type TableProps = { question: Question; change: ChangeSearch; selection: Selection }

/** The list of the question before stays until that of the next has come. */
function Table({ question, change, selection }: TableProps) {
  const [shown, setShown] = useState<Question | null>(null)
  const isNew = shown === null || isOther(shown, question)
  const { data, error, isPlaceholderData, refetch } = useQuery({
    ...firstPageQuery(question),
    placeholderData: keepPreviousData,
    // Once it is shown, its pages are read again by themselves.
    enabled: isNew,
  })
  if (data !== undefined && !isPlaceholderData && isNew) setShown(question)
  if (error !== null && (data === undefined || isPlaceholderData))
    return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined || shown === null) return <Loading what="the orders" />
  return (
    <div aria-busy={isPlaceholderData}>
      <Pages key={JSON.stringify(shown)} question={shown} change={change} selection={selection} />
    </div>
  )
}

function isOther(one: Question, other: Question): boolean {
  return JSON.stringify(one) !== JSON.stringify(other)
}

function Pages({ question, change, selection }: TableProps) {
  const { orders, error, isMore, isReading, readMore, see } = useOrderPages(question)
  const { at, setAt } = useOrderKeys(orders, selection.toggle)
  if (orders.length === 0 && !isReading) return <NoneFits change={change} />
  return (
    <>
      <BatchBar listed={orders} selection={selection} />
      <OrdersTable
        orders={orders}
        question={question}
        change={change}
        place={{ at, setAt }}
        selection={selection}
        pages={{ isMore, readMore, see }}
      />
      {error === null ? null : <Failed error={error} retry={readMore} />}
      {isReading ? <Loading what="more orders" /> : null}
    </>
  )
}
