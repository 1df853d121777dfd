import type { NumbersQuery } from '../api/client.ts'
import type { NumbersSearch } from '../places.ts'

const DAY_MS = 86_400_000
const USUAL_DAYS = 30

/** The zone of this browser. */
export const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** What is asked of the API for an address; the last day is left out where it is today. */
export function queryOf({ range, from, to, project, tz = 'UTC' }: NumbersSearch, now: Date): NumbersQuery {
  const named = { ...(project === undefined ? {} : { project }), tz }
  if (from !== undefined) return { ...named, from, ...(to === undefined ? {} : { to }) }
  const today = todayIn(tz, now)
  if (range === 'month') return { ...named, from: `${today.slice(0, 'YYYY-MM'.length)}-01` }
  const days = range === undefined ? USUAL_DAYS : Number.parseInt(range, 10)
  return {
    ...named,
    from: new Date(Date.parse(today) + (1 - days) * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length),
  }
}

/** A zone that this browser does not know is refused by the API, which says so. */
function todayIn(tz: string, now: Date): string {
  try {
    return new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short' }).format(now)
  } catch (error) {
    if (error instanceof RangeError) return now.toISOString().slice(0, 'YYYY-MM-DD'.length)
    throw error
  }
}

const FORMAT = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** `Nov 3`. */
export function shortDay(day: string): string {
  return FORMAT.format(new Date(day))
}
