import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { Numbers, NumbersQuery } from '../api/client.ts'
import { duration, shortId } from '../ui/words.tsx'
import { Bar, type ColumnOf, Interval, NumbersSection } from './data-table.tsx'
import { shown } from './money.tsx'

type PartProps = { numbers: Numbers; query: NumbersQuery }
type Rate = Pick<Numbers['rates'][number], 'count' | 'of' | 'rate' | 'low' | 'high' | 'enough'>

const count = (number: number) => number.toLocaleString('en')
const percent = (share: number) => `${Math.round(share * 100)} %`

const RATE_WORDS: Readonly<Record<string, string>> = {
  success: 'Attempts that opened a pull request',
  first_try: 'Without trying again',
  repair: 'Repaired, of those that tried again',
  merge: 'Pull requests that were merged',
}

/** Of a rate: the picture, the number, and between what it may lie. */
const RATE_COLUMNS: readonly ColumnOf<Rate>[] = [
  {
    head: '0 to 100 %',
    render: ({ rate, low, high, enough }) =>
      rate === null || low === null || high === null ? null : <Interval {...{ rate, low, high, enough }} />,
  },
  { head: 'Rate', render: ({ rate }) => (rate === null ? '–' : percent(rate)), isNumber: true },
  {
    head: 'Chance leaves',
    render: ({ low, high }) => (low === null || high === null ? '' : `${percent(low)} – ${percent(high)}`),
    isNumber: true,
  },
  { head: 'Of', render: (row) => `${count(row.count)} of ${count(row.of)}`, isNumber: true },
]

function enoughWords({ of, enough }: Rate): ReactNode {
  if (enough) return 'enough'
  return <span className="warn">{of === 0 ? 'nothing yet' : 'too few to rely on'}</span>
}

function revertWords(reverts: Numbers['reverts']): string {
  if (reverts === null)
    return 'How many merged changes were reverted is not known: that is looked for once an hour, first an hour after the merge.'
  return `${count(reverts)} of the merged changes ${reverts === 1 ? 'was' : 'were'} reverted since.`
}

export function Rates({ numbers: { rates, reverts }, query }: PartProps) {
  return (
    <>
      <NumbersSection
        name="rates"
        title="Rates"
        query={query}
        rows={rates}
        keyOf={({ name }) => name}
        columns={[
          { head: 'What', render: ({ name }) => RATE_WORDS[name] },
          ...RATE_COLUMNS,
          { head: 'Data', render: enoughWords },
        ]}
        nothing="Nothing has ended."
      />
      <p className="quiet numbers-note">Below 20 a rate says little. {revertWords(reverts)}</p>
    </>
  )
}

export function WhereTimeGoes({ numbers: { steps }, query }: PartProps) {
  const most = Math.max(...steps.map(({ share }) => Number(share)))
  return (
    <NumbersSection
      name="steps"
      title="Where time goes"
      query={query}
      rows={steps}
      keyOf={({ step }) => step}
      columns={[
        { head: 'Step', render: ({ step }) => (step === 'review' ? 'review, by people' : step) },
        { head: 'Share', render: ({ share }) => (share === null ? null : <Bar part={share} of={most} />) },
        { head: 'Of all steps', render: ({ share }) => (share === null ? '–' : percent(share)), isNumber: true },
        { head: 'Median', render: (row) => duration(row.median_ms), isNumber: true },
        { head: '9 of 10 within', render: (row) => duration(row.p90_ms), isNumber: true },
        { head: 'Times', render: (row) => count(row.count), isNumber: true },
      ]}
      nothing="No step has ended."
    />
  )
}

export function Failures({ numbers: { failures }, query }: PartProps) {
  const most = Math.max(...failures.map(({ attempts }) => attempts))
  return (
    <NumbersSection
      name="failures"
      title="Failures by kind"
      query={query}
      rows={failures}
      keyOf={({ code }) => code}
      columns={[
        { head: 'Code', render: ({ code }) => <code>{code}</code> },
        { head: 'Share', render: ({ attempts }) => <Bar part={attempts} of={most} /> },
        { head: 'Attempts', render: (row) => count(row.attempts), isNumber: true },
        { head: 'Orders', render: (row) => count(row.orders), isNumber: true },
        { head: 'Spent', render: (row) => shown(row.spent_usd), isNumber: true },
        {
          head: 'Latest',
          render: ({ latest_work_order_id: id }) => (
            <Link to="/orders/$id" params={{ id }}>
              {shortId(id)}
            </Link>
          ),
        },
      ]}
      nothing="No attempt has failed."
    />
  )
}

const VERDICT_WORDS: Readonly<Record<string, string>> = {
  too_few: 'too few to compare',
  alone: 'no other has enough',
  leads: 'above all others',
  not_apart: 'may be chance',
  behind: 'below the best',
}

export function Proposers({ numbers: { proposers }, query }: PartProps) {
  return (
    <>
      <NumbersSection
        name="proposers"
        title="Proposers compared by what was merged"
        query={query}
        rows={proposers}
        keyOf={({ proposer }) => proposer}
        columns={[
          { head: 'Proposer', render: ({ proposer }) => proposer },
          ...RATE_COLUMNS,
          { head: 'Spent / merged', render: (row) => shown(row.cost_per_merged_usd), isNumber: true },
          { head: 'Median', render: (row) => (row.median_ms === null ? '–' : duration(row.median_ms)), isNumber: true },
          { head: 'Compared', render: verdictOf },
        ]}
        nothing="No attempt says something about a model yet: merged, closed, or failed by what the model did."
      />
      <p className="quiet numbers-note">
        A difference counts once each has 20 attempts and their intervals lie apart. Orders are not given out by lot: an
        able proposer gets the harder ones.
      </p>
    </>
  )
}

function verdictOf({ verdict, replayed }: Numbers['proposers'][number]): ReactNode {
  const words = VERDICT_WORDS[verdict]
  return (
    <>
      <span className={verdict === 'too_few' ? 'warn' : undefined}>{words === undefined ? verdict : words}</span>
      {replayed === 0 ? null : <span className="quiet"> {count(replayed)} recordings left out</span>}
    </>
  )
}
