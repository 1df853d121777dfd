import './numbers.css'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Numbers, NumbersQuery } from '../api/client.ts'
import { numbersQuery } from '../api/queries.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { useNow } from '../ui/words.tsx'
import { CostOfMerges, SpentByDay, SpentByModel, SpentByMonth, SpentByProject, shown } from './money.tsx'
import { queryOf } from './range.ts'
import { RangePicker } from './range-picker.tsx'
import { Failures, Proposers, Rates, WhereTimeGoes } from './work.tsx'

const route = getRouteApi('/shell/numbers')
const MINUTE_MS = 60_000

/** What was spent in a range of days, and what came of it. */
export function NumbersPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  // A range that ends today begins anew with the day.
  const query = queryOf(search, useNow(MINUTE_MS))
  const { data, error, refetch, isPlaceholderData } = useQuery(numbersQuery(query))
  return (
    <>
      <title>Numbers · Moose</title>
      <h1>Numbers</h1>
      <RangePicker
        search={search}
        change={(changed) => void navigate({ search: changed, replace: true })}
        shown={data}
      />
      {data === undefined && error !== null ? <Failed error={error} retry={() => void refetch()} /> : null}
      {data === undefined && error === null ? <Loading what="the numbers" /> : null}
      {data === undefined ? null : (
        <div aria-busy={isPlaceholderData}>
          {isNothing(data) ? <NothingYet /> : <Parts numbers={data} query={query} />}
        </div>
      )}
    </>
  )
}

function isNothing({ totals, steps, failures, months }: Numbers): boolean {
  const isSpent = months.some(({ spent_usd: spent, reserved_usd: reserved }) => Number(spent) + Number(reserved) > 0)
  return totals.calls === 0 && totals.merged === 0 && steps.length === 0 && failures.length === 0 && !isSpent
}

function NothingYet() {
  return (
    <Empty>
      <p>Nothing was spent and nothing has ended in these days.</p>
      <p className="quiet">
        Once orders run, here are: what each day, project and model cost against the caps; what a merged pull request
        costs; how many attempts succeed, are repaired and merged; where time goes; why attempts failed; and proposers
        compared.
      </p>
    </Empty>
  )
}

function Parts({ numbers, query }: { numbers: Numbers; query: NumbersQuery }) {
  const part = { numbers, query }
  return (
    <>
      <Totals numbers={numbers} />
      <SpentByDay {...part} />
      <CostOfMerges {...part} />
      <div className="numbers-pair">
        <SpentByMonth {...part} />
        <SpentByProject {...part} />
      </div>
      <SpentByModel {...part} />
      <Rates {...part} />
      <div className="numbers-pair">
        <WhereTimeGoes {...part} />
        <Failures {...part} />
      </div>
      <Proposers {...part} />
    </>
  )
}

function Totals({ numbers: { totals, rates } }: { numbers: Numbers }) {
  const success = rates.find(({ name }) => name === 'success')
  const rate = success?.rate
  const facts: [name: string, value: string, more: string][] = [
    [
      'Spent',
      shown(totals.spent_usd),
      Number(totals.reserved_usd) === 0
        ? `${totals.calls.toLocaleString('en')} calls`
        : `${shown(totals.reserved_usd)} reserved`,
    ],
    ['Merged', totals.merged.toLocaleString('en'), `${totals.attempts.toLocaleString('en')} attempts ended`],
    [
      'A merged pull request',
      shown(totals.cost_per_merged_usd),
      `${shown(totals.spent_per_merged_usd)} with all that was spent`,
    ],
    [
      'Success',
      rate === undefined || rate === null ? '–' : `${Math.round(rate * 100)} %`,
      success?.enough === true ? `of ${success.of.toLocaleString('en')} attempts` : 'too few attempts to rely on',
    ],
  ]
  return (
    <dl className="totals">
      {facts.map(([name, value, more]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="total">{value}</dd>
          <dd className="quiet">{more}</dd>
        </div>
      ))}
    </dl>
  )
}
