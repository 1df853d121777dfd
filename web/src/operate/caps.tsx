import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Schemas } from '../api/client.ts'
import { budgetQuery, projectsQuery } from '../api/queries.ts'
import { Failed, Loading } from '../ui/states.tsx'
import { shortId, usd } from '../ui/words.tsx'
import { CAPS, CapButton, type CapTarget, consequences, limitOf } from './cap-button.tsx'

type Budget = Schemas['Budget']
const ORDER: readonly CapTarget[] = ['day-soft', 'day', 'kill', 'month-soft', 'month', 'order', 'project']

/** What may be spent at most: by day, month, order and project. */
export function Caps() {
  const { data: budget, error, refetch } = useQuery(budgetQuery)
  if (budget === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (budget === undefined) return <Loading what="the caps" />
  return (
    <>
      <Worst budget={budget} />
      <Table
        label="Caps"
        heads={['Cap', 'Amount', 'Spent', 'Left', '']}
        rows={ORDER.map((target) => ({ key: target, cells: capCells(target, budget) }))}
      />
      <h2>Projects, this month</h2>
      <OfProjects budget={budget} />
      <h2>The dearest orders, this month</h2>
      {budget.orders.length === 0 ? (
        <p className="quiet">No order has cost anything this month.</p>
      ) : (
        <Table
          label="Caps of orders"
          heads={['Order', 'Amount', 'Spent', '']}
          rows={budget.orders.map((order) => ({ key: order.id, cells: orderCells(order, budget) }))}
        />
      )}
    </>
  )
}

/** What is said of the worst case, of the caps as they are. */
function Worst({ budget }: { budget: Budget }) {
  const [worst, ...problems] = consequences(
    { target: 'day', id: undefined, amount: budget.limits.daily_hard_cap },
    budget,
  )
  return (
    <section className="card" aria-label="At worst">
      <p>
        <strong>{worst}</strong>
      </p>
      {problems.map((problem) => (
        <p key={problem} className="warn">
          {problem}
        </p>
      ))}
      <p className="quiet">
        Before a call the most it can cost is reserved, and a call that could pass a cap is not made. So caps hold, also
        with many workers. A changed cap counts from the next call on; days and months are those of UTC.
      </p>
      {budget.unresolved.count === 0 ? null : (
        <p className="warn">
          {budget.unresolved.count === 1 ? '1 call' : `${budget.unresolved.count} calls`} (
          {usd(budget.unresolved.amount_usd)}) may have been charged or not; that counts as reserved until it is
          settled: <code>moose budget</code>
        </p>
      )}
    </section>
  )
}

type Row = { key: string; cells: readonly ReactNode[] }

function Table({ label, heads, rows }: { label: string; heads: readonly string[]; rows: readonly Row[] }) {
  return (
    <div className="facts-frame" role="region" aria-label={label} tabIndex={0}>
      <table className="facts-table">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head === '' ? <span className="hidden">Change</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key} data-row={key}>
              {cells.map((cell, index) => (
                // The columns stay where they are.
                // oxlint-disable-next-line react/no-array-index-key
                <td key={index} data-head={heads[index]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function capCells(target: CapTarget, budget: Budget): ReactNode[] {
  const { name, does } = CAPS[target]
  const cap = limitOf(target, budget)
  const period = target.startsWith('month') ? budget.this_month : budget.today
  const isPeriod = target !== 'order' && target !== 'project'
  const left = cap === null ? null : Math.max(0, cap - period.spent_usd - period.reserved_usd)
  return [
    <div key="name">
      <strong>{name}</strong>
      <p className="quiet">{does}</p>
    </div>,
    cap === null ? <span className="quiet">none</span> : usd(cap),
    isPeriod ? spentText(period) : '',
    isPeriod && left !== null ? <span className={left === 0 ? 'warn' : ''}>{usd(left)}</span> : '',
    <CapButton key="change" target={target} whose={name} current={cap} />,
  ]
}

function spentText({ spent_usd: spent, reserved_usd: reserved }: { spent_usd: number; reserved_usd: number }): string {
  return reserved === 0 ? usd(spent) : `${usd(spent)}, ${usd(reserved)} reserved`
}

function OfProjects({ budget }: { budget: Budget }) {
  const { data: projects } = useQuery(projectsQuery)
  if (projects === undefined) return <Loading what="the projects" />
  if (projects.length === 0) return <p className="quiet">There is no project.</p>
  const usual = budget.limits.project_monthly_cap
  const rows = projects.map(({ name, budget_usd: own }) => {
    const sums = budget.projects.find(({ project }) => project === name)
    const change = <CapButton key="change" target="project" id={name} whose={`the month of ${name}`} current={own} />
    const link = (
      <Link key="name" to="/operate/$part" params={{ part: 'projects' }} search={{ name }}>
        {name}
      </Link>
    )
    const cap = own === null ? (usual === null ? 'none' : `${usd(usual)}, the usual one`) : usd(own)
    return { key: name, cells: [link, cap, sums === undefined ? usd(0) : spentText(sums), change] }
  })
  return <Table label="Caps of projects" heads={['Project', 'Amount', 'Spent', '']} rows={rows} />
}

function orderCells({ id, title, cap_usd: cap, ...sums }: Budget['orders'][number], { limits }: Budget): ReactNode[] {
  const isUsual = cap === limits.order_cap
  return [
    title === null ? (
      <span key="order">
        <code>{shortId(id)}</code> was deleted
      </span>
    ) : (
      <Link key="order" to="/orders/$id" params={{ id }}>
        <code>{shortId(id)}</code> {title}
      </Link>
    ),
    cap === null ? 'none' : `${usd(cap)}${isUsual ? ', the usual one' : ''}`,
    spentText(sums),
    title === null ? (
      ''
    ) : (
      <CapButton key="change" target="order" id={id} whose={title} current={isUsual ? null : cap} />
    ),
  ]
}
