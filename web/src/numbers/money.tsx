import type { Numbers, NumbersQuery } from '../api/client.ts'
import { usd } from '../ui/words.tsx'
import { ColumnChart } from './column-chart.tsx'
import { Bar, type ColumnOf, NumbersSection } from './data-table.tsx'
import { shortDay } from './range.ts'

type PartProps = { numbers: Numbers; query: NumbersQuery }

/** Amounts come as decimals, and are numbers for the eye alone. */
export function shown(amount: string | null): string {
  return amount === null ? '–' : usd(Number(amount))
}

function reservedToo(amount: string): string {
  return Number(amount) === 0 ? '' : ` and ${shown(amount)} reserved`
}

const count = (number: number) => number.toLocaleString('en')

const SPENT = { head: 'Spent', render: (row: { spent_usd: string }) => shown(row.spent_usd), isNumber: true }
const RESERVED = {
  head: 'Reserved',
  render: (row: { reserved_usd: string }) => shown(row.reserved_usd),
  isNumber: true,
}
const CALLS = { head: 'Calls', render: (row: { calls: number }) => count(row.calls), isNumber: true }

export function SpentByDay({ numbers: { days, day_caps: caps, tz, project }, query }: PartProps) {
  const columns = days.map((row) => ({
    key: row.day,
    label: shortDay(row.day),
    value: Number(row.spent_usd),
    more: Number(row.reserved_usd),
    mark: null,
    words: `${shortDay(row.day)}: ${shown(row.spent_usd)} spent${reservedToo(row.reserved_usd)}, ${count(row.calls)} calls`,
  }))
  const hasCaps = tz === 'UTC' && project === null && caps !== null
  const limits = !hasCaps
    ? []
    : [
        { words: `cap ${shown(caps.hard_cap_usd)}`, usd: caps.hard_cap_usd },
        { words: `warns at ${shown(caps.soft_cap_usd)}`, usd: caps.soft_cap_usd },
      ].flatMap(({ words, usd: amount }) => (amount === null ? [] : [{ words, value: Number(amount) }]))
  return (
    <NumbersSection
      name="days"
      title="Spent by day"
      query={query}
      rows={days.toReversed()}
      keyOf={({ day }) => day}
      columns={[{ head: tz === 'UTC' ? 'Day' : `Day in ${tz}`, render: ({ day }) => day }, SPENT, RESERVED, CALLS]}
      nothing="Nothing was spent."
    >
      <div>
        <ColumnChart
          what={`Spent on each of ${days.length} days, ${shown(sumOf(days))} in all; the table has every day`}
          along="Day of the chart"
          columns={columns}
          limits={limits}
          format={usd}
        />
        <p className="quiet">{capWords(tz, project, limits)}</p>
      </div>
    </NumbersSection>
  )
}

function sumOf(days: Numbers['days']): string {
  return String(days.reduce((all, { spent_usd: spent }) => all + Number(spent), 0))
}

function capWords(tz: string, project: string | null, limits: readonly { words: string }[]): string {
  if (project !== null) return 'The caps of a day are for all projects together.'
  if (tz !== 'UTC') return 'The caps of a day count days in UTC, and are not drawn here.'
  return limits.length === 0
    ? 'A day has no cap.'
    : `A day: ${limits.map(({ words }) => words).join(', ')}, as it is now.`
}

export function SpentByMonth({ numbers: { months, project }, query }: PartProps) {
  const ofCap = ({ spent_usd: spent, reserved_usd: reserved, hard_cap_usd: cap }: Numbers['months'][number]) =>
    cap === null ? null : <Bar part={Number(spent) + Number(reserved)} of={Number(cap)} />
  const columns: readonly ColumnOf<Numbers['months'][number]>[] = [
    { head: 'Month', render: ({ month }) => month },
    { head: 'Of the cap', render: ofCap },
    SPENT,
    RESERVED,
    {
      head: 'Warns at',
      render: (row) => (row.soft_cap_usd === null ? 'never' : shown(row.soft_cap_usd)),
      isNumber: true,
    },
    { head: 'Cap', render: (row) => (row.hard_cap_usd === null ? 'none' : shown(row.hard_cap_usd)), isNumber: true },
  ]
  const title =
    project === null ? 'Whole months in UTC, against their cap' : `Whole months in UTC of ${project}, against its cap`
  return (
    <NumbersSection
      name="months"
      title={title}
      query={query}
      rows={months.toReversed()}
      keyOf={({ month }) => month}
      columns={columns}
      nothing="Nothing was spent."
    />
  )
}

