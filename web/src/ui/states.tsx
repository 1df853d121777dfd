import { Link } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { ApiFault, isUnanswered } from '../api/client.ts'
import { WithTimes } from './with-times.tsx'
import { shortId } from './words.tsx'

/** While the first answer is awaited: in the place of what will come, and about as high as it. */
export function Loading({ what, rows = 5 }: { what: string; rows?: number }) {
  return (
    <div role="status">
      <span className="hidden">Loading {what} …</span>
      <Skeleton rows={rows} shape="cards" />
    </div>
  )
}

/** The place of what is awaited, without a word: for a part of a view beside others. */
export function Skeleton({ rows, shape = 'lines' }: { rows: number; shape?: 'lines' | 'cards' }) {
  return (
    <div className={`skeleton ${shape}`} aria-hidden="true">
      {Array.from({ length: rows }, (_, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <span key={index} />
      ))}
    </div>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="empty">{children}</div>
}

/** What failed, and the way to try again; what is not there needs no second try. */
export function Failed({ error, retry }: { error: Error; retry: () => void }) {
  const isMissing = error instanceof ApiFault && error.code.endsWith('not_found')
  return (
    <div className="failure-box" role="alert">
      <h2>{isMissing ? 'It is not here' : isUnanswered(error) ? 'Moose does not answer' : 'That went wrong'}</h2>
      <p className={isMissing ? '' : 'failure'}>{error.message}</p>
      <div className="buttons">
        {isMissing ? (
          <>
            <Link className="button primary" to="/orders">
              All orders
            </Link>
            <Link className="button" to="/">
              Inbox
            </Link>
          </>
        ) : (
          <button type="button" className="primary" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  )
}

const STATE_WORDS: Readonly<Record<string, string>> = {
  unapproved: 'to approve',
  waiting: 'waiting',
  running: 'running',
  review: 'in review',
  blocked: 'blocked',
  failed: 'failed',
  completed: 'completed',
  cancelled: 'cancelled',
}

/** The state in words; the colour only repeats it. */
export function StateBadge({ state }: { state: string }) {
  const words = STATE_WORDS[state]
  return <span className={`badge ${words === undefined ? 'other' : state}`}>{words === undefined ? state : words}</span>
}

/** A command to type, which is selected as a whole, or copied. */
export function CommandLine({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      // The browser does not let the page: it can still be selected.
      () => setCopied(false),
    )
  }
  return (
    <span className="command">
      <code>{text}</code>
      {canCopy ? (
        <button type="button" className="plain" aria-label={`${isCopied ? 'Copied' : 'Copy'}: ${text}`} onClick={copy}>
          {isCopied ? 'copied' : 'copy'}
        </button>
      ) : null}
    </span>
  )
}

/** Not on a page without TLS that comes from another machine. */
const canCopy = window.isSecureContext

type Evidence = readonly { name: string; text: string }[]

/** As the evidence begins that names another order. */
const ORDER = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(, .*)$/s

function EvidenceText({ text }: { text: string }) {
  const [, id, rest] = ORDER.exec(text) ?? []
  if (id === undefined || rest === undefined) return <WithTimes text={text} />
  return (
    <>
      <Link to="/orders/$id" params={{ id }}>
        {shortId(id)}
      </Link>
      <WithTimes text={rest} />
    </>
  )
}

/** What an answer is concluded from. */
export function EvidenceList({ evidence }: { evidence: Evidence }) {
  if (evidence.length === 0) return null
  return (
    <dl className="evidence">
      {evidence.map(({ name, text }, index) => (
        // Two may have the same name, and none moves.
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index}>
          <dt>{name}</dt>
          <dd>
            <EvidenceText text={text} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
