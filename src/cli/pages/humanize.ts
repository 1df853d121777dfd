const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `12ms`, `2.3s`, `3m 12s`, `2h 5m`. */
export function duration(ms: number): string {
  if (ms < 100) return `${Math.max(0, Math.round(ms))}ms`
  if (ms < MINUTE - 50) return `${(ms / SECOND).toFixed(1)}s`
  const seconds = Math.round(ms / SECOND)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

/** `just now`, `12s ago`, `3m ago`, `2h ago`, `4d ago`; the date itself after a month. */
export function ago(then: Date, now: Date): string {
  const ms = now.getTime() - then.getTime()
  if (ms < 5 * SECOND) return 'just now'
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s ago`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ago`
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h ago`
  if (ms < 31 * DAY) return `${Math.floor(ms / DAY)}d ago`
  return then.toISOString().slice(0, 10)
}

/** `$0`, `$0.0042`, `$1.20`; `–` where the amount is not known. */
export function usd(amount: number | null): string {
  if (amount === null) return '–'
  if (amount === 0) return '$0'
  if (amount < 0.000_05) return '<$0.0001'
  return amount < 0.1 ? `$${amount.toFixed(4)}` : `$${amount.toFixed(2)}`
}

/** Enough of an id to type; every command takes it. */
export function shortId(id: string): string {
  return id.slice(0, 8)
}

/** `1 order`, `3 orders`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`
}

/** `14:03:09`, the time of day where the reader is. */
export function timeOfDay(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

const UTC_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z/g

/** A text with its times in UTC (`2026-01-31T12:00:00.000Z`) as they are where the reader is; of another day with the date. */
export function withLocalTimes(text: string, now: Date): string {
  return text.replaceAll(UTC_TIME, (written) => {
    const at = new Date(written)
    if (Number.isNaN(at.getTime())) return written
    const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()]
      .map((part) => String(part).padStart(2, '0'))
      .join('-')
    return at.toDateString() === now.toDateString() ? timeOfDay(at) : `${day} ${timeOfDay(at)}`
  })
}
