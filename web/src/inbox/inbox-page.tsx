import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type Verb, verbsOf } from '../api/actions.ts'
import type { InboxEntry } from '../api/client.ts'
import { inboxQuery } from '../api/queries.ts'
import { useAsk, useMay } from '../ui/acting.tsx'
import { useAsCurrent } from '../ui/current-order.ts'
import { useKeys } from '../ui/keys.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { ApprovalTerms } from './approval-terms.tsx'
import { Entry, GroupActions, wordOf } from './entry.tsx'
import { Glance, Surroundings } from './surroundings.tsx'
import './inbox.css'

/** What waits for a human, the most urgent first; beside it what runs, what today cost, and what went wrong. */
export function InboxPage() {
  const { data, error, refetch } = useQuery(inboxQuery)
  const entries = data === undefined ? [] : data.inbox
  return (
    <>
      <title>{`${entries.length === 0 ? '' : `(${entries.length}) `}Inbox · Moose`}</title>
      <div className="inbox-columns">
        <section aria-labelledby="inbox-title">
          <h1 id="inbox-title">
            Inbox {data === undefined ? null : <span className="count">{waits(entries.length)}</span>}
          </h1>
          <Glance entries={entries} />
          {data !== undefined ? (
            <Waiting entries={entries} leftOut={data.left_out} />
          ) : error !== null ? (
            <Failed error={error} retry={() => void refetch()} />
          ) : (
            <Loading what="the inbox" />
          )}
        </section>
        <Surroundings entries={data?.inbox} />
      </div>
    </>
  )
}

function waits(count: number): string {
  if (count === 0) return ''
  return count === 1 ? 'one waits for you' : `${count} wait for you`
}

function Waiting({ entries, leftOut }: { entries: readonly InboxEntry[]; leftOut: number }) {
  return (
    <>
      {entries.length === 0 ? <NothingWaits /> : <Entries entries={entries} />}
      {leftOut === 0 ? null : (
        <p className="quiet">{leftOut.toLocaleString()} older ones are left out; they are in the list of orders.</p>
      )}
    </>
  )
}

function NothingWaits() {
  return (
    <Empty>
      <h2>Nothing waits for you.</h2>
      <p className="quiet">Orders to approve, pull requests to merge, and what is blocked or failed come here.</p>
      <p>
        <Link to="/new">File an order</Link>
      </p>
    </Empty>
  )
}

/** Of no two entries the same. */
function keyOf({ kind, work_order: order, sentence }: InboxEntry): string {
  return order === null ? `${kind} ${sentence}` : `${kind} ${order.id}`
}

function Entries({ entries }: { entries: readonly InboxEntry[] }) {
  const [place, setPlace] = useState(0)
  const at = Math.min(place, entries.length - 1)
  useEntryKeys(entries[at], (by) => {
    const next = Math.max(0, Math.min(entries.length - 1, at + by))
    setPlace(next)
    document.getElementById(`entry-${next}`)?.scrollIntoView({ block: 'nearest' })
  })
  const kinds = [...new Set(entries.map(({ kind }) => kind))]
  return kinds.map((kind) => {
    const ofKind = entries.filter((entry) => entry.kind === kind)
    return (
      <section key={kind} className="inbox-group" aria-labelledby={`kind-${kind}`}>
        <header>
          <h2 id={`kind-${kind}`}>
            {wordOf(kind)} <span className="count">{ofKind.length}</span>
          </h2>
          <GroupActions kind={kind} entries={ofKind} />
        </header>
        <ol className="inbox">
          {ofKind.map((entry) => {
            const index = entries.indexOf(entry)
            return (
              <li key={keyOf(entry)} id={`entry-${index}`} className={`entry ${kind}`} data-current={index === at}>
                <Entry entry={entry} />
              </li>
            )
          })}
        </ol>
      </section>
    )
  })
}

function useEntryKeys(entry: InboxEntry | undefined, move: (by: number) => void): void {
  const ask = useAsk()
  const may = useMay()
  const navigate = useNavigate()
  const order = entry === undefined ? null : entry.work_order
  useAsCurrent(order)
  const act = (...verbs: readonly Verb[]) => {
    if (entry === undefined || order === null) return
    const verb = verbs.find((one) => verbsOf(order).includes(one))
    if (verb === undefined || !may(verb)) return
    ask({ verb, orders: [order], more: verb === 'approve' ? <ApprovalTerms entry={entry} /> : undefined })
  }
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      if (order !== null) void navigate({ to: '/orders/$id', params: { id: order.id } })
    },
    a: () => act('approve'),
    m: () => act('merge'),
    r: () => act('retry'),
    x: () => act('reject', 'cancel'),
  })
}
