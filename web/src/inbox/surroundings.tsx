import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { InboxEntry, ListedOrder, Schemas } from '../api/client.ts'
import { runningQuery, statusQuery } from '../api/queries.ts'
import { Skeleton, StateBadge } from '../ui/states.tsx'
import { Ago, Elapsed, usd } from '../ui/words.tsx'

const MOST_WRONG = 5

/** The newest of what failed or rests, as the inbox has them. */
function wrongOf(entries: readonly InboxEntry[]): InboxEntry[] {
  const wrong = entries.filter(
    ({ kind, work_order: order }) => order !== null && (kind === 'failed' || kind === 'blocked'),
  )
  return wrong.toSorted((one, other) => timeOf(other) - timeOf(one))
}

function timeOf({ since }: InboxEntry): number {
  return since === null ? 0 : Date.parse(since)
}

/** On a phone, where the rest stands below: three figures, each leading to it. */
export function Glance({ entries }: { entries: readonly InboxEntry[] }) {
  const { data: status } = useQuery(statusQuery)
  if (status === undefined) return null
  const { states, budget } = status
  const figures = [
    { place: 'running-now', name: 'running now', figure: countOf(states, 'running') },
    { place: 'today', name: 'spent today', figure: budget === null ? '?' : usd(budget.today.spent_usd) },
    { place: 'went-wrong', name: 'went wrong', figure: String(wrongOf(entries).length) },
  ]
  return (
    <ul className="glance" aria-label="At a glance">
      {figures.map(({ place, name, figure }) => (
        <li key={place}>
          <a href={`#${place}`}>
            <strong className="number">{figure}</strong> {name}
          </a>
        </li>
      ))}
    </ul>
  )
}

function countOf(states: Readonly<Record<string, number>>, state: string): string {
  const count = states[state]
  return count === undefined ? '0' : count.toLocaleString()
}

/** What stands beside what waits: what runs, what today cost, what went wrong lately and why. */
export function Surroundings({ entries }: { entries: readonly InboxEntry[] | undefined }) {
  return (
    <div className="surroundings">
      <Running />
      <Today />
      <WentWrong wrong={entries === undefined ? undefined : wrongOf(entries)} />
    </div>
  )
}

function Part({
  place,
  title,
  more,
  children,
}: {
  place: string
  title: string
  more?: ReactNode
  children: ReactNode
}) {
  return (
    <section id={place} className="card" aria-labelledby={`${place}-title`} tabIndex={-1}>
      <header>
        <h2 id={`${place}-title`}>{title}</h2>
        {more}
      </header>
      {children}
    </section>
  )
}

function Running() {
  const { data: running } = useQuery(runningQuery)
  const { data: status } = useQuery(statusQuery)
  const counts = status === undefined ? '' : `${countOf(status.states, 'running')} of ${status.max_concurrent}`
  const waiting = status === undefined ? '0' : countOf(status.states, 'waiting')
  return (
    <Part place="running-now" title="Running now" more={<span className="quiet number">{counts}</span>}>
      {running === undefined ? (
        <Skeleton rows={2} />
      ) : running.length === 0 ? (
        <p className="quiet">Nothing runs.</p>
      ) : (
        <ul className="lines">
          {running.map((order) => (
            <RunningLine key={order.id} order={order} />
          ))}
        </ul>
      )}
      {waiting === '0' ? null : (
        <p className="quiet">
          <Link to="/orders" search={{ state: 'waiting' }}>
            {waiting} approved
          </Link>{' '}
          {waiting === '1' ? 'waits' : 'wait'} for a place
        </p>
      )}
    </Part>
  )
}

function RunningLine({ order: { id, title, why } }: { order: ListedOrder }) {
  // As the API words it: what it is at, and since when.
  const [what = why.short, since] = why.short.split(', since ')
  return (
    <li>
      <Link to="/orders/$id" params={{ id }} search={{ part: 'log' }} className="one-line">
        {title}
      </Link>
      <span className="line-facts">
        <StateBadge state="running" />
        <span className="quiet">{what}</span>
        {since === undefined || Number.isNaN(Date.parse(since)) ? null : (
          <span className="number">
            <Elapsed from={since} to={null} />
          </span>
        )}
      </span>
    </li>
  )
}

function Today() {
  const { data: status } = useQuery(statusQuery)
  return (
    <Part place="today" title="Today" more={<span className="quiet">by UTC</span>}>
      {status === undefined ? (
        <Skeleton rows={2} />
      ) : status.budget === null ? (
        <p className="failure">The caps cannot be read: moose budget</p>
      ) : (
        <Money budget={status.budget} />
      )}
    </Part>
  )
}

function Money({ budget: { today, this_month: month, emergency_stop: stop } }: { budget: Schemas['BudgetLine'] }) {
  const { spent_usd: spent, hard_cap_usd: cap, reserved_usd: reserved } = today
  return (
    <>
      <p className="spent">
        <strong className="number">{usd(spent)}</strong>
        <span className="quiet">spent{cap === null ? '' : ` of ${usd(cap)}`}</span>
      </p>
      {cap === null || cap === 0 ? null : (
        <meter
          aria-label="Of the cap of the day"
          min={0}
          max={cap}
          value={spent}
          high={cap * NEARLY}
          low={cap * NEARLY}
          optimum={0}
        >
          {usd(spent)}
        </meter>
      )}
      {reserved === 0 ? null : <p className="quiet number">{usd(reserved)} more is reserved for calls</p>}
      <p className="quiet number">
        This month {usd(month.spent_usd)}
        {month.hard_cap_usd === null ? '' : ` of ${usd(month.hard_cap_usd)}`}
      </p>
      {stop.active ? <p className="failure">Nothing is spent: everything is stopped.</p> : null}
    </>
  )
}

/** Of a cap, beyond which its meter warns. */
const NEARLY = 0.8

/** @param props.wrong undefined: that is not known yet */
function WentWrong({ wrong }: { wrong: readonly InboxEntry[] | undefined }) {
  const shown = wrong?.slice(0, MOST_WRONG)
  return (
    <Part
      place="went-wrong"
      title="Went wrong lately"
      more={
        <Link to="/orders" search={{ state: 'failed' }}>
          all failed
        </Link>
      }
    >
      {shown === undefined ? (
        <Skeleton rows={2} />
      ) : shown.length === 0 ? (
        <p className="quiet">Nothing.</p>
      ) : (
        <ul className="lines">
          {shown.map((entry) => (
            <WrongLine key={entry.work_order?.id} entry={entry} />
          ))}
        </ul>
      )}
    </Part>
  )
}

function WrongLine({ entry: { work_order: order, kind, since } }: { entry: InboxEntry }) {
  if (order === null) return null
  const reason = order.status_reason
  return (
    <li>
      <Link to="/orders/$id" params={{ id: order.id }} className="one-line">
        {order.title}
      </Link>
      <span className="line-facts">
        <StateBadge state={kind} />
        {since === null ? null : (
          <span className="quiet">
            <Ago at={since} />
          </span>
        )}
      </span>
      {reason === null ? null : (
        <span className="reason">
          <code>{reason.code}</code> {reason.message}
        </span>
      )}
    </li>
  )
}