export function SpentByProject({ numbers: { projects }, query }: PartProps) {
  const most = Math.max(...projects.map(({ spent_usd: spent }) => Number(spent)))
  return (
    <NumbersSection
      name="projects"
      title="Spent by project"
      query={query}
      rows={projects}
      keyOf={(row) => `${row.project}`}
      columns={[
        {
          head: 'Project',
          render: (row) => (row.project === null ? <span className="quiet">none, or gone</span> : row.project),
        },
        { head: 'Share', render: (row) => <Bar part={Number(row.spent_usd)} of={most} /> },
        SPENT,
        RESERVED,
        CALLS,
        {
          head: 'This month, of its cap',
          render: (row) =>
            `${shown(row.month_usd)} of ${row.month_cap_usd === null ? 'no cap' : shown(row.month_cap_usd)}`,
          isNumber: true,
        },
      ]}
      nothing="Nothing was spent."
    />
  )
}

export function SpentByModel({ numbers: { models }, query }: PartProps) {
  const most = Math.max(...models.map(({ spent_usd: spent }) => Number(spent)))
  return (
    <NumbersSection
      name="models"
      title="Spent by model"
      query={query}
      rows={models}
      keyOf={(row) => [row.proposer, row.provider, row.model].join(' ')}
      columns={[
        { head: 'Proposer', render: ({ proposer }) => proposer },
        { head: 'Model', render: ({ provider, model }) => `${provider}/${model}` },
        { head: 'Share', render: (row) => <Bar part={Number(row.spent_usd)} of={most} /> },
        SPENT,
        RESERVED,
        CALLS,
        { head: 'Tokens in', render: (row) => count(row.input_tokens), isNumber: true },
        { head: 'Tokens out', render: (row) => count(row.output_tokens), isNumber: true },
      ]}
      nothing="No model was called."
    />
  )
}

export function CostOfMerges({ numbers: { merges }, query }: PartProps) {
  const rows = merges.filter(({ merged, spent_usd: spent }) => merged > 0 || Number(spent) > 0)
  const isByWeek = merges.some(({ from, to }) => from !== to)
  const span = ({ from, to }: { from: string; to: string }) =>
    from === to ? shortDay(from) : `${shortDay(from)} – ${shortDay(to)}`
  const columns = merges.map((row) => ({
    key: row.from,
    label: shortDay(row.from),
    value: Number(row.cost_per_merged_usd),
    more: 0,
    mark: row.spent_per_merged_usd === null ? null : Number(row.spent_per_merged_usd),
    words:
      row.merged === 0
        ? `${span(row)}: nothing merged, ${shown(row.spent_usd)} spent`
        : `${span(row)}: ${count(row.merged)} merged at ${shown(row.cost_per_merged_usd)} each, ${shown(row.spent_per_merged_usd)} with all that was spent`,
  }))
  return (
    <NumbersSection
      name="merges"
      title="Cost of a merged pull request"
      query={query}
      rows={rows.toReversed()}
      keyOf={({ from }) => from}
      columns={[
        { head: isByWeek ? 'Week' : 'Day', render: span },
        { head: 'Merged', render: (row) => count(row.merged), isNumber: true },
        { head: 'Each', render: (row) => shown(row.cost_per_merged_usd), isNumber: true },
        { head: 'With all spent', render: (row) => shown(row.spent_per_merged_usd), isNumber: true },
      ]}
      nothing="Nothing was merged and nothing was spent."
    >
      <div>
        <ColumnChart
          what={`What a merged pull request has cost, by ${isByWeek ? 'week' : 'day'}; the table has every one`}
          along={`${isByWeek ? 'Week' : 'Day'} of the chart`}
          columns={columns}
          limits={[]}
          format={usd}
        />
        <p className="quiet">
          The columns are all that the merged orders have ever cost, failed attempts too. The lines are all that was
          spent in these days, so that work that was never merged counts.
        </p>
      </div>
    </NumbersSection>
  )
}
