import { Link } from '@tanstack/react-router'
import type { OrderDetail } from '../api/client.ts'
import { Criteria } from './criteria.tsx'

/** What the order asks for, as it was written. */
export function Asked({ order }: { order: OrderDetail }) {
  const { description, files_in_scope: files, approval, filed_by: filedBy } = order
  return (
    <div className="asked">
      {description === '' ? <p className="quiet">It has no description.</p> : <p className="text">{description}</p>}
      <h2>Acceptance criteria</h2>
      <Criteria order={order} />
      <h2>Files that may change</h2>
      {files.length === 0 ? (
        <p className="warn">None is named: it fails as soon as it is run.</p>
      ) : (
        <ul className="paths">
          {files.map((file) => (
            <li key={file}>
              <code>{file}</code>
            </li>
          ))}
        </ul>
      )}
      <ToBeRead order={order} />
      <Shown order={order} />
      <dl className="evidence">
        <div>
          <dt>risk</dt>
          <dd>{riskOf(order)}</dd>
        </div>
        {order.depends_on.length === 0 ? null : (
          <div>
            <dt>depends on</dt>
            <dd>
              {order.depends_on.map((id) => (
                <Link key={id} to="/orders/$id" params={{ id }}>
                  {id.slice(0, 8)}
                  {stateWord(order, id)}{' '}
                </Link>
              ))}
            </dd>
          </div>
        )}
        {filedBy === null || filedBy === undefined ? null : (
          <div>
            <dt>filed by</dt>
            <dd>{filedBy}</dd>
          </div>
        )}
        {approval === null || approval === undefined ? null : (
          <div>
            <dt>approved by</dt>
            <dd>
              {approval.actor.kind}:{approval.actor.name}
            </dd>
          </div>
        )}
      </dl>
    </div>
  )
}

/** Where an order stands that it depends on. */
function stateWord({ dependencies = [] }: OrderDetail, id: string): string {
  const found = dependencies.find((one) => one.id === id)
  if (found === undefined) return ''
  return ` (${found.status === null ? 'gone' : found.status.replaceAll('_', ' ')})`
}

/** The files to read, with those that no model can be shown. */
function ToBeRead({ order: { context, missing_context: missing = [] } }: { order: OrderDetail }) {
  if (context.length === 0) return null
  return (
    <>
      <h2>Files to read</h2>
      <ul className="paths">
        {context.map((file) => (
          <li key={file}>
            <code>{file}</code>
            {missing.includes(file) ? (
              <span className="warn"> not in the base commit: no model is shown it</span>
            ) : null}
          </li>
        ))}
      </ul>
    </>
  )
}

const WHY_SHOWN: Readonly<Record<string, string>> = {
  scope: 'in scope',
  guidance: 'guidance',
  context: 'to be read',
  import: 'imported',
}

/** What each attempt showed a model of the repository, however it ended; nothing before one has asked. */
function Shown({ order: { attempt_history: attempts } }: { order: OrderDetail }) {
  const told = attempts.flatMap(({ number, shown = [] }) => (shown.length === 0 ? [] : [{ number, shown }]))
  return told.map(({ number, shown }) => (
    <details key={number}>
      <summary>
        {shown.length} {shown.length === 1 ? 'file was' : 'files were'} shown to the model
        {told.length === 1 ? '' : ` in attempt ${number}`}
      </summary>
      <ul className="paths">
        {shown.map(({ path, why, bytes, part }) => (
          <li key={path}>
            <code>{path}</code>{' '}
            <span className="quiet">
              {WHY_SHOWN[why] ?? why}, {part === null ? '' : 'the first '}
              {bytes} bytes
            </span>
          </li>
        ))}
      </ul>
    </details>
  ))
}

/** By the Director's rules, with why, and as what it was filed where that differs. */
function riskOf({ risk, risk_level: filed }: OrderDetail): string {
  if (risk === undefined) return `filed as ${filed}`
  const why = risk.reasons.length === 0 ? '' : `: ${risk.reasons.map(({ reason }) => reason).join('; ')}`
  return `${risk.level}${why}${risk.level === filed ? '' : `. Filed as ${filed}`}`
}
