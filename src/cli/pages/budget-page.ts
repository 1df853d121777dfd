import type { BudgetPeriod, BudgetView } from '../../contract/budget.ts'
import { budgetWarnings, spentText } from './budget-line.ts'
import { ago, counted, shortId, usd } from './humanize.ts'
import type { Paint } from './output.ts'
import { fittedTable } from './table.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

const BAR = 20
const INDENT = '  '
const LONGEST_NAME = 40
const SHOWN_RESERVATIONS = 20

/** Everything about the money, for people. */
export function budgetPage(budget: BudgetView, options: PageStyle): string {
  const { paint, hint, columns } = options
  const warnings = budgetWarnings(budget).map((warning) => paint.yellow(`! ${hint(warning)}`))
  const sections = [
    `${paint.bold('Budget')}  ${budget.day} UTC`,
    [fittedTable(periodRows(budget, paint), columns), fittedTable(capRows(budget, paint), columns)].join('\n'),
    warnings.join('\n'),
    headed('Projects this month', projectRows(budget), options),
    headed('Models this month', modelRows(budget, paint), options),
    headed('Work orders this month, with all they ever cost', orderRows(budget), options),
    reservationSection(budget, options),
    waitingSection(budget.waiting, options),
    headed('Paused providers', pauseRows(budget), options),
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

function periodRows({ today, this_month: month }: BudgetView, paint: Paint): string[][] {
  const row = (name: string, period: BudgetPeriod) => {
    const { reserved_usd: reserved, soft_cap_usd: soft } = period
    const more = [
      ...(reserved === 0 ? [] : [`+${usd(reserved)} reserved`]),
      ...(soft === null ? [] : [`warns at ${usd(soft)}`]),
    ]
    return [paint.dim(name), bar(period, paint), spentText(period), more.join(', ')]
  }
  return [row('today', today), row('this month', month)]
}

/** What is spent, what is reserved, what is left below the hard cap. */
function bar({ spent_usd: spent, reserved_usd: reserved, hard_cap_usd: cap, ...period }: BudgetPeriod, paint: Paint) {
  if (cap === null) return paint.dim('no cap')
  const cells = (amount: number) => (cap === 0 ? BAR : Math.min(BAR, Math.round((amount / cap) * BAR)))
  const full = cells(spent)
  const held = cells(spent + reserved) - full
  const passed = period.soft_cap_usd !== null && spent >= period.soft_cap_usd
  const colour = passed || full + held === BAR ? paint.yellow : paint.green
  return colour(`${'█'.repeat(full)}${'▒'.repeat(held)}`) + paint.dim('░'.repeat(BAR - full - held))
}

function capRows({ limits }: BudgetView, paint: Paint): string[][] {
  const rows: [string, number | null, string][] = [
    ['work order', limits.order_cap, 'at most, where it has no cap of its own'],
    ['project', limits.project_monthly_cap, 'a month at most, where it has no cap of its own'],
    ['kill', limits.emergency_kill, 'a day stops everything'],
  ]
  return rows.map(([name, cap, words]) => [paint.dim(name), cap === null ? 'no cap' : `${usd(cap)} ${words}`])
}

function projectRows({ projects }: BudgetView): string[][] {
  return projects.map(({ project, ...sums }) => [
    project === null ? 'without a project' : oneLine(project, LONGEST_NAME),
    ...sumCells(sums),
    sums.cap_usd === null ? '' : `of ${usd(sums.cap_usd)}`,
  ])
}

function modelRows({ models }: BudgetView, paint: Paint): string[][] {
  const rows = models.map((model) => [
    oneLine(model.proposer, LONGEST_NAME),
    paint.dim(oneLine(`${model.provider}/${model.model}`, LONGEST_NAME)),
    counted(model.calls, 'call'),
    `${compact(model.input_tokens)} tokens in, ${compact(model.output_tokens)} out`,
    ...sumCells(model),
  ])
  return rows
}

function orderRows({ orders }: BudgetView): string[][] {
  return orders.map(({ id, title, status, cap_usd: cap, ...sums }) => [
    shortId(id),
    ...sumCells(sums),
    cap === null ? '' : `of ${usd(cap)}`,
    status === null ? '' : oneLine(status, LONGEST_NAME),
    title === null ? 'deleted' : oneLine(title, LONGEST_TITLE),
  ])
}

function sumCells({ spent_usd: spent, reserved_usd: reserved }: { spent_usd: number; reserved_usd: number }) {
  return [usd(spent), reserved === 0 ? '' : `+${usd(reserved)} reserved`]
}

function reservationSection({ at, reservations }: BudgetView, options: PageStyle): string {
  const { paint, hint } = options
  const now = new Date(at)
  const isUnresolved = ({ state }: { state: string }) => state === 'unresolved'
  const rows = reservations
    .toSorted((one, other) => Number(isUnresolved(other)) - Number(isUnresolved(one)))
    .slice(0, SHOWN_RESERVATIONS)
    .map((one) => [
      shortId(one.id),
      isUnresolved(one) ? paint.yellow('unresolved') : 'under way',
      usd(one.amount_usd),
      ago(new Date(one.at), now),
      one.work_order_id === null ? 'no work order' : `WO-${shortId(one.work_order_id)}`,
      oneLine(one.proposer, LONGEST_NAME),
    ])
  const more = reservations.length - rows.length
  const advice = [
    ...(more === 0 ? [] : [`and ${more} more; see: moose budget --json`]),
    ...(reservations.some(isUnresolved)
      ? ['Whether an unresolved call was charged says the bill of its provider:', SETTLE, RECONCILE]
      : []),
  ]
  const section = headed('Open reservations', rows, options)
  return [section, ...advice.map((line) => `  ${hint(line)}`)].filter((part) => part !== '').join('\n')
}

const SETTLE = 'moose budget settle ID USD   (0: it was not charged)'
const RECONCILE = 'moose budget reconcile --bill FILE'

function pauseRows({ at, paused_providers: pauses }: BudgetView): string[][] {
  const now = Date.parse(at)
  return pauses.map(({ provider, until, failures, reason }) => {
    const minutes = Math.max(1, Math.ceil((Date.parse(until) - now) / 60_000))
    return [
      oneLine(provider, LONGEST_NAME),
      `for ${counted(minutes, 'minute')} more`,
      `after ${counted(failures, 'outage')}`,
      oneLine(reason, LONGEST_TITLE),
    ]
  })
}

function headed(head: string, rows: string[][], { paint, columns }: PageStyle): string {
  if (rows.length === 0) return ''
  const lines = fittedTable(rows, columns === null ? null : columns - INDENT.length).split('\n')
  return [paint.dim(head), ...lines.map((line) => INDENT + line)].join('\n')
}

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

function compact(count: number): string {
  return COMPACT.format(count)
}

export type PageStyle = {
  paint: Paint
  /** Spells commands as they have to be typed here. */
  hint: (text: string) => string
  /** Of the terminal; null: there is none. */
  columns: number | null
}

type Waiting = BudgetView['waiting'][number]

const SHOWN_ORDERS = 10

/** What rests, one paragraph for each thing it waits for, with what to do about that; empty when nothing rests. */
export function waitingSection(waiting: readonly Waiting[], { paint, hint }: PageStyle): string {
  const causes = Map.groupBy(waiting, ({ code, scope, of }) => JSON.stringify([code, scope, of]))
  const paragraphs = [...causes.values()].map((orders) => {
    const [first] = orders
    const rows = orders
      .slice(0, SHOWN_ORDERS)
      .map(({ id, title }) => `  ${paint.bold(shortId(id))}  ${oneLine(title, LONGEST_TITLE)}`)
    const more = orders.length - rows.length
    const message = first === undefined ? '' : `  ${paint.yellow(hint(harmless(`${first.code}: ${first.message}`)))}`
    return [...rows, ...(more === 0 ? [] : [`  and ${counted(more, 'more order')}`]), message].join('\n')
  })
  return paragraphs.length === 0 ? '' : [paint.dim('Waiting'), ...paragraphs].join('\n')
}
