import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Schemas } from '../api/client.ts'
import { statusQuery } from '../api/queries.ts'
import { Failed, Loading } from '../ui/states.tsx'
import { Ago, duration } from '../ui/words.tsx'
import { PausedAfterFailures, PausedProviders } from './pauses.tsx'
import { Places } from './places.tsx'
import { PollingSwitch } from './polling.tsx'
import { ResumeSpending, StopSpending } from './spending.tsx'

type Status = Schemas['OrchestratorStatus']

/** Whether orders are taken on and money is spent, how many run at once, and which providers are left alone. */
export function Service() {
  const { data: status, error, refetch } = useQuery(statusQuery)
  if (status === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (status === undefined) return <Loading what="the service" />
  return (
    <div className="card-columns">
      <Card title="Orders">
        <Orders status={status} />
      </Card>
      <Card title="Spending">
        <Spending status={status} />
      </Card>
      <Card title="Places">
        <Places status={status} />
      </Card>
      <Card title="Paused after failures">
        <PausedAfterFailures paused={status.failure_pauses ?? []} />
      </Card>
      <Card title="Paused providers">
        <PausedProviders paused={status.paused_providers} />
      </Card>
      <Card title="This service">
        <About status={status} />
      </Card>
    </div>
  )
}

export function Card({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

function Orders({ status }: { status: Status }) {
  const { polling, interval_ms: every, last_poll: last, states } = status
  return (
    <>
      <p>
        {polling ? (
          <>
            This service <strong>takes on approved orders</strong> as they come, and looks every {duration(every)}
            {last === null ? '' : ', last '}
            {last === null ? '' : <Ago at={last} />}.
          </>
        ) : (
          <>
            This service <strong className="warn">takes on nothing</strong>. What it has begun is finished.
          </>
        )}
      </p>
      <p className="quiet">
        {states.waiting} waiting, {states.running} running, {states.unapproved} to approve.
      </p>
      <div className="buttons">
        <PollingSwitch status={status} />
      </div>
    </>
  )
}

function Spending({ status: { budget } }: { status: Status }) {
  if (budget === null) {
    return (
      <>
        <p className="warn">The limits cannot be read, so nothing is spent.</p>
        <div className="buttons">
          <StopSpending />
        </div>
      </>
    )
  }
  const { active, by_hand: byHand, reason } = budget.emergency_stop
  return (
    <>
      <p>
        {active ? (
          <strong className="bad">Nothing is spent.</strong>
        ) : (
          <>
            Models <strong>may be called</strong>, within the caps.
          </>
        )}
      </p>
      {reason === null ? null : <p>{reason}</p>}
      <div className="buttons">{active && byHand ? <ResumeSpending /> : <StopSpending />}</div>
    </>
  )
}

function About({ status }: { status: Status }) {
  const rows: readonly (readonly [string, ReactNode])[] = [
    ['Version', status.version],
    ['Process', status.pid],
    ['Home', <code key="home">{status.home}</code>],
    ['Database', <code key="database">{status.database_url}</code>],
    ['Sandbox', status.sandbox === 'none' ? <span className="warn">none: nothing is confined</span> : status.sandbox],
    ['Ended', `${status.total_executed} attempts since it started, ${status.total_failed} of them failed`],
  ]
  return (
    <>
      <dl className="evidence">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {status.errors.length === 0 ? null : (
        <>
          <h3>Last errors</h3>
          <ul className="plain-list">
            {status.errors
              .slice(-5)
              .toReversed()
              .map(({ message, timestamp }) => (
                <li key={`${timestamp} ${message}`}>
                  <span className="quiet">
                    <Ago at={timestamp} />
                  </span>{' '}
                  {message}
                </li>
              ))}
          </ul>
        </>
      )}
    </>
  )
}
