import type { OrderDetail } from '../api/client.ts'
import { Criteria } from './criteria.tsx'

/** What the order asks for, as it was written. */
export function Asked({ order }: { order: OrderDetail }) {
  const { description, files_in_scope: files, context, approval, filed_by: filedBy } = order
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
      {context.length === 0 ? null : (
        <>
          <h2>Files to read</h2>
          <ul className="paths">
            {context.map((file) => (
              <li key={file}>
                <code>{file}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      <Shown order={order} />
      <dl className="evidence">
        <div>
          <dt>risk</dt>
          <dd>{order.risk_level}</dd>
        </div>
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

const WHY_SHOWN: Readonly<Record<string, string>> = {
  scope: 'in scope',
  guidance: 'guidance',
  context: 'to be read',
  import: 'imported',
}

/** What the model saw of the repository when it made the change; nothing before there is one. */
function Shown({ order: { evidence } }: { order: OrderDetail }) {
  if (evidence === null || evidence === undefined || evidence.shown.length === 0) return null
  return (
    <details>
      <summary>{evidence.shown.length} files were shown to the model</summary>
      <ul className="paths">
        {evidence.shown.map(({ path, why, bytes, part }) => (
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
  )
}
