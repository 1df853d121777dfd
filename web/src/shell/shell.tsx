import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useSyncExternalStore } from 'react'
import { isLoggedOut, type Schemas } from '../api/client.ts'
import { LiveProvider, useLiveState } from '../api/live.tsx'
import { inboxQuery, queryClient, sessionQuery, statusQuery } from '../api/queries.ts'
import { PollingSwitch } from '../operate/polling.tsx'
import { ActingProvider } from '../ui/acting.tsx'
import { useKeys } from '../ui/keys.ts'
import { Failed, Loading } from '../ui/states.tsx'
import { usd } from '../ui/words.tsx'
import './facts.css'
import { Help } from './help.tsx'
import { LogOut } from './log-out.tsx'
import { LoggedOut } from './login-page.tsx'
import { PaletteOpener } from './palette-opener.tsx'
import './shell.css'

/** What stands around every view: nothing of them is shown to who is not logged in. */
export function Shell() {
  const { data: session, error, refetch } = useQuery(sessionQuery)
  // It says from which event on is followed, so it is known before anything else is asked for: no event falls between.
  const { isPending: isPositionUnknown } = useQuery(statusQuery)
  if (isLoggedOut(error)) return <LoggedOut problem={null} />
  if (session === undefined && error !== null) {
    return (
      <main id="content">
        <Failed error={error} retry={() => void refetch()} />
      </main>
    )
  }
  if (session === undefined || isPositionUnknown) return <Opening />
  return (
    <ActingProvider>
      <LiveProvider>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <Head />
        <Connection />
        <main id="content" tabIndex={-1}>
          <Outlet />
        </main>
      </LiveProvider>
    </ActingProvider>
  )
}

/** The place of everything, before it is known who looks. */
function Opening() {
  return (
    <>
      <header className="head">
        <span className="brand">Moose</span>
      </header>
      <main id="content">
        <Loading what="Mission Control" />
      </main>
    </>
  )
}

function Head() {
  const { data: inbox } = useQuery(inboxQuery)
  const { data: status } = useQuery(statusQuery)
  const { data: session } = useQuery(sessionQuery)
  const waiting = inbox?.inbox.length
  return (
    <header className="head">
      <Link to="/" className="brand">
        Moose
      </Link>
      <nav aria-label="Views">
        <Link to="/" activeOptions={{ exact: true }}>
          Inbox{waiting === undefined || waiting === 0 ? null : <span className="pill"> {waiting}</span>}
        </Link>
        <Link to="/orders">Orders</Link>
        <Link to="/numbers">Numbers</Link>
        <Link to="/operate">Operate</Link>
      </nav>
      {status === undefined ? null : <Facts status={status} />}
      <div className="buttons">
        <PaletteOpener />
        <NewOrder />
        <Help />
        {session === undefined || session.expires_at === null ? null : <LogOut />}
      </div>
    </header>
  )
}

function NewOrder() {
  const navigate = useNavigate()
  useKeys({ n: () => void navigate({ to: '/new' }) })
  return (
    <Link to="/new" className="button" title="Key n">
      New order
    </Link>
  )
}

/** Whether orders are taken on, what runs and what today cost; each leads to where it is changed. */
function Facts({ status }: { status: Schemas['OrchestratorStatus'] }) {
  const { budget, states } = status
  const running = states.running === undefined ? 0 : states.running
  const today = budget?.today
  return (
    <ul className="facts">
      {budget?.emergency_stop.active === true ? (
        <li>
          <Link to="/operate/$part" params={{ part: 'service' }} className="warn">
            nothing is spent
          </Link>
        </li>
      ) : null}
      <li className={status.polling ? 'polling takes-on' : 'polling takes-nothing'}>
        {status.polling ? (
          <Link to="/operate/$part" params={{ part: 'service' }}>
            takes on orders
          </Link>
        ) : (
          <>
            <span className="warn">takes on nothing</span> <PollingSwitch status={status} startClass="" />
          </>
        )}
      </li>
      <li>
        <Link to="/operate/$part" params={{ part: 'workers' }}>
          {running} of {status.max_concurrent} running
        </Link>
      </li>
      {today === undefined ? null : (
        <li>
          <Link to="/operate/$part" params={{ part: 'caps' }}>
            <span className="wordy">today </span>
            {usd(today.spent_usd)}
            {today.hard_cap_usd === null ? null : <span className="wordy"> of {usd(today.hard_cap_usd)}</span>}
          </Link>
        </li>
      )}
    </ul>
  )
}

const SAID: Readonly<Record<string, string>> = {
  offline: 'This browser is offline. What is shown may be old; it goes on by itself when the network is back.',
  stopping: 'Moose is stopping. This page goes on by itself when it is back.',
  reconnecting: 'Moose does not answer. What is shown may be old; it is asked again and again.',
}

/** A service of the same machine is reached without a network too. */
function hearNetwork(onChange: () => void): () => void {
  window.addEventListener('online', onChange)
  window.addEventListener('offline', onChange)
  return () => {
    window.removeEventListener('online', onChange)
    window.removeEventListener('offline', onChange)
  }
}

function Connection() {
  const live = useLiveState()
  const isOnline = useSyncExternalStore(hearNetwork, () => navigator.onLine)
  const state = isOnline || live === 'live' ? live : 'offline'
  const said = SAID[state]
  return (
    <div role="status" aria-live="polite" data-live={state}>
      {said === undefined ? null : (
        <p className={`banner ${state}`}>
          {said}{' '}
          <button type="button" className="plain" onClick={() => void queryClient.invalidateQueries()}>
            Ask now
          </button>
        </p>
      )}
    </div>
  )
}
