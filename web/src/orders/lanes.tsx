import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { ListedOrder, Schemas } from '../api/client.ts'
import type { ChangeSearch } from '../places.ts'
import { Failed, Loading, StateBadge } from '../ui/states.tsx'
import { WithTimes } from '../ui/with-times.tsx'
import { Ago, shortId, usd } from '../ui/words.tsx'
import { BatchBar } from './batch-bar.tsx'
import { NoneFits } from './filters.tsx'
import { type Selection, useOrderKeys } from './order-keys.ts'
import { lanesQuery, type Question } from './order-pages.ts'
import { RunsFor } from './orders-table.tsx'

type Lane = Schemas['Lane']

const TITLES: Readonly<Record<Lane['lane'], string>> = {
  to_approve: 'To approve',
  waiting: 'Waiting',
  running: 'Running',
  review: 'In review',
  stuck: 'Blocked or failed',
  done: 'Done',
}

type LanesProps = { question: Question; change: ChangeSearch; selection: Selection }

/** Orders by where they stand, which nobody sets: they move by themselves. */
export function Lanes({ question, change, selection }: LanesProps) {
  const { data, error, refetch } = useQuery({ ...lanesQuery(question), placeholderData: keepPreviousData })
  if (data === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading what="the lanes" />
  if (data.every(({ total }) => total === 0)) return <NoneFits change={change} />
  return <Board lanes={data} question={question} selection={selection} />
}

function Board({ lanes, question, selection }: { lanes: readonly Lane[]; question: Question; selection: Selection }) {
  const orders = lanes.flatMap(({ work_orders }) => work_orders)
  const { at, setAt } = useOrderKeys(orders, selection.toggle)
  const current = orders[at]?.id
  return (
    <>
      <BatchBar listed={orders} selection={selection} />
      {/* It is scrolled sideways where it is wider than the page. */}
      <section className="lanes" aria-label="Lanes">
        {lanes.map((lane) => (
          <section key={lane.lane} className="lane" aria-label={TITLES[lane.lane]}>
            <h2>
              {TITLES[lane.lane]} <span className="quiet">{lane.total}</span>
            </h2>
            <ol>
              {lane.work_orders.map((order) => (
                <Card
                  key={order.id}
                  order={order}
                  isCurrent={order.id === current}
                  focus={() => setAt(orders.findIndex(({ id }) => id === order.id))}
                  selection={selection}
                />
              ))}
            </ol>
            <Others lane={lane} question={question} />
          </section>
        ))}
      </section>
    </>
  )
}

type CardProps = { order: ListedOrder; isCurrent: boolean; focus: () => void; selection: Selection }

function Card({ order, isCurrent, focus, selection }: CardProps) {
  const card = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (isCurrent) card.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [isCurrent])
  return (
    <li ref={card} className="card" data-current={isCurrent}>
      <input
        type="checkbox"
        checked={selection.chosen.has(order.id)}
        onChange={() => selection.toggle(order)}
        onFocus={focus}
        aria-label={`Select ${order.title}`}
      />
      <CardText order={order} focus={focus} />
    </li>
  )
}

function CardText({ order, focus }: { order: ListedOrder; focus: () => void }) {
  const { id, title, project, state, why, actual_cost: cost } = order
  const isMixed = state === 'failed' || state === 'blocked' || state === 'completed' || state === 'cancelled'
  return (
    <div>
      <Link to="/orders/$id" params={{ id }} className="card-title" title={title} onFocus={focus}>
        {title}
      </Link>
      <p className="card-why" title={why.short}>
        {isMixed ? <StateBadge state={state} /> : null} {why.short === state ? null : <WithTimes text={why.short} />}
      </p>
      <p className="quiet card-facts">
        <code>{shortId(id)}</code>
        {project === null ? null : <span>{project}</span>}
        {order.running_since === null ? null : <RunsFor order={order} />}
        {cost === null ? null : <span className="number">{usd(cost)}</span>}
        {order.running_since === null ? <Ago at={order.updated_at} /> : null}
      </p>
    </div>
  )
}

/** What the lane leaves out is in the table, by state. */
function Others({ lane: { total, work_orders: shown, states }, question }: { lane: Lane; question: Question }) {
  const { project, find } = question
  const rest = total - shown.length
  if (rest === 0) return null
  const kept = { ...(project === undefined ? {} : { project }), ...(find === undefined ? {} : { find }) }
  return (
    <p className="quiet">
      {rest} more:{' '}
      {states.map((state) => (
        <Link key={state} to="/orders" search={{ ...kept, state, sort: 'updated' }}>
          all {state}
        </Link>
      ))}
    </p>
  )
}
