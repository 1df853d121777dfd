import { useState } from 'react'
import { type OrderCheck, sentenceOf } from '../order-form/checking.ts'
import { usd } from '../ui/words.tsx'

/** Rows that are shown at first. */
const FIRST_ROWS = 200

/** What each order of the file would be; those that have to be corrected first. */
export function ImportTable({ orders }: { orders: readonly OrderCheck[] }) {
  const [showsAll, setShowsAll] = useState(false)
  if (orders.length === 0) return null
  const sorted = [
    ...orders.filter(({ problems }) => problems.length > 0),
    ...orders.filter(({ problems }) => problems.length === 0),
  ]
  const shown = showsAll ? sorted : sorted.slice(0, FIRST_ROWS)
  return (
    <>
      {/* Focusable, because it may scroll. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="import-scroll" role="region" aria-label="Orders of the file" tabIndex={0}>
        <table className="import-table">
          <thead>
            <tr>
              {['Line', 'Order', 'Files', 'Risk', 'At most', 'Verified'].map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((order, index) => (
              // Two may be the same, and none moves.
              // oxlint-disable-next-line react/no-array-index-key
              <OrderRow key={index} check={order} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === sorted.length ? null : (
        <button type="button" onClick={() => setShowsAll(true)}>
          Show all {sorted.length}
        </button>
      )}
    </>
  )
}

function OrderRow({ check }: { check: OrderCheck }) {
  const { line, title, order, problems, warnings, project, worst_case_usd: worst } = check
  const lineOf = (at: number | null) => (at === null || at === line ? '' : `Line ${at}: `)
  return (
    <tr className={problems.length > 0 ? 'import-wrong' : ''}>
      <td className="number">{line}</td>
      <td>
        {title === null || title === '' ? <span className="quiet">without a title</span> : title}
        {project === null ? null : <span className="quiet"> {project}</span>}
        {order?.approved === true ? <span className="warn"> approved in the file</span> : null}
        {problems.map((problem) => (
          <p key={`${problem.field} ${problem.reason}`} className="failure">
            {lineOf(problem.line)}
            {sentenceOf(problem)}
          </p>
        ))}
        {warnings.map((warning) => (
          <p key={`${warning.field} ${warning.reason}`} className="warn">
            {lineOf(warning.line)}
            {sentenceOf(warning)}
          </p>
        ))}
      </td>
      <td>
        {order?.files_in_scope?.map((file) => (
          <code key={file} className="import-file">
            {file}
          </code>
        ))}
      </td>
      <td>{order?.risk_level}</td>
      <td className="number">{worst === null ? (order === null ? '' : 'no cap') : usd(worst)}</td>
      <td>{verifiedOf(check)}</td>
    </tr>
  )
}

function verifiedOf({ order, verification }: OrderCheck): string {
  if (order === null) return ''
  if (verification === null) return 'not known yet'
  if (verification.checks === 0) return 'by no check'
  const criteria = order.acceptance_criteria === undefined ? 0 : order.acceptance_criteria.length
  const checks = verification.checks === 1 ? 'one check' : `${verification.checks} checks`
  return criteria === 0 ? checks : `${checks}; ${criteria - verification.unproved.length} of ${criteria} criteria`
}
