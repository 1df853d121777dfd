import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { answer, api, type InboxEntry, type Schemas } from '../api/client.ts'
import { budgetQuery } from '../api/queries.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { usd } from '../ui/words.tsx'
import { Field } from './field.tsx'

export type CapTarget = NonNullable<InboxEntry['cap']>
type Budget = Schemas['Budget']

/** What each cap is called, and what it does. */
export const CAPS: Readonly<Record<CapTarget, { name: string; does: string }>> = {
  'day-soft': { name: 'Day, warning', does: 'Passing it only warns.' },
  day: { name: 'Day', does: 'No call is made that could pass it; orders wait for the next day (UTC).' },
  kill: { name: 'Day, emergency kill', does: 'A day that has spent so much stops everything, running calls included.' },
  'month-soft': { name: 'Month, warning', does: 'Passing it only warns.' },
  month: { name: 'Month', does: 'No call is made that could pass it; orders wait for the next month (UTC).' },
  order: { name: 'One order', does: 'All attempts of an order together, where it has no cap of its own.' },
  project: {
    name: 'Month of one project',
    does: 'A project that has no cap of its own; its orders wait for the next month (UTC).',
  },
}

export function limitOf(target: CapTarget, { limits }: Budget): number | null {
  const of: Record<CapTarget, number | null> = {
    'day-soft': limits.daily_soft_cap,
    day: limits.daily_hard_cap,
    kill: limits.emergency_kill,
    'month-soft': limits.monthly_target,
    month: limits.monthly_hard_cap,
    order: limits.order_cap,
    project: limits.project_monthly_cap,
  }
  return of[target]
}

/** What is wrong with an amount as it is typed; null: nothing. */
export function problemOfUsd(text: string): string | null {
  if (text === '') return null
  return /^\d{1,9}(\.\d{1,12})?$/.test(text) ? null : 'An amount in USD, 0 or more, such as 2.50'
}

type CapButtonProps = {
  target: CapTarget
  /** Of one order or project; without it the usual cap. */
  id?: string
  /** Whose cap it is, in the question. */
  whose: string
  current: number | null
  label?: ReactNode
  className?: string
}

/** Changes one cap, with the most that can be spent then said as the amount is typed. */
export function CapButton({ target, id, whose, current, label = 'Change', className = '' }: CapButtonProps) {
  const { data: budget } = useQuery(budgetQuery)
  const initial = current === null ? '' : String(current)
  const [text, setText] = useState(initial)
  const problem = problemOfUsd(text)
  const amount = text === '' || problem !== null ? null : Number(text)
  const act = async () => {
    const body = { target, usd: text === '' ? null : text, ...(id === undefined ? {} : { id }) }
    const { cap } = await answer(api.PUT('/api/budget/caps', { body }))
    return `${whose}: ${cap.usd === null ? (id === undefined ? 'no cap' : 'the usual cap') : usd(cap.usd)}`
  }
  const isReady = problem === null && text !== initial
  return (
    <AskedButton
      label={label}
      title={`Cap: ${whose}`}
      doIt="Set the cap"
      act={act}
      isReady={isReady}
      className={className}
      onOpen={() => setText(initial)}
    >
      <p>{CAPS[target].does}</p>
      <Field
        label="USD"
        value={text}
        change={setText}
        problem={problem}
        inputMode="decimal"
        placeholder={id === undefined ? 'no cap' : 'the usual cap'}
        hint={id === undefined ? 'Empty: there is no such cap.' : 'Empty: the usual cap counts again.'}
      />
      {problem !== null || budget === undefined ? null : (
        <ul className="terms">
          {consequences({ target, id, amount }, budget).map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
    </AskedButton>
  )
}

type Wanted = { target: CapTarget; id: string | undefined; amount: number | null }

/** The most that can be spent with a cap, and what does not fit together. */
export function consequences({ target, id, amount }: Wanted, budget: Budget): string[] {
  if (id !== undefined)
    return [
      `Of it ${amount === null ? 'the usual cap counts' : `at most ${usd(amount)} is spent`}; the caps of the day and the month count too.`,
    ]
  const becomes = (of: CapTarget) => (of === target ? amount : limitOf(of, budget))
  const left = (period: Budget['today'], caps: readonly (number | null)[]) => {
    const known = caps.filter((cap) => cap !== null)
    if (known.length === 0) return null
    return Math.max(0, Math.min(...known) - period.spent_usd - period.reserved_usd)
  }
  const today = left(budget.today, [becomes('day'), becomes('kill')])
  const month = left(budget.this_month, [becomes('month')])
  const [day, kill, daySoft] = [becomes('day'), becomes('kill'), becomes('day-soft')]
  const [monthHard, monthSoft, order] = [becomes('month'), becomes('month-soft'), becomes('order')]
  const isAbove = (one: number | null, other: number | null) => one !== null && other !== null && one > other
  return [
    target === 'order'
      ? `An order costs ${order === null ? 'what the other caps allow' : `at most ${usd(order)}`}, also over many attempts.`
      : `At worst ${today === null ? 'any amount' : `${usd(today)} more`} is spent today, and ${month === null ? 'any amount' : `${usd(month)} more`} this month.`,
    ...(today === 0 ? ['Nothing is left of today: no call is made until tomorrow (UTC).'] : []),
    ...(month === 0 ? ['Nothing is left of this month: no call is made until the next one (UTC).'] : []),
    ...(isAbove(daySoft, day) ? ['The warning of the day is above its cap, and would never come.'] : []),
    ...(isAbove(monthSoft, monthHard) ? ['The warning of the month is above its cap, and would never come.'] : []),
    ...(isAbove(day, kill) ? ['The emergency kill is below the cap of the day, and comes first.'] : []),
    ...(isAbove(order, day) ? ['The cap of an order is above that of the day: an order can use up a day.'] : []),
  ]
}
