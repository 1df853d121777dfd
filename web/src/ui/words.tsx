import { useEffect, useState } from 'react'

const MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

const money = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumFractionDigits: 2 })
const smallMoney = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumSignificantDigits: 2 })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })

const SMALL_USD = 0.01

/** USD; less than a cent with two digits that count. */
export function usd(amount: number): string {
  return amount !== 0 && Math.abs(amount) < SMALL_USD ? smallMoney.format(amount) : money.format(amount)
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(ms: number): string {
  if (ms < 10 * MS.second) return `${(Math.max(0, ms) / MS.second).toFixed(1)} s`
  const seconds = Math.round(ms / MS.second)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Such as `last 5 orders`; of one it is the `last order`. */
export function lastOrders(count: number): string {
  return count === 1 ? 'last order' : `last ${count} orders`
}

/** As the command line writes ids. */
export function shortId(id: string): string {
  return id.slice(0, 8)
}

function ago(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime()
  const far = Math.abs(ms)
  // The clocks of two machines differ by some seconds.
  if (far < MS.minute) return ms > MS.minute / 4 ? 'in a moment' : 'just now'
  if (far < MS.hour) return relative.format(Math.round(ms / MS.minute), 'minute')
  if (far < MS.day) return relative.format(Math.round(ms / MS.hour), 'hour')
  return relative.format(Math.round(ms / MS.day), 'day')
}

/** The time now, again whenever that much of it has passed. */
export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** How long ago; the time of this place and UTC are told on hover. */
export function Ago({ at }: { at: string }) {
  const now = useNow(MS.minute / 2)
  const date = new Date(at)
  return (
    <time dateTime={at} title={`${date.toLocaleString()} (${date.toISOString().slice(0, 19).replace('T', ' ')} UTC)`}>
      {ago(date, now)}
    </time>
  )
}

/** The time of day here; the day and UTC are told on hover. */
export function Clock({ at }: { at: string }) {
  const date = new Date(at)
  return (
    <time dateTime={at} title={`${date.toLocaleString()} (${date.toISOString().slice(0, 19).replace('T', ' ')} UTC)`}>
      {date.toLocaleTimeString(undefined, { hour12: false })}
    </time>
  )
}

/** How long something took, or takes until now. */
export function Elapsed({ from, to }: { from: string; to: string | null }) {
  return to === null ? <RunningFor from={from} /> : <>{duration(Date.parse(to) - Date.parse(from))}</>
}

function RunningFor({ from }: { from: string }) {
  const now = useNow(MS.second)
  return <>{duration(now.getTime() - Date.parse(from))} …</>
}
