import type { BudgetMergedBy } from '../../contract/budget.ts'
import {
  type FailuresOfKind,
  type MergedInDays,
  type NamedRate,
  type Numbers,
  type NumbersTable,
  type ProposerCompared,
  type Rate,
  TABLE_NAMES,
} from '../../contract/numbers.ts'
import { shownUsd, Usd } from '../../money.ts'
import { duration, shortId } from './humanize.ts'
import type { Output } from './output.ts'
import { fittedTable } from './table.ts'
import { oneLine } from './terminal-text.ts'

type Style = Pick<Output, 'paint' | 'columns' | 'hint'>

const LONGEST_NAME = 40
const BAR = 20
const INDENT = '  '

const usd = (amount: string | number | null): string => (amount === null ? '–' : shownUsd(new Usd(amount)))
const count = (number: number): string => number.toLocaleString('en')
const name = (text: string | null): string => (text === null ? 'without a project' : oneLine(text, LONGEST_NAME))

/** All tables, for people; of days and weeks only those in which something happened. */
export function numbersPage(numbers: Numbers, style: Style): string {
  const { from, to, tz, project, totals } = numbers
  const { paint } = style
  const whose = project === null ? 'all projects' : oneLine(project, LONGEST_NAME)
  const sums = [
    `${usd(totals.spent_usd)} spent`,
    ...(isNothing(totals.reserved_usd) ? [] : [`${usd(totals.reserved_usd)} reserved`]),
    `${count(totals.calls)} calls`,
    `${count(totals.merged)} merged`,
    `${usd(totals.cost_per_merged_usd)} a merged pull request`,
    `${usd(totals.spent_per_merged_usd)} with all that was spent`,
  ]
  const head = [
    `${paint.bold('Numbers')}  ${from} to ${to} ${oneLine(tz, LONGEST_NAME)}  ${paint.dim(whose)}`,
    sums.join(paint.dim(' · ')),
  ]
  const tables = TABLE_NAMES.map((table) => tablePage(busy(numbers), table, style)).filter((text) => text !== '')
  return [head.join('\n'), ...tables, paint.dim(`${revertsText(numbers)}${unverifiedText(numbers)}`)].join('\n\n')
}

const WHEN_LOOKED = 'Reverts are looked for once an hour, first an hour after the merge.'

function revertsText({ reverts }: Numbers): string {
  if (reverts === null)
    return `How many merged changes were reverted is not known: none was looked at for that. ${WHEN_LOOKED}`
  return `${count(reverts)} of the merged changes ${reverts === 1 ? 'was' : 'were'} reverted since.`
}

function unverifiedText({ merged_unverified: others }: Numbers): string {
  return others === 0
    ? ''
    : ` ${count(others)} more ${others === 1 ? 'was' : 'were'} merged at a commit that was not verified.`
}

/** What a merged pull request cost, by project, proposer and kind of change. */
function mergedByTable(rows: readonly (Numbers['merged_by'][number] | BudgetMergedBy)[]): Shown {
  return {
    title: 'A merged pull request by project, proposer and kind of change',
    heads: ['BY', '', 'MERGED', 'A MERGED ONE', 'REPAIRS', 'REVIEWS', 'REVERTED'],
    rows: rows.map((row) => [
      row.by,
      row.name === null ? 'not known' : name(row.name),
      count(row.merged),
      usd(row.cost_per_merged_usd),
      count(row.repairs),
      count(row.review_rounds),
      row.reverted === null ? 'not known' : count(row.reverted),
    ]),
  }
}

function busy(numbers: Numbers): Numbers {
  return {
    ...numbers,
    days: numbers.days.filter(({ calls, ...sums }) => calls > 0 || !isNothing(sums.spent_usd, sums.reserved_usd)),
    merges: numbers.merges.filter(({ merged, spent_usd: spent }) => merged > 0 || !isNothing(spent)),
  }
}

function isNothing(...amounts: readonly string[]): boolean {
  return amounts.every((amount) => new Usd(amount).isZero())
}

type Shown = { title: string; heads: string[]; rows: string[][] }

/** One table; empty where there is no row. */
export function tablePage(numbers: Numbers, table: NumbersTable, style: Style): string {
  return shownTable(SHOWN[table](numbers), style)
}

/** What a merged pull request cost lately, by project, proposer and kind of change; empty where none was merged. */
export function mergedPage(rows: readonly BudgetMergedBy[], style: Style): string {
  const { title, ...rest } = mergedByTable(rows)
  const shown = shownTable({ title: `${title}, in 30 days`, ...rest }, style)
  return rows.some(({ reverted }) => reverted === null)
    ? `${shown}\n${style.paint.dim(`${INDENT}${WHEN_LOOKED}`)}`
    : shown
}

function shownTable({ title, heads, rows }: Shown, { paint, columns }: Style): string {
  if (rows.length === 0) return ''
  const lines = [heads.map((head) => paint.dim(head)), ...rows]
  const aligned = fittedTable(lines, columns === null ? null : columns - INDENT.length).split('\n')
  return [paint.dim(title), ...aligned.map((line) => INDENT + line)].join('\n')
}

