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
