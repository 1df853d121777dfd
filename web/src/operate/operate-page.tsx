import { Link, useParams } from '@tanstack/react-router'
import { Suspense } from 'react'
import { Empty, Loading } from '../ui/states.tsx'
import './operate.css'
import { PARTS } from './parts.tsx'

/** On a phone the parts are wider than the window. */
function toSight(tab: HTMLElement | null): void {
  tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

/** What is set and switched, part by part; each part has an address. */
export function OperatePage() {
  const { part } = useParams({ strict: false })
  const shown = part === undefined ? PARTS[0] : PARTS.find((one) => one.part === part)
  return (
    <>
      <title>{shown === undefined ? 'Operate · Moose' : `${shown.title} · Operate · Moose`}</title>
      <h1>Operate</h1>
      <nav className="tabs" aria-label="Parts of Operate">
        {PARTS.map(({ part: name, title }) => (
          <Link
            key={name}
            to="/operate/$part"
            params={{ part: name }}
            className="operate-tab"
            aria-current={name === shown?.part ? 'page' : undefined}
            ref={name === shown?.part ? toSight : undefined}
          >
            {title}
          </Link>
        ))}
      </nav>
      {shown === undefined ? (
        <Empty>There is no such part.</Empty>
      ) : (
        <section key={shown.part} className="panel" aria-label={shown.title}>
          <Suspense fallback={<Loading what={shown.title.toLowerCase()} />}>{shown.show()}</Suspense>
        </section>
      )}
    </>
  )
}
