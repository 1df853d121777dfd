import type { ReactNode } from 'react'
import type { NumbersQuery } from '../api/client.ts'

export type ColumnOf<Row> = {
  head: string
  render: (row: Row) => ReactNode
  /** Numbers stand to the right. */
  isNumber?: boolean
}

type TableProps<Row> = {
  /** The name of the table in the API. */
  name: string
  title: string
  query: NumbersQuery
  rows: readonly Row[]
  keyOf: (row: Row) => string
  columns: readonly ColumnOf<Row>[]
  /** What stands there while there is no row. */
  nothing: string
  children?: ReactNode
}

/** A part of the numbers: its chart, if it has one, beside its table, with the same table as a file. */
export function NumbersSection<Row>({ name, title, query, children, ...table }: TableProps<Row>) {
  const hasChart = children !== undefined && table.rows.length > 0
  return (
    <section className={hasChart ? 'numbers charted' : 'numbers'} aria-labelledby={`title-${name}`}>
      <header>
        <h2 id={`title-${name}`}>{title}</h2>
        {table.rows.length === 0 ? null : (
          <a className="button" href={csvPath(name, query)} download aria-label={`CSV of ${title}`}>
            CSV
          </a>
        )}
      </header>
      {hasChart ? children : null}
      {table.rows.length === 0 ? <p className="quiet">{table.nothing}</p> : <DataTable title={title} {...table} />}
    </section>
  )
}

function csvPath(name: string, query: NumbersQuery): string {
  return `/api/numbers/${name}?${new URLSearchParams({ format: 'csv', ...query }).toString()}`
}

type DataTableProps<Row> = Pick<TableProps<Row>, 'title' | 'rows' | 'keyOf' | 'columns'>

/** It scrolls by itself, so it takes the focus: keys scroll what has it. */
function DataTable<Row>({ title, rows, keyOf, columns }: DataTableProps<Row>) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="table-box" role="region" aria-label={`Table: ${title}`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ head, isNumber }) => (
              <th key={head} scope="col" className={isNumber === true ? 'number' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, render, isNumber }) => (
                <td key={head} className={isNumber === true ? 'number' : undefined}>
                  {render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** How much of the whole; the number stands beside it. */
export function Bar({ part, of }: { part: number; of: number }) {
  return (
    <svg className="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect className="bar-ground" width="100" height="10" />
      <rect className="bar-part" width={of === 0 ? 0 : Math.min(100, (part / of) * 100)} height="10" />
    </svg>
  )
}

type IntervalProps = { rate: number; low: number; high: number; enough: boolean }

/** A rate between none and all, with what chance leaves open; the numbers stand beside it. */
export function Interval({ rate, low, high, enough }: IntervalProps) {
  return (
    <svg
      className={enough ? 'interval' : 'interval few'}
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect className="bar-ground" width="100" height="10" />
      <rect className="interval-span" x={low * 100} width={(high - low) * 100} y="2" height="6" />
      <rect className="interval-rate" x={Math.min(98, Math.max(0, rate * 100 - 1))} width="2" height="10" />
    </svg>
  )
}