const SHOWN: Readonly<Record<NumbersTable, (numbers: Numbers) => Shown>> = {
  days: ({ days, day_caps: caps, tz }) => ({
    title: `Spent by day${caps === null || caps.hard_cap_usd === null ? '' : `, of at most ${usd(caps.hard_cap_usd)} a day in UTC`}`,
    heads: [tz === 'UTC' ? 'DAY' : 'DAY THERE', '', 'SPENT', 'RESERVED', 'CALLS'],
    rows: withBars(days, ({ spent_usd: spent }) => Number(spent)).map(([bar, day]) => [
      day.day,
      bar,
      usd(day.spent_usd),
      isNothing(day.reserved_usd) ? '' : usd(day.reserved_usd),
      count(day.calls),
    ]),
  }),
  months: ({ months }) => ({
    title: 'Spent by whole month in UTC',
    heads: ['MONTH', 'SPENT', 'RESERVED', 'WARNS AT', 'CAP'],
    rows: months.map((row) => [
      row.month,
      usd(row.spent_usd),
      usd(row.reserved_usd),
      usd(row.soft_cap_usd),
      row.hard_cap_usd === null ? 'none' : usd(row.hard_cap_usd),
    ]),
  }),
  projects: ({ projects }) => ({
    title: 'Spent by project',
    heads: ['PROJECT', 'SPENT', 'RESERVED', 'CALLS', 'THIS MONTH', 'CAP OF A MONTH'],
    rows: projects.map((row) => [
      name(row.project),
      usd(row.spent_usd),
      usd(row.reserved_usd),
      count(row.calls),
      usd(row.month_usd),
      row.month_cap_usd === null ? 'none' : usd(row.month_cap_usd),
    ]),
  }),
  models: ({ models }) => ({
    title: 'Spent by model',
    heads: ['PROPOSER', 'MODEL', 'SPENT', 'RESERVED', 'CALLS', 'TOKENS IN', 'OUT'],
    rows: models.map((row) => [
      name(row.proposer),
      name(`${row.provider}/${row.model}`),
      usd(row.spent_usd),
      usd(row.reserved_usd),
      count(row.calls),
      count(row.input_tokens),
      count(row.output_tokens),
    ]),
  }),
  merges: ({ merges }) => ({
    title: 'Cost of merged pull requests',
    heads: ['DAYS', 'MERGED', 'A MERGED ONE', 'WITH ALL SPENT'],
    rows: merges.map((row) => [
      spanOf(row),
      count(row.merged),
      usd(row.cost_per_merged_usd),
      usd(row.spent_per_merged_usd),
    ]),
  }),
  merged_by: ({ merged_by: rows }) => mergedByTable(rows),
  rates: ({ rates }) => ({
    title: 'Rates, with the interval that chance leaves (95 %)',
    heads: ['RATE', '', '', 'OF', ''],
    rows: rates.map((row) => [RATE_WORDS[row.name], ...rateCells(row)]),
  }),
  steps: ({ steps }) => ({
    title: 'Where time goes',
    heads: ['STEP', '', 'OF ALL', 'MEDIAN', '9 OF 10 WITHIN', 'TIMES'],
    rows: withBars(steps, ({ share }) => Number(share)).map(([bar, row]) => [
      name(row.step),
      bar,
      row.share === null ? '' : percent(row.share),
      duration(row.median_ms),
      duration(row.p90_ms),
      count(row.count),
    ]),
  }),
  failures: ({ failures }) => ({
    title: 'Failures by kind',
    heads: ['CODE', '', 'ATTEMPTS', 'ORDERS', 'SPENT', 'LATEST'],
    rows: withBars(failures, ({ attempts }) => attempts).map(([bar, row]) => [
      name(row.code),
      bar,
      ...failureCells(row),
    ]),
  }),
  proposers: ({ proposers }) => ({
    title: 'Proposers compared: merged, of attempts that say something about the model',
    heads: ['PROPOSER', 'MERGED', '', 'OF', '', 'SPENT / MERGED', 'MEDIAN', 'COMPARED'],
    rows: proposers.map((row) => [
      name(row.proposer),
      ...rateCells(row),
      usd(row.cost_per_merged_usd),
      row.median_ms === null ? '–' : duration(row.median_ms),
      verdictOf(row),
    ]),
  }),
}

const RATE_WORDS: Readonly<Record<NamedRate['name'], string>> = {
  success: 'attempts that opened a pull request',
  first_try: 'without trying again',
  repair: 'repaired, of those that tried again',
  merge: 'pull requests that were merged',
}

const VERDICT_WORDS: Readonly<Record<ProposerCompared['verdict'], string>> = {
  too_few: 'too few to compare',
  alone: 'no other has enough',
  leads: 'above all others',
  not_apart: 'may be chance',
  behind: 'below the best',
}

function verdictOf({ verdict, replayed }: ProposerCompared): string {
  return `${VERDICT_WORDS[verdict]}${replayed === 0 ? '' : `, ${count(replayed)} recordings left out`}`
}

function failureCells({ attempts, orders, spent_usd: spent, latest_work_order_id: latest }: FailuresOfKind): string[] {
  return [count(attempts), count(orders), usd(spent), shortId(latest)]
}

function rateCells({ rate, low, high, of, enough }: Rate): string[] {
  if (rate === null || low === null || high === null) return ['–', '', '0', 'nothing yet']
  return [percent(rate), `${percent(low)} to ${percent(high)}`, count(of), enough ? '' : 'not enough']
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function spanOf({ from, to }: MergedInDays): string {
  return from === to ? from : `${from} to ${to}`
}

/** Each row with a bar that is as long as it is of the largest. */
function withBars<Row>(rows: readonly Row[], sizeOf: (row: Row) => number): [bar: string, row: Row][] {
  const most = Math.max(...rows.map(sizeOf))
  return rows.map((row) => ['█'.repeat(most > 0 ? Math.ceil((sizeOf(row) / most) * BAR) : 0), row])
}
